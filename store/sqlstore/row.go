package sqlstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

// values returns the values of columns for c.
func (s *statements) values(c *store.Credential) ([]any, error) {
	scopes := []byte("[]") // never null
	if len(c.Scopes) > 0 {
		var err error
		if scopes, err = json.Marshal(c.Scopes); err != nil {
			return nil, err
		}
	}
	var networks []string
	for _, n := range c.Networks {
		networks = append(networks, n.String())
	}
	data := c.Data
	if data == nil {
		data = []byte{}
	}
	return []any{
		c.ID, string(c.Kind), c.Digest[:], c.Subject, c.Name, string(scopes), c.Family, c.Parent, strings.Join(networks, " "),
		s.time(c.CreatedAt), s.time(c.ExpiresAt), s.time(c.RotatedAt), s.time(c.RevokedAt), s.time(c.LastUsedAt), data,
	}, nil
}

// time returns the value of t, rounded down to a microsecond: NULL for never.
// SQLite has no type for times; there they are microseconds since 1970.
func (s *statements) time(t time.Time) any {
	switch {
	case t.IsZero():
		return nil
	case s.dialect == SQLite:
		return t.UnixMicro() // rounds down, before 1970 too
	}
	return t.UTC().Truncate(time.Microsecond)
}

// scan returns the row that columns of rows have.
func scan(row interface{ Scan(...any) error }) (*store.Credential, error) {
	c := new(store.Credential)
	err := row.Scan(&c.ID, &c.Kind, (*digestColumn)(&c.Digest), &c.Subject, &c.Name, (*scopesColumn)(&c.Scopes), &c.Family, &c.Parent, (*networksColumn)(&c.Networks),
		(*timeColumn)(&c.CreatedAt), (*timeColumn)(&c.ExpiresAt), (*timeColumn)(&c.RotatedAt), (*timeColumn)(&c.RevokedAt), (*timeColumn)(&c.LastUsedAt), &c.Data)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// The columns that are more than a string or bytes. A value that is none of
// theirs is an error: a row that was damaged must not be believed.
type (
	digestColumn   store.Digest
	scopesColumn   []string
	networksColumn []netip.Prefix
	timeColumn     time.Time
)

func (d *digestColumn) Scan(v any) error {
	if b, ok := v.([]byte); !ok || copy(d[:], b) != len(d) || len(b) != len(d) {
		return fmt.Errorf("a digest of %T: must be %d bytes", v, len(d))
	}
	return nil
}

func (c *scopesColumn) Scan(v any) error {
	s, err := text(v)
	switch {
	case err != nil:
		return err
	case s == `["*"]`: // most are
		*c = []string{"*"}
		return nil
	}
	err = json.Unmarshal([]byte(s), (*[]string)(c))
	if err == nil && *c == nil {
		err = errors.New("scopes: null")
	}
	return err
}

func (c *networksColumn) Scan(v any) error {
	s, err := text(v)
	if err != nil || s == "" {
		return err
	}
	for field := range strings.SplitSeq(s, " ") {
		n, err := netip.ParsePrefix(field)
		if err != nil {
			return err // no network at all would mean any
		}
		*c = append(*c, n)
	}
	return nil
}

func (c *timeColumn) Scan(v any) error {
	var t time.Time
	switch v := v.(type) {
	case nil:
		*c = timeColumn{}
		return nil
	case int64:
		t = time.UnixMicro(v).UTC()
	case time.Time:
		t = v.UTC()
	default:
		return fmt.Errorf("a time of %T", v)
	}
	if t.IsZero() { // SQL takes it for long ago, and who reads it for never
		return errors.New("the zero time: must be NULL")
	}
	*c = timeColumn(t)
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
