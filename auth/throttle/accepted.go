package throttle

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// accepted remembers credentials that were accepted, and from where, so that
// they pass when their address is blocked: not as valid, but as worth asking
// for. It holds hashes under a random key that nobody outside sees the effect
// of, and each takes the place of the one before in its slot.
type accepted struct {
	seed  maphash.Seed
	slots []atomic.Uint64
}

const (
	acceptedSlots = 1 << 14 // 128 KiB

	// maxCredentials bounds what is hashed, in bytes. It is what
	// auth.HeaderCredentials takes.
	maxCredentials = 4096
)

func newAccepted() accepted {
	return accepted{maphash.MakeSeed(), make([]atomic.Uint64, acceptedSlots)}
}

func (a *accepted) has(c client, credentials string) bool {
	slot, sum := a.slot(c, credentials)
	return slot != nil && slot.Load() == sum
}

func (a *accepted) add(c client, credentials string) {
	// Most find themselves there, and a write would be seen by every other
	// processor.
	if slot, sum := a.slot(c, credentials); slot != nil && slot.Load() != sum {
		slot.Store(sum)
	}
}

func (a *accepted) remove(c client, credentials string) {
	if slot, sum := a.slot(c, credentials); slot != nil {
		slot.CompareAndSwap(sum, 0)
	}
}

// slot returns where credentials would be and what would be there, or nil if
// they are none or too long to be any.
func (a *accepted) slot(c client, credentials string) (*atomic.Uint64, uint64) {
	if credentials == "" || len(credentials) > maxCredentials {
		return nil, 0
	}
	// The name of the scheme may be in any case, and any number of spaces after
	// it. Who has one credential must not have many places by that.
	scheme, rest, _ := strings.Cut(strings.Trim(credentials, " \t"), " ")
	var h maphash.Hash
	h.SetSeed(a.seed)
	h.Write(c[:])
	for i := range len(scheme) {
		b := scheme[i]
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		h.WriteByte(b)
	}
	h.WriteByte(' ')
	h.WriteString(strings.TrimLeft(rest, " "))
	sum := h.Sum64() | 1 // never that of an empty slot
	return &a.slots[sum>>1%acceptedSlots], sum
}
