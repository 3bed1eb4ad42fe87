package credential

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/keystile/keystile/store"
)

func reject(t testing.TB) func(format string, a ...any) {
	return func(format string, a ...any) {
		t.Helper()
		t.Errorf(format, a...)
	}
}

// T3: a digest is the SHA-256 of a plaintext, as the standard library has it,
// for every length that a plaintext may have.
func TestDigestIsSHA256(t *testing.T) {
	d := newDigester(nil, false, reject(t))
	if d.ways() != 1 {
		t.Fatalf("%d ways, want 1", d.ways())
	}
	random := rand.NewChaCha8([32]byte{})
	for n := range maxPlaintext + 1 {
		s := make([]byte, n)
		random.Read(s)
		if got, want := d.digest(0, string(s)), sha256.Sum256(s); got != want {
			t.Errorf("%d bytes: %x, want %x", n, got[:], want)
		}
	}
}

// With a pepper it is the HMAC-SHA-256.
func TestDigestIsHMAC(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	for keyLen := minPepper; keyLen <= 200; keyLen++ {
		key := make([]byte, keyLen)
		random.Read(key)
		d := newDigester([][]byte{key}, false, reject(t))
		if d.ways() != 1 {
			t.Fatalf("%d ways, want 1", d.ways())
		}
		h := hmac.New(sha256.New, key)
		for n := range maxPlaintext + 1 {
			s := make([]byte, n)
			random.Read(s)
			h.Reset()
			h.Write(s)
			if got := d.digest(0, string(s)); !bytes.Equal(got[:], h.Sum(nil)) {
				t.Fatalf("a key of %d bytes, %d bytes: %x, want %x", keyLen, n, got[:], h.Sum(nil))
			}
		}
	}
}

// RFC 4231, but for section 4.6, whose output is truncated.
func TestPepperVectors(t *testing.T) {
	tests := []struct{ name, key, data, want string }{
		{"4.2", strings.Repeat("\x0b", 20), "Hi There",
			"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
		{"4.3", "Jefe", "what do ya want for nothing?",
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"4.4", strings.Repeat("\xaa", 20), strings.Repeat("\xdd", 50),
			"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
		{"4.5", "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", strings.Repeat("\xcd", 50),
			"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
		{"4.7", strings.Repeat("\xaa", 131), "Test Using Larger Than Block-Size Key - Hash Key First",
			"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
		{"4.8", strings.Repeat("\xaa", 131), "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
			"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newHMACKey([]byte(tt.key))
			if got := k.hmac(tt.data); hex.EncodeToString(got[:]) != tt.want {
				t.Errorf("%x, want %s", got[:], tt.want)
			}
		})
	}
}

// The first pepper makes; the others, and none where that is accepted, come
// after it in their order.
func TestDigestWays(t *testing.T) {
	a, b := bytes.Repeat([]byte{'a'}, 32), bytes.Repeat([]byte{'b'}, 32)
	sum := func(key []byte) store.Digest {
		if key == nil {
			return sha256.Sum256([]byte("plaintext"))
		}
		h := hmac.New(sha256.New, key)
		h.Write([]byte("plaintext"))
		return store.Digest(h.Sum(nil))
	}
	tests := []struct {
		name   string
		keys   [][]byte
		accept bool
		want   [][]byte
	}{
		{"no pepper", nil, false, [][]byte{nil}},
		{"one", [][]byte{a}, false, [][]byte{a}},
		{"two", [][]byte{b, a}, false, [][]byte{b, a}},
		{"one, or none", [][]byte{a}, true, [][]byte{a, nil}},
		{"two, or none", [][]byte{a, b}, true, [][]byte{a, b, nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDigester(tt.keys, tt.accept, reject(t))
			if d.ways() != len(tt.want) {
				t.Fatalf("%d ways, want %d", d.ways(), len(tt.want))
			}
			for way, key := range tt.want {
				if got, want := d.digest(way, "plaintext"), sum(key); got != want {
					t.Errorf("way %d: %x, want %x", way, got[:], want[:])
				}
			}
		})
	}
}

func TestDigestAllocatesNothing(t *testing.T) {
	d := newDigester([][]byte{bytes.Repeat([]byte{1}, 100)}, true, reject(t))
	for _, s := range []string{golden[0], strings.Repeat("x", maxPlaintext)} {
		for way := range d.ways() {
			if n := testing.AllocsPerRun(100, func() { d.digest(way, s) }); n != 0 {
				t.Errorf("way %d, %d bytes: %v allocations", way, len(s), n)
			}
		}
	}
}
