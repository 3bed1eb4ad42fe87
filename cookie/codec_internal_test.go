package cookie

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

// TestSeal seals twice: the values differ, and the payload is left as it was.
func TestSeal(t *testing.T) {
	for _, codec := range codecs {
		sealer := codec.sealer(NewKey(), "id")
		payload := []byte("a payload")
		one, err1 := sealer.seal(payload)
		two, err2 := sealer.seal(payload)
		if err1 != nil || err2 != nil || one == two || string(payload) != "a payload" {
			t.Errorf("codec %d: %q, %v; %q, %v; %q", codec, one, err1, two, err2, payload)
		}
		for _, value := range []string{one, two} {
			if got, err := sealer.open(value); err != nil || string(got) != "a payload" {
				t.Errorf("codec %d: opened %q, %v", codec, got, err)
			}
		}
	}
}

// TestSealTooLong seals what gives a value longer than browsers keep, and opens
// such values that were sealed nevertheless: nobody sends them. (K3)
func TestSealTooLong(t *testing.T) {
	k, payload := NewKey(), make([]byte, 4096)
	for _, codec := range codecs {
		if value, err := codec.sealer(k, "id").seal(payload); err != errTooLarge || value != "" {
			t.Errorf("codec %d: sealed %d bytes, error %v", codec, len(value), err)
		}
	}

	a := newAEADSealer(k, "id").(*aeadSealer)
	nonce := make([]byte, a.aead.NonceSize())
	values := map[Codec]string{
		AEAD: aeadEncoding.EncodeToString(a.aead.Seal(append([]byte{aeadVersion}, nonce...), nonce, payload, a.data)),
	}
	unbounded := newSecureCookieSealer(k, "id").(*secureCookieSealer)
	unbounded.sc.MaxLength(0)
	var err error
	if values[SecureCookie], err = unbounded.seal(payload); err != nil {
		t.Fatal(err)
	}
	for codec, value := range values {
		if _, err := codec.sealer(k, "id").open(value); err != errOpen || len(value) <= maxCookie {
			t.Errorf("codec %d: opened %d bytes, error %v", codec, len(value), err)
		}
	}
	if err := unbounded.sc.Decode("id", values[SecureCookie], new([]byte)); err != nil {
		t.Errorf("the test has a value that is not only too long: %v", err)
	}
}

// TestDerivedKeys prints what holds them, and compares them. (B1, K5)
func TestDerivedKeys(t *testing.T) {
	k := NewKey()
	seen := map[string]string{}
	for _, purpose := range []string{"aead", "securecookie/hash", "securecookie/block"} {
		for _, name := range []string{"a", "b", "/a", defaultName} {
			derived := string(k.derive(purpose, name))
			if of := seen[derived]; of != "" || len(derived) != 32 {
				t.Errorf("%s/%s: %d bytes, as %s", purpose, name, len(derived), of)
			}
			seen[derived] = purpose + "/" + name
		}
	}
	for _, codec := range codecs {
		s := newSessions(t, Config{Keys: []Key{k}, Codec: codec})
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%q", "%d"} {
			out := fmt.Sprintf(verb, s)
			for derived, of := range seen {
				decimal := strings.Trim(fmt.Sprint([]byte(derived)), "[]")
				for _, form := range []string{derived, hex.EncodeToString([]byte(derived)), decimal} {
					if strings.Contains(out, form[:12]) {
						t.Errorf("Sessions printed with %s tell the key of %s", verb, of)
					}
				}
			}
		}
	}
}

// FuzzOpen presents anything: it is not opened, and nothing panics. (K4)
func FuzzOpen(f *testing.F) {
	sites := map[Codec]*Sessions{}
	ours := map[string]bool{} // by this process: another one has other keys
	for _, codec := range codecs {
		s := newSessions(f, Config{Codec: codec})
		sites[codec] = s
		for _, payload := range []string{"", "x", strings.Repeat("x", 54)} {
			value, err := s.sealers[0].seal([]byte(payload))
			if err != nil {
				f.Fatal(err)
			}
			ours[value] = true
			for _, v := range []string{value, value[1:], value[:len(value)-1], value + "=", value + "A", value[:9] + "\n" + value[9:], "AQ" + value} {
				f.Add(v)
			}
		}
	}
	golden, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		f.Fatal(err)
	}
	var made struct{ Cookies []struct{ Value string } } // under other keys
	if err := json.Unmarshal(golden, &made); err != nil || len(made.Cookies) == 0 {
		f.Fatal(len(made.Cookies), err)
	}
	for _, c := range made.Cookies {
		f.Add(c.Value)
	}
	f.Add("")
	f.Add("AQAA")
	f.Add("MXx8")
	f.Fuzz(func(t *testing.T, value string) {
		if ours[value] {
			return
		}
		for codec, s := range sites {
			if payload, err := s.sealers[0].open(value); err == nil {
				t.Errorf("codec %d: opened %q as %q", codec, value, payload)
			}
			r := &http.Request{Method: "GET", Header: http.Header{"Cookie": {s.cookie.Name + "=" + value}}}
			if _, err := s.Authenticate(r); !errors.Is(err, auth.ErrInvalidCredentials) {
				t.Errorf("codec %d: %q: %v", codec, value, err)
			}
		}
	})
}

// FuzzSeal seals anything: it is opened as it was, and not with a character that
// is another one. (K4)
func FuzzSeal(f *testing.F) {
	for i, tt := range payloads {
		f.Add([]byte(stamped(tt.want)), uint(i), byte('A'))
	}
	f.Add([]byte{0}, uint(1000), byte('\n'))
	f.Add(make([]byte, 3000), uint(3), byte('='))
	sealers := map[Codec]sealer{}
	for _, codec := range codecs {
		sealers[codec] = codec.sealer(NewKey(), "id")
	}
	f.Fuzz(func(t *testing.T, payload []byte, at uint, c byte) {
		if len(payload) == 0 {
			return // which a session never is, and SecureCookie does not open
		}
		for codec, s := range sealers {
			value, err := s.seal(payload)
			if err != nil {
				if err != errTooLarge || len(payload) < 2000 {
					t.Errorf("codec %d: %d bytes: %v", codec, len(payload), err)
				}
				continue
			}
			if got, err := s.open(value); err != nil || got != string(payload) {
				t.Errorf("codec %d: sealed %q, opened %q, %v", codec, payload, got, err)
			}
			other := []byte(value)
			other[at%uint(len(other))] = c
			if got, err := s.open(string(other)); err != errOpen && string(other) != value {
				t.Errorf("codec %d: opened %q, which is not %q, as %q, %v", codec, other, value, got, err)
			}
		}
	})
}

// FuzzSecureCookie signs anything under our keys, and opens it as
// gorilla/securecookie does: to the same bytes or, where it is not canonical
// base64, not at all. (K4)
func FuzzSecureCookie(f *testing.F) {
	const name = "id"
	s := newSecureCookieSealer(NewKey(), name).(*secureCookieSealer)
	o := s.openers.New().(*opener)
	for _, size := range []int{1, 54, 55, 56} {
		value, err := s.seal([]byte(strings.Repeat("x", size)))
		if err != nil {
			f.Fatal(err)
		}
		b, err := secureCookieEncoding.DecodeString(value)
		if err != nil {
			f.Fatal(err)
		}
		parts := strings.SplitN(string(b), "|", 3)
		f.Add(parts[0], parts[1], "")
		f.Add(parts[0], parts[1]+"\n", "")
		f.Add(parts[0], parts[1][:4]+"="+parts[1][5:], "")
		f.Add("-1", parts[1], "x")
		f.Add("", parts[1], "")
	}
	f.Add("1", "", "")
	f.Add("1", "AAAAAAAAAAAAAAAAAAAAAA==", "")     // an IV alone
	f.Add("1", "AAAAAAAAAAAAAAAAAAAAAAB=", "")     // unused bits
	f.Add("1", "AAAAAAAAAAAAAAAAAAAAAAAAAA==", "") // more than an IV
	f.Add("1|2", "AAAAAAAAAAAAAAAAAAAAAAAAAA==", "|")
	f.Fuzz(func(t *testing.T, date, text, after string) {
		signed := date + "|" + text
		mac := string(o.sign(name, []byte(signed)))
		value := secureCookieEncoding.EncodeToString([]byte(signed + "|" + mac + after))
		var want []byte
		theirs := s.sc.Decode(name, value, &want)
		got, ours := s.open(value)
		if ours == nil && (theirs != nil || got != string(want)) {
			t.Errorf("%q, which securecookie opens as %q, %v, is opened as %q", value, want, theirs, got)
		}
		inner := text
		if _, rest, found := strings.Cut(date, "|"); found {
			inner = rest // to the next bar, which is another one's mistake
		}
		if _, err := secureCookieEncoding.DecodeString(inner); ours != nil && theirs == nil && err == nil && !hasLineBreak(inner) {
			t.Errorf("%q, which securecookie opens as %q, is not opened", value, want)
		}
	})
}
