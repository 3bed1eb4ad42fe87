// Package row reads and writes rows of the table keystile_credentials.
package row

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

// Columns are the columns of the table, in the order in which they are read and
// written.
const Columns = `id, kind, digest, subject, name, hint, scopes, family, client_id, actor, networks, ` +
	`created_at, expires_at, rotated_at, revoked_at, last_used_at, last_used_addr, data`

// Scan returns the credential of a row of Columns.
func Scan(row interface{ Scan(...any) error }) (*store.Credential, error) {
	c := new(store.Credential)
	err := row.Scan(&c.ID, &c.Kind, (*Digest)(&c.Digest), &c.Subject, &c.Name, &c.Hint, (*scopes)(&c.Scopes), &c.Family, &c.ClientID, &c.Actor, (*networks)(&c.Networks),
		(*Time)(&c.CreatedAt), (*Time)(&c.ExpiresAt), (*Time)(&c.RotatedAt), (*Time)(&c.RevokedAt), (*Time)(&c.LastUsedAt), (*addr)(&c.LastUsedAddr), &c.Data)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Types of columns that need parsing. A value that this package would not write is an
// error, because a damaged row must not be trusted.
type (
	Digest   store.Digest // 32 bytes
	Time     time.Time    // zero: NULL
	scopes   []string
	networks []netip.Prefix
	addr     netip.Addr
)

func (d *Digest) Scan(v any) error {
	if b, ok := v.([]byte); !ok || copy(d[:], b) != len(d) || len(b) != len(d) {
		return fmt.Errorf("a digest of %T: must be %d bytes", v, len(d))
	}
	return nil
}

func (c *scopes) Scan(v any) error {
	s, err := text(v)
	switch {
	case err != nil:
		return err
	case s == `["*"]`: // the usual value
		*c = []string{"*"}
		return nil
	}
	err = json.Unmarshal([]byte(s), (*[]string)(c))
	if err == nil && *c == nil {
		err = errors.New("scopes: null")
	}
	return err
}

// Scopes returns the column's value: never null.
func Scopes(scopes []string) (string, error) {
	if len(scopes) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal(scopes)
	return string(b), err
}

func (c *networks) Scan(v any) error {
	s, err := text(v)
	if err != nil || s == "" {
		return err
	}
	for field := range strings.SplitSeq(s, " ") {
		n, err := netip.ParsePrefix(field)
		if err != nil {
			return err // ignoring it could leave no network, which allows every address
		}
		*c = append(*c, n)
	}
	return nil
}

// Networks returns the column's value.
func Networks(networks []netip.Prefix) string {
	var fields []string
	for _, n := range networks {
		fields = append(fields, n.String())
	}
	return strings.Join(fields, " ")
}

func (a *addr) Scan(v any) error {
	s, err := text(v)
	if err != nil || s == "" {
		return err
	}
	parsed, err := netip.ParseAddr(s)
	*a = addr(parsed)
	return err
}

// Addr returns the column's value.
func Addr(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func (c *Time) Scan(v any) error {
	var t time.Time
	switch v := v.(type) {
	case nil:
		*c = Time{}
		return nil
	case int64:
		t = time.UnixMicro(v).UTC()
	case time.Time:
		t = v.UTC()
	default:
		return fmt.Errorf("a time of %T", v)
	}
	if t.IsZero() { // a time in the past to the database, but never to its readers
		return errors.New("the zero time: must be NULL")
	}
	*c = Time(t)
	return nil
}

func text(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	}
	return "", fmt.Errorf("a text of %T", v)
}
