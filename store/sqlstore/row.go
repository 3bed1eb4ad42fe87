package sqlstore

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

// values returns the values of row.Columns for c.
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
