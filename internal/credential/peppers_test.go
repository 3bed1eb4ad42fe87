package credential_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"

	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// The first pepper makes new digests; every one finds what it made; one that
// is gone finds nothing; and what was made without peppers is found where the
// host says so.
func TestPeppers(t *testing.T) {
	a, b := []byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 64))
	tests := []struct {
		name     string
		made, by credential.Config
		status   int
		finds    int32
	}{
		{"the same", credential.Config{Peppers: [][]byte{a}}, credential.Config{Peppers: [][]byte{a}}, 200, 1},
		{"added in front", credential.Config{Peppers: [][]byte{a}}, credential.Config{Peppers: [][]byte{b, a}}, 200, 2},
		{"added behind", credential.Config{Peppers: [][]byte{a}}, credential.Config{Peppers: [][]byte{a, b}}, 200, 1},
		{"made with the first of two", credential.Config{Peppers: [][]byte{b, a}}, credential.Config{Peppers: [][]byte{b}}, 200, 1},
		{"not with the second of two", credential.Config{Peppers: [][]byte{b, a}}, credential.Config{Peppers: [][]byte{a}}, 401, 1},
		{"replaced", credential.Config{Peppers: [][]byte{a}}, credential.Config{Peppers: [][]byte{b}}, 401, 1},
		{"removed", credential.Config{Peppers: [][]byte{a}}, credential.Config{}, 401, 1},
		{"introduced", credential.Config{}, credential.Config{Peppers: [][]byte{a}}, 401, 1},
		{"introduced, old ones accepted", credential.Config{}, credential.Config{Peppers: [][]byte{a}, AcceptUnpeppered: true}, 200, 2},
		{"two, old ones accepted", credential.Config{}, credential.Config{Peppers: [][]byte{a, b}, AcceptUnpeppered: true}, 200, 3},
		{"new ones where old are accepted", credential.Config{Peppers: [][]byte{a}, AcceptUnpeppered: true}, credential.Config{Peppers: [][]byte{a}}, 200, 1},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				tt.made.Store = newFaulty()
				plaintext, _ := p.setup(t, tt.made).issue(t, credential.Request{})
				tt.by.Store = tt.made.Store
				f := p.setup(t, tt.by)
				f.want(t, plaintext, tt.status)
				if n := f.store.finds.Load(); n != tt.finds {
					t.Errorf("the store was asked %d times, want %d", n, tt.finds)
				}
			})
		}
	})
}

// A pepper is copied: what the caller does with its memory afterwards, such as
// to wipe it, changes nothing. T3
func TestPeppersAreCopied(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		pepper := []byte(strings.Repeat("a", 32))
		peppers := [][]byte{pepper}
		f := p.setup(t, credential.Config{Peppers: peppers})
		clear(pepper)
		peppers[0] = nil
		plaintext, c := f.issue(t, credential.Request{})
		f.want(t, plaintext, http.StatusOK)

		h := hmac.New(sha256.New, []byte(strings.Repeat("a", 32)))
		h.Write([]byte(plaintext))
		if got := f.row(t, c.ID).Digest; got != store.Digest(h.Sum(nil)) {
			t.Errorf("digest %x, want the HMAC under the pepper that New was given", got[:])
		}
	})
}

// An outage while further digests are looked up is one: the credential may be
// under the pepper that could not be tried. B4
func TestPeppersOutage(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		st := newFaulty()
		old, young := []byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))
		plaintext, c := p.setup(t, credential.Config{Store: st, Peppers: [][]byte{old}}).issue(t, credential.Request{})
		f := p.setup(t, credential.Config{Store: st, Peppers: [][]byte{young, old}})
		st.find = func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
			if d == c.Digest {
				return nil, errDown
			}
			return st.Memory.Find(ctx, k, d)
		}
		f.want(t, plaintext, http.StatusServiceUnavailable)
		st.find = nil
		f.want(t, plaintext, http.StatusOK)
	})
}
