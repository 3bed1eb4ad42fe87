package sqlstore

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

// values returns the values of columns for c.
func (s *statements) values(c *store.Credential) ([]any, error) {
	scopes, err := json.Marshal(slices.Concat([]string{}, c.Scopes)) // never null
	if err != nil {
		return nil, err
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
	return json.Unmarshal([]byte(s), (*[]string)(c))
}

func (c *networksColumn) Scan(v any) error {
	s, err := text(v)
	for field := range strings.FieldsSeq(s) {
		n, parseErr := netip.ParsePrefix(field)
		if parseErr != nil {
			return parseErr // no network at all would mean any
		}
		*c = append(*c, n)
	}
	return err
}

func (c *timeColumn) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*c = timeColumn{}
	case int64:
		*c = timeColumn(time.UnixMicro(v).UTC())
	case time.Time:
		*c = timeColumn(v.UTC())
	default:
		return fmt.Errorf("a time of %T", v)
	}
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
