package redisstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/keystile/keystile/store"
)

// A row is the value of a key d:DIGEST. It begins with the fields that scripts read,
// and ends with the fields that they copy:
//
//	"1"                                        version
//	RevokedAt ExpiresAt RotatedAt LastUsedAt   18 digits each, see appendTime
//	CreatedAt                                  18 digits
//	LastUsedAddr                               a string
//	Kind ID Subject Family ClientID            strings
//	Name Data Scopes Networks Hint Actor       strings
//
// A string is its length in four bytes, big-endian, and its bytes. Scopes is a string
// that contains a string for each scope. Networks contains a string for each network:
// the address in 4 or 16 bytes, and one byte for the number of bits.
//
// Rows of this version are in testdata. Later versions must be able to read them.
const (
	version    = '1'
	timeDigits = 18
)

// encode returns the row of c.
func encode(c *store.Credential) (string, error) {
	b := append(make([]byte, 0, 512), version)
	var err error
	for _, t := range []struct {
		name string
		time.Time
	}{{"RevokedAt", c.RevokedAt}, {"ExpiresAt", c.ExpiresAt}, {"RotatedAt", c.RotatedAt}, {"LastUsedAt", c.LastUsedAt}, {"CreatedAt", c.CreatedAt}} {
		if b, err = appendTime(b, t.Time); err != nil {
			return "", fmt.Errorf("%s: %w", t.name, err)
		}
	}
	networks, err := encodeNetworks(c.Networks)
	if err != nil {
		return "", err
	}
	for _, s := range []string{
		encodeAddr(c.LastUsedAddr), string(c.Kind), c.ID, c.Subject, c.Family, c.ClientID,
		c.Name, string(c.Data), encodeScopes(c.Scopes), networks, c.Hint, c.Actor,
	} {
		b = appendString(b, s)
	}
	return string(b), nil
}

func encodeAddr(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	return addr.String()
}

func encodeScopes(scopes []string) string {
	var b []byte
	for _, s := range scopes {
		b = appendString(b, s)
	}
	return string(b)
}

func encodeNetworks(networks []netip.Prefix) (string, error) {
	var b []byte
	for i, n := range networks {
		if !n.IsValid() {
			return "", fmt.Errorf("network %d: not a valid prefix", i)
		}
		network, _ := n.MarshalBinary() // never fails
		b = appendString(b, string(network))
	}
	return string(b), nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// sinceYear1 is the Unix epoch in microseconds since the zero time.
const sinceYear1 = 62135596800 * 1e6

// appendTime appends t as microseconds since the zero time, so that never is 0. It
// always writes timeDigits digits, so that scripts can compare times as strings.
func appendTime(b []byte, t time.Time) ([]byte, error) {
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return nil, fmt.Errorf("year %d: must be 1 to 9999", y)
	}
	return fmt.Appendf(b, "%0*d", timeDigits, t.UnixMicro()+sinceYear1), nil
}

var errDamaged = errors.New("the row is damaged or of an unknown version")

// decode returns the credential of a row with this digest. It returns an error for a
// row that encode cannot have written. The strings of the result share the memory of
// the row.
func decode(d store.Digest, row string) (*store.Credential, error) {
	if len(row) == 0 || row[0] != version {
		return nil, errDamaged
	}
	r := reader{rest: row[1:]}
	c := &store.Credential{
		Digest:       d,
		RevokedAt:    r.time(),
		ExpiresAt:    r.time(),
		RotatedAt:    r.time(),
		LastUsedAt:   r.time(),
		CreatedAt:    r.time(),
		LastUsedAddr: r.addr(),
		Kind:         store.Kind(r.string()),
		ID:           r.string(),
		Subject:      r.string(),
		Family:       r.string(),
		ClientID:     r.string(),
		Name:         r.string(),
		Data:         []byte(r.string()),
	}
	for scopes := r.strings(); scopes.more(); {
		c.Scopes = append(c.Scopes, scopes.string())
		r.damaged = r.damaged || scopes.damaged
	}
	for networks := r.strings(); networks.more(); {
		c.Networks = append(c.Networks, networks.network())
		r.damaged = r.damaged || networks.damaged
	}
	c.Hint, c.Actor = r.string(), r.string()
	if r.damaged || r.rest != "" {
		return nil, errDamaged
	}
	return c, nil
}

// A reader reads a row from its beginning. If a value is missing or wrong, it sets
// damaged.
type reader struct {
	rest    string
	damaged bool
}

func (r *reader) take(n int) string {
	if n > len(r.rest) {
		r.damaged, r.rest = true, ""
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) time() time.Time {
	var n int64
	for _, digit := range []byte(r.take(timeDigits)) {
		if digit < '0' || digit > '9' {
			r.damaged = true
			return time.Time{}
		}
		n = n*10 + int64(digit-'0')
	}
	t := time.UnixMicro(n - sinceYear1).UTC()
	if t.Year() > 9999 {
		r.damaged = true
	}
	return t
}

func (r *reader) uint32() uint32 {
	b := r.take(4)
	if r.damaged {
		return 0
	}
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

func (r *reader) string() string { return r.take(int(r.uint32())) }

// strings reads a string and returns a reader of the strings in it.
func (r *reader) strings() reader { return reader{rest: r.string()} }

func (r *reader) more() bool { return r.rest != "" && !r.damaged }

func (r *reader) addr() (addr netip.Addr) {
	if s := r.string(); s != "" {
		var err error
		addr, err = netip.ParseAddr(s)
		r.damaged = r.damaged || err != nil
	}
	return addr
}

func (r *reader) network() (p netip.Prefix) {
	b := r.string()
	if r.damaged || len(b) != 5 && len(b) != 17 || p.UnmarshalBinary([]byte(b)) != nil || !p.IsValid() {
		r.damaged = true
	}
	return p
}
