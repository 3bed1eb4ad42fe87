package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// piece is how many bytes of a credential must not be found anywhere.
const piece = 12

// Needles are what credentials look like in every encoding, and pieces of them.
type needles struct {
	by     map[[piece]byte][]needle // by how they begin
	filter [1 << 14]uint64          // bits for the hashes of the first 8 bytes of each
}

type needle struct {
	text   string
	of, as string // whose credential it is a piece of, and in which encoding
}

// encodings are ways to write a piece of a credential. One that depends on what
// is around the piece leaves that away.
var encodings = []struct {
	name   string
	encode func(p string) string
}{
	{"plain", func(p string) string { return p }},
	{"URL", url.QueryEscape},
	{"URL, lower case", func(p string) string {
		return regexp.MustCompile(`%..`).ReplaceAllStringFunc(url.QueryEscape(p), strings.ToLower)
	}},
	{"hex", func(p string) string { return hex.EncodeToString([]byte(p)) }},
	{"HEX", func(p string) string { return strings.ToUpper(hex.EncodeToString([]byte(p))) }},
	{"base64 of 0", func(p string) string { return inBase64(base64.RawStdEncoding, p, 0) }},
	{"base64 of 1", func(p string) string { return inBase64(base64.RawStdEncoding, p, 1) }},
	{"base64 of 2", func(p string) string { return inBase64(base64.RawStdEncoding, p, 2) }},
	{"base64url of 0", func(p string) string { return inBase64(base64.RawURLEncoding, p, 0) }},
	{"base64url of 1", func(p string) string { return inBase64(base64.RawURLEncoding, p, 1) }},
	{"base64url of 2", func(p string) string { return inBase64(base64.RawURLEncoding, p, 2) }},
	{"bytes", func(p string) string { return strings.Trim(fmt.Sprint([]byte(p)), "[]") }},
	{"Go", func(p string) string {
		return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(p)), "[]byte{"), "}")
	}},
}

// inBase64 returns the characters that p alone decides, where so many bytes more
// than a multiple of three are before it.
func inBase64(e *base64.Encoding, p string, before int) string {
	text := e.EncodeToString([]byte("\x00\x00"[:before] + p + "\x00\x00"))
	return text[(8*before+5)/6 : 8*(before+len(p))/6]
}

// hide returns the needles of credentials, by what they are.
func hide(credentials map[string]string) *needles {
	n := &needles{by: make(map[[piece]byte][]needle)}
	for of, c := range credentials {
		for i := range len(c) - piece + 1 {
			for _, as := range encodings {
				text := as.encode(c[i : i+piece])
				head := [piece]byte([]byte(text))
				n.by[head] = append(n.by[head], needle{text, of, as.name})
				word, bit := hash([]byte(text))
				n.filter[word] |= bit
			}
		}
	}
	return n
}

// hash returns where the filter has the bit of what begins with these 8 bytes.
func hash(b []byte) (word int, bit uint64) {
	h := binary.LittleEndian.Uint64(b) * 0x9e3779b97f4a7c15 >> 44
	return int(h >> 6), 1 << (h & 63)
}

// find returns what is found in b, once for each credential and encoding.
func (n *needles) find(b []byte) (found []string) {
	for i := range len(b) - piece + 1 {
		if word, bit := hash(b[i:]); n.filter[word]&bit == 0 {
			continue
		}
		for _, needle := range n.by[[piece]byte(b[i:])] {
			what := needle.of + " as " + needle.as
			if bytes.HasPrefix(b[i:], []byte(needle.text)) && !slices.Contains(found, what) {
				found = append(found, what)
			}
		}
	}
	return found
}
