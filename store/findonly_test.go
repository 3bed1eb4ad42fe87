package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

// A finder gives every Find the same answer, and records the kind and digest.
type finder struct {
	c   *store.Credential
	err error

	ctx context.Context
	k   store.Kind
	d   store.Digest
}

func (f *finder) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	f.ctx, f.k, f.d = ctx, k, d
	return f.c, f.err
}

func TestFindOnlyPassesFindThrough(t *testing.T) {
	outage := errors.New("the replica is down")
	for _, tt := range []struct {
		name string
		f    *finder
	}{
		{"found", &finder{c: example()}},
		{"not found", &finder{err: store.ErrNotFound}},
		{"outage", &finder{err: outage}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			type key struct{}
			ctx := context.WithValue(t.Context(), key{}, "request")
			d := example().Digest
			c, err := store.FindOnly(tt.f).Find(ctx, store.KindSecret, d)
			if c != tt.f.c || err != tt.f.err {
				t.Errorf("Find = %v, %v, want %v, %v", c, err, tt.f.c, tt.f.err)
			}
			if tt.f.ctx != ctx || tt.f.k != store.KindSecret || tt.f.d != d {
				t.Errorf("the Finder was asked for %v, %q and another digest, want what FindOnly was", tt.f.ctx, tt.f.k)
			}
		})
	}
}

// FindOnly hides the other methods even if its Finder is a whole Store.
func TestFindOnlyRefusesTheRest(t *testing.T) {
	m := store.NewMemory()
	c := example()
	insert(t, m, c)
	st, ctx, at := store.FindOnly(m), t.Context(), time.Now()
	_, get := st.Get(ctx, c.ID)
	_, insert := st.Insert(ctx, numbered(1), store.Limits{})
	_, _, list := st.List(ctx, store.Query{Kind: c.Kind, Subject: c.Subject})
	_, update := st.Update(ctx, c.ID, store.Changes{})
	digests, revoke := st.Revoke(ctx, store.Filter{Subject: c.Subject}, at)
	n, prune := st.Prune(ctx, store.PruneBefore{Ended: at.AddDate(100, 0, 0)})
	erased, erase := st.Erase(ctx, c.Subject)
	if len(digests) != 0 || n+erased != 0 {
		t.Errorf("Revoke, Prune and Erase returned %d, %d and %d, want 0", len(digests), n, erased)
	}
	for call, err := range map[string]error{
		"Get":    get,
		"Insert": insert,
		"List":   list,
		"Update": update,
		"Revoke": revoke,
		"Rotate": st.Rotate(ctx, c.ID, at, numbered(1), store.Limits{}),
		"Touch":  st.Touch(ctx, []store.Use{{ID: c.ID, At: at}}),
		"Prune":  prune,
		"Erase":  erase,
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: error = %v, want %v", call, err, errors.ErrUnsupported)
		}
		if errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: an unsupported method does not know what is not found", call)
		}
	}
	if got, err := m.Get(ctx, c.ID); err != nil || !got.RevokedAt.Equal(c.RevokedAt) {
		t.Errorf("Get = %v, %v, want no change", got, err)
	}
}

func TestFindOnlyPanicsOnNil(t *testing.T) {
	defer func() {
		if got, want := recover(), "store: FindOnly: nil Finder"; got != want {
			t.Errorf("panic = %v, want %q", got, want)
		}
	}()
	store.FindOnly(nil)
}
