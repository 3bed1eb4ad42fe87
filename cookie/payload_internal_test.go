package cookie

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// at returns a moment of a payload.
func at(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// payloads are some, of both forms, and what they are encoded as after the
// stamps, which are one, two and three microseconds.
var payloads = []struct {
	name string
	p    payload
	want string // version, form, "|", the rest
}{
	{"stored", payload{plaintext: "ses_x"}, "\x01\x01|\x05ses_x"},
	{"all scopes", payload{id: "i", subject: "ada", scopes: []string{"*"}}, "\x01\x02|\x01i\x03ada\x01\x01*"},
	{"no scopes", payload{id: "i", subject: "ada"}, "\x01\x02|\x01i\x03ada\x00"},
	{"a scope", payload{id: "i", subject: "ada", scopes: []string{"a:b"}}, "\x01\x02|\x01i\x03ada\x01\x03a:b"},
	{"two scopes", payload{id: "i", subject: "ada", scopes: []string{"*", "x"}}, "\x01\x02|\x01i\x03ada\x02\x01*\x01x"},
	{"longest", payload{id: "i", subject: strings.Repeat("s", 255)}, "\x01\x02|\x01i\xff" + strings.Repeat("s", 255) + "\x00"},
}

// stamped puts the stamps of payloads into want.
func stamped(want string) string {
	var stamps [stampsLen]byte
	stamps[7], stamps[15], stamps[23] = 1, 2, 3
	return strings.Replace(want, "|", string(stamps[:]), 1)
}

func TestPayload(t *testing.T) {
	for _, tt := range payloads {
		tt.p.created, tt.p.expires, tt.p.seen = at(1), at(2), at(3)
		b := tt.p.encode()
		if string(b) != stamped(tt.want) {
			t.Errorf("%s: encoded as %q, want %q", tt.name, b, stamped(tt.want))
		}
		var got payload
		if !got.decode(string(b)) || !reflect.DeepEqual(got, tt.p) {
			t.Errorf("%s: decoded as %+v, want %+v", tt.name, got, tt.p)
		}
	}
}

// TestNotAPayload decodes what is almost a payload.
func TestNotAPayload(t *testing.T) {
	for _, tt := range payloads {
		good := stamped(tt.want)
		bad := map[string]string{
			"version 0": "\x00" + good[1:], "version 2": "\x02" + good[1:], "version 255": "\xff" + good[1:],
			"form 0": good[:1] + "\x00" + good[2:], "form 3": good[:1] + "\x03" + good[2:], "form 255": good[:1] + "\xff" + good[2:],
			"other form":     good[:1] + string(3-good[1]) + good[2:],
			"a byte more":    good + "\x00",
			"many more":      good + good,
			"long length":    good[:payloadMin] + "\xff" + good[payloadMin+1:],
			"head of form 0": good[:1] + "\x00" + good[2:payloadMin],
			"empty strings":  good[:payloadMin] + "\x00",
		}
		for i := range len(good) {
			bad[fmt.Sprintf("%d bytes", i)] = good[:i]
		}
		for name, b := range bad {
			if p := new(payload); p.decode(b) {
				t.Errorf("%s: %s: decoded %q as %+v", tt.name, name, b, p)
			}
		}
	}
}

// FuzzPayload decodes anything: it does not panic, and what it takes for a
// payload is what encode makes of it.
func FuzzPayload(f *testing.F) {
	for _, tt := range payloads {
		f.Add([]byte(stamped(tt.want)))
		f.Add([]byte(stamped(tt.want) + "\x00"))
		f.Add([]byte(stamped(tt.want)[:20]))
	}
	f.Add(append([]byte("\x01\x02"), bytes.Repeat([]byte{0xff}, 600)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := slices.Clone(b)
		var p payload
		ok := p.decode(string(b))
		if !bytes.Equal(b, before) {
			t.Fatal("decode changed its input")
		}
		if !ok {
			return
		}
		again := p.encode()
		if !bytes.Equal(again, b) {
			t.Errorf("%q was decoded, but is encoded as %q", b, again)
		}
		var q payload
		if !q.decode(string(again)) || !reflect.DeepEqual(p, q) {
			t.Errorf("decoded as %+v, then as %+v", p, q)
		}
	})
}

// FuzzPayloadRoundTrip encodes any session: decode gives it back.
func FuzzPayloadRoundTrip(f *testing.F) {
	for _, tt := range payloads {
		f.Add(int64(1), int64(2), int64(3), tt.p.plaintext, tt.p.id, tt.p.subject, strings.Join(tt.p.scopes, " "))
	}
	f.Add(int64(-1<<63), int64(1<<63-1), int64(0), "", "", "", " ")
	f.Fuzz(func(t *testing.T, created, expires, seen int64, plaintext, id, subject, scopes string) {
		want := payload{created: at(created), expires: at(expires), seen: at(seen), plaintext: plaintext}
		if plaintext == "" {
			want.id, want.subject = id, subject
			if scopes != "" {
				want.scopes = strings.Split(scopes, " ")
			}
		}
		for _, s := range append(want.scopes, plaintext, id, subject) {
			if len(s) > 255 || len(want.scopes) > 100 {
				return
			}
		}
		var got payload
		if !got.decode(string(want.encode())) || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}
