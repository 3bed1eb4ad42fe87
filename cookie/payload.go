package cookie

import (
	"encoding/binary"
	"time"

	"github.com/keystile/keystile/auth"
)

// A payload is what a cookie holds. With a store that is the plaintext of a
// credential; without one it is the whole session.
//
//	version (1 byte)  form (1 byte)  created  expires  seen (8 bytes each)
//	form 1, with a store:  plaintext
//	form 2, without one:   id  subject  number of scopes (1 byte)  scopes
//
// Times are microseconds since 1970, big-endian. Strings have their length, up
// to 255, in a byte before them. Nothing follows.
type payload struct {
	created time.Time
	expires time.Time // the session's end, whatever happens
	seen    time.Time // when the cookie was made or last renewed: the idle time counts from here

	plaintext string // "": without a store

	id, subject string
	scopes      []string
}

const (
	payloadVersion = 1

	formStored = 1
	formWhole  = 2

	stampsLen  = 3 * 8
	payloadMin = 2 + stampsLen
)

func (p *payload) stored() bool { return p.plaintext != "" }

func (p *payload) encode() []byte {
	b := make([]byte, 0, 256)
	form := byte(formWhole)
	if p.stored() {
		form = formStored
	}
	b = append(b, payloadVersion, form)
	for _, t := range []time.Time{p.created, p.expires, p.seen} {
		b = binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()))
	}
	if p.stored() {
		return appendString(b, p.plaintext)
	}
	b = appendString(appendString(b, p.id), p.subject)
	b = append(b, byte(len(p.scopes)))
	for _, s := range p.scopes {
		b = appendString(b, s)
	}
	return b
}

// appendString appends s, which is no longer than 255 bytes: those who make
// payloads have seen to that.
func appendString(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

// allScopes is what nearly every session has. It is shared.
var allScopes = []string{auth.AllScopes}

// decode sets *p to what b holds and reports whether that is a payload.
func (p *payload) decode(b string) bool {
	if len(b) < payloadMin || b[0] != payloadVersion {
		return false
	}
	p.created, p.expires, p.seen = stamp(b[2:]), stamp(b[10:]), stamp(b[18:])
	d := decoder{s: b[payloadMin:], ok: true} // whose memory all strings share
	switch b[1] {
	case formStored:
		p.plaintext = d.string()
		d.ok = d.ok && p.stored()
	case formWhole:
		p.id, p.subject = d.string(), d.string()
		if n := d.byte(); n == 1 && d.s == "\x01"+auth.AllScopes {
			p.scopes, d.s = allScopes, ""
		} else if n > 0 {
			p.scopes = make([]string, 0, n)
			for range n {
				p.scopes = append(p.scopes, d.string())
			}
		}
	default:
		return false
	}
	return d.ok && d.s == ""
}

func stamp(b string) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64([]byte(b[:8])))).UTC()
}

// A decoder takes the parts of a payload off its front.
type decoder struct {
	s  string
	ok bool // false: something was missing
}

func (d *decoder) byte() byte {
	if d.s == "" {
		d.ok = false
		return 0
	}
	b := d.s[0]
	d.s = d.s[1:]
	return b
}

func (d *decoder) string() string {
	n := int(d.byte())
	if n > len(d.s) {
		d.ok = false
		return ""
	}
	s := d.s[:n]
	d.s = d.s[n:]
	return s
}
