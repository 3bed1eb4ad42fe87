package credential

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/keystile/keystile/store"
)

const (
	maxPlaintext = 255 // bytes, of an imported credential
	minPepper    = 32  // bytes, as long as the digest: RFC 2104 section 3
)

// A digester turns plaintexts into digests. Without peppers that is SHA-256:
// plaintexts have far more than 128 bits of entropy, so there is nothing for a
// slow hash to slow down. A pepper, kept apart from the database, adds that
// whoever can write to the database still cannot make a credential.
type digester struct {
	peppers []pepper
	plain   bool // digests without a pepper are looked for too, last
}

// newDigester returns a digester whose first pepper makes digests; every other
// one finds what it made before. It tells fail what is wrong with them.
func newDigester(peppers [][]byte, acceptUnpeppered bool, fail func(format string, a ...any)) digester {
	d := digester{plain: acceptUnpeppered || len(peppers) == 0}
	var keys []hmacKey
	for i, key := range peppers {
		if len(key) < minPepper {
			fail("Peppers[%d]: %d bytes: must be at least %d random ones", i, len(key), minPepper)
		}
		if len(key) >= minPepper && bytes.Count(key, []byte{0}) == len(key) {
			fail("Peppers[%d]: all zeros: it must be random", i)
		}
		k := newHMACKey(key)
		if j := slices.Index(keys, k); j >= 0 {
			fail("Peppers[%d]: the same as Peppers[%d]: leave one of them out", i, j)
		}
		keys, d.peppers = append(keys, k), append(d.peppers, k.hmac)
	}
	if acceptUnpeppered && len(peppers) == 0 {
		fail("AcceptUnpeppered: true: has no meaning without Peppers: leave it out, or set them")
	}
	return d
}

// ways returns how many digests a plaintext may have. The first is for making.
func (d *digester) ways() int {
	if d.plain {
		return len(d.peppers) + 1
	}
	return len(d.peppers)
}

// digest returns one of the digests of s, which is at most maxPlaintext bytes
// long. The copy of s is on the stack.
func (d *digester) digest(way int, s string) store.Digest {
	if way < len(d.peppers) {
		return d.peppers[way](s)
	}
	if len(s) <= sha256.BlockSize {
		var buf [sha256.BlockSize]byte
		return sha256.Sum256(buf[:copy(buf[:], s)])
	}
	var buf [maxPlaintext]byte
	return sha256.Sum256(buf[:copy(buf[:], s)])
}

// A pepper returns the HMAC of a plaintext under a key. It is a function, as in
// auth.Plaintext: whoever prints what holds one, with whatever verb, finds an
// address.
type pepper func(s string) store.Digest

// An hmacKey is a key of HMAC-SHA-256, prepared: RFC 2104 section 2.
type hmacKey struct{ inner, outer [sha256.BlockSize]byte }

func newHMACKey(key []byte) hmacKey {
	if len(key) > sha256.BlockSize {
		sum := sha256.Sum256(key)
		key = sum[:]
	}
	var k hmacKey
	copy(k.inner[:], key)
	copy(k.outer[:], key)
	for i := range k.inner {
		k.inner[i] ^= 0x36
		k.outer[i] ^= 0x5c
	}
	return k
}

// hmac returns what crypto/hmac does, without its allocations.
func (k *hmacKey) hmac(s string) store.Digest {
	var in [sha256.BlockSize + maxPlaintext]byte
	copy(in[:], k.inner[:])
	n := copy(in[sha256.BlockSize:], s)
	sum := sha256.Sum256(in[:sha256.BlockSize+n])

	var out [sha256.BlockSize + sha256.Size]byte
	copy(out[:], k.outer[:])
	copy(out[sha256.BlockSize:], sum[:])
	return sha256.Sum256(out[:])
}
