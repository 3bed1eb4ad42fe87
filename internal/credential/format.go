package credential

import (
	"crypto/rand"
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
)

// A credential of ours is a prefix, an underscore, a body and a checksum:
//
//	pat_6cYmGYVOiKz5dPgmbBUVvqXzbtK8bJ6mcY8n8fWc2rv8nS
//
// The body is 40 random base62 characters, 238 bits. The checksum is the CRC-32
// (IEEE) of all before it, as base62 digits, the most significant first. It is
// no protection against forgery; it tells a typo, and a string that merely
// looks alike, from a credential without asking a store.
const (
	bodyLen     = 40
	checksumLen = 6
	maxPrefix   = 8 // so that no credential is longer than 55 bytes, one SHA-256 block

	idLen = 20 // 119 bits

	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// A format makes and recognises the credentials with one prefix.
type format struct {
	prefix string // with its underscore
	crc    *crcTable
	begun  uint32       // the checksum of prefix, for every credential begins with it
	values *[256]uint64 // of each digit; of what is none, more than any checksum
}

// newFormat returns the format of a prefix, or an error that says what a prefix
// must be like.
func newFormat(prefix string) (format, error) {
	if !regexp.MustCompile(fmt.Sprintf(`^[a-z0-9]{1,%d}$`, maxPrefix)).MatchString(prefix) {
		return format{}, fmt.Errorf("%q: must be 1 to %d characters of a-z and 0-9", prefix, maxPrefix)
	}
	values := new([256]uint64)
	for c := range values {
		values[c] = 1 << 32
	}
	for i := range len(alphabet) {
		values[alphabet[i]] = uint64(i)
	}
	f := format{prefix: prefix + "_", crc: newCRCTable(), values: values}
	f.begun = f.crc.update(0, f.prefix)
	return f, nil
}

// generate returns a new credential.
func (f *format) generate() string { return f.seal(f.begin()) }

// begin returns a credential without its checksum, with room for that.
func (f *format) begin() []byte {
	b := make([]byte, 0, maxPrefix+1+bodyLen+checksumLen)
	return appendRandom(append(b, f.prefix...), bodyLen)
}

// seal returns the credential that begins with b.
func (f *format) seal(b []byte) string {
	sum := digits(f.crc.update(0, string(b)))
	return string(append(b, sum[:]...))
}

// claims reports whether s has the prefix, be it well-formed or not.
func (f *format) claims(s string) bool { return strings.HasPrefix(s, f.prefix) }

// check reports whether s has the prefix, the length and the checksum of a
// credential.
func (f *format) check(s string) bool {
	if len(s) != len(f.prefix)+bodyLen+checksumLen || !f.claims(s) {
		return false
	}
	body, digits := s[len(f.prefix):len(s)-checksumLen], s[len(s)-checksumLen:]
	var sum uint64
	for i := range checksumLen {
		sum = sum*uint64(len(alphabet)) + f.values[digits[i]]
	}
	return sum == uint64(f.crc.update(f.begun, body))
}

// pattern returns a regular expression that finds credentials in text.
func (f *format) pattern() string {
	return fmt.Sprintf(`\b%s[0-9A-Za-z]{%d}\b`, f.prefix, bodyLen+checksumLen)
}

// NewID returns a public ID.
func NewID() string { return string(appendRandom(make([]byte, 0, idLen), idLen)) }

// appendRandom appends n characters of the alphabet, each equally likely.
func appendRandom(b []byte, n int) []byte {
	// 248 is the largest multiple of 62 that a byte can hold. Taking the
	// remainder of the values above it too would make the first eight
	// characters likelier than the rest.
	const fair = 256 - 256%len(alphabet)
	var random [64]byte
	for {
		rand.Read(random[:]) // never fails: it ends the program instead
		for _, r := range random {
			if n == 0 {
				return b
			}
			if int(r) < fair {
				b = append(b, alphabet[int(r)%len(alphabet)])
				n--
			}
		}
	}
}

// hint returns what a page shows of a plaintext so that its owner recognizes it:
// the prefix, if it is one of ours, and the last four characters. Those are four
// of the 40 and more that a credential has, so they do not help to guess it.
func (m *Manager) hint(plaintext string) string {
	const shown = 4
	if len(plaintext) < minImported {
		return ""
	}
	end := "…" + plaintext[len(plaintext)-shown:]
	if m.format.claims(plaintext) {
		return m.format.prefix + end
	}
	return end
}

// digits returns sum in base 62.
func digits(sum uint32) (d [checksumLen]byte) {
	for i := len(d) - 1; i >= 0; i-- {
		d[i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return d
}

// A crcTable computes the CRC-32 that hash/crc32 does, by the same method
// (slicing by eight), on a string. The standard function takes a slice and
// calls through a variable, so the slice would be allocated for every request.
type crcTable [8]crc32.Table

func newCRCTable() *crcTable {
	t := &crcTable{*crc32.IEEETable}
	for i := range t[0] {
		crc := t[0][i]
		for k := 1; k < len(t); k++ {
			crc = t[0][crc&0xff] ^ crc>>8
			t[k][i] = crc
		}
	}
	return t
}

// update returns the checksum of what crc is the checksum of, and s after it.
func (t *crcTable) update(crc uint32, s string) uint32 {
	crc = ^crc
	for len(s) >= 8 {
		crc ^= uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
		crc = t[0][s[7]] ^ t[1][s[6]] ^ t[2][s[5]] ^ t[3][s[4]] ^
			t[4][crc>>24] ^ t[5][crc>>16&0xff] ^ t[6][crc>>8&0xff] ^ t[7][crc&0xff]
		s = s[8:]
	}
	for i := range len(s) {
		crc = t[0][byte(crc)^s[i]] ^ crc>>8
	}
	return ^crc
}
