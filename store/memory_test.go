package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

// The suite holds every store to R1 (revoke-is-seen-by-every-read,
// concurrent-revoke-is-seen-by-later-reads), R3 (concurrent-rotate-has-one-winner),
// R4 (rotate-never-extends), R6 (revoke-keeps-the-first-time,
// revoke-id-of-another-subject), R8 (touch-never-inserts,
// concurrent-touch-cannot-undo-revoke) and R10 (concurrent-insert-keeps-the-limit), R11 and B9 (bounded-by-what-is-live), R16
// (concurrent-update-cannot-undo-revoke), B14 (limit-recent-is-exact) and B15
// (erase-deletes-the-account).
func TestMemory(t *testing.T) {
	t.Run("new", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) store.Store { return store.NewMemory() })
	})
	t.Run("zero value", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) store.Store { return new(store.Memory) })
	})
}

// numbered returns a different credential for each number.
func numbered(i int) *store.Credential {
	id := fmt.Sprintf("%08d", i)
	return &store.Credential{
		ID:        id,
		Kind:      store.KindToken,
		Digest:    sha256.Sum256([]byte(id)),
		Subject:   fmt.Sprint("account-", i/10),
		Scopes:    []string{"*"},
		Family:    fmt.Sprint("family-", i/3),
		CreatedAt: time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC),
	}
}

func insert(t *testing.T, m *store.Memory, cs ...*store.Credential) {
	t.Helper()
	for _, c := range cs {
		if _, err := m.Insert(t.Context(), c, store.Limits{}); err != nil {
			t.Fatalf("Insert(%q): %v", c.ID, err)
		}
	}
}

func TestMemoryFindAllocatesNothing(t *testing.T) {
	m := store.NewMemory()
	for i := range 1000 {
		insert(t, m, numbered(i))
	}
	ctx := t.Context()
	known, unknown := numbered(7), numbered(1001)
	for name, find := range map[string]func() error{
		"known": func() error {
			_, err := m.Find(ctx, known.Kind, known.Digest)
			return err
		},
		"unknown": func() error {
			_, err := m.Find(ctx, unknown.Kind, unknown.Digest)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			return fmt.Errorf("error = %v, want %v", err, store.ErrNotFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			if n := testing.AllocsPerRun(1000, func() { err = errors.Join(err, find()) }); n != 0 {
				t.Errorf("Find allocates %v times, want 0", n)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// R1: a Find that starts after Insert or Revoke has returned sees the change, even
// while the table is being replaced by a larger one. It never returns another
// credential's row: this test also looks up an unknown digest that belongs in the
// slot into which the next row is put.
func TestMemoryReadersWhileTableGrows(t *testing.T) {
	const rows, revokeEvery = 20_000, 10
	m := store.NewMemory()
	ctx := t.Context()
	credentials := make([]*store.Credential, rows+1) // the last is never inserted
	for i := range credentials {
		credentials[i] = numbered(i)
	}

	var inserted, revoked atomic.Int64 // how many; credentials are inserted in order, and every tenth is revoked
	var stop atomic.Bool
	var writers, readers sync.WaitGroup
	writers.Go(func() {
		for _, c := range credentials[:rows] {
			if _, err := m.Insert(ctx, c, store.Limits{}); err != nil {
				t.Errorf("Insert(%q): %v", c.ID, err)
				return
			}
			inserted.Add(1)
		}
	})
	writers.Go(func() {
		for i := int64(0); i < rows && !t.Failed(); {
			if inserted.Load() <= i {
				continue
			}
			c := credentials[i]
			digests, err := m.Revoke(ctx, store.Filter{ID: c.ID}, c.CreatedAt)
			if err != nil || len(digests) != 1 || digests[0] != c.Digest {
				t.Errorf("Revoke(%q) returned %d digests, %v, want its own", c.ID, len(digests), err)
				return
			}
			i += revokeEvery
			revoked.Store(i)
		}
	})
	for range 2 {
		readers.Go(func() {
			for !stop.Load() && !t.Failed() {
				unknown := credentials[inserted.Load()].Digest
				unknown[len(unknown)-1] ^= 1
				if c, err := m.Find(ctx, store.KindToken, unknown); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("Find(unknown) = %v, %v, want %v", c, err, store.ErrNotFound)
				}
			}
		})
		readers.Go(func() {
			for !stop.Load() && !t.Failed() {
				known, dead := inserted.Load(), revoked.Load()
				if known == 0 {
					continue
				}
				i := rand.Int64N(known)
				want := credentials[i]
				c, err := m.Find(ctx, want.Kind, want.Digest)
				if err != nil || c.ID != want.ID {
					t.Errorf("Find(%q) after its Insert = %v, %v", want.ID, c, err)
				} else if i%revokeEvery == 0 && i < dead && c.RevokedAt.IsZero() {
					t.Errorf("Find(%q) after its Revoke: not revoked", want.ID)
				}
			}
		})
	}
	writers.Wait()
	stop.Store(true)
	readers.Wait()
}

// Lists run at the same time under a read lock, so they must not write to shared
// memory. The race detector would report it.
func TestMemoryListsAtOnce(t *testing.T) {
	m := store.NewMemory()
	for i := range 16 {
		c := numbered(i)
		c.Subject = "ada"
		insert(t, m, c)
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				for _, active := range []bool{false, true} {
					q := store.Query{Kind: c.Kind, Subject: c.Subject, Active: active}
					if got, _, err := m.List(t.Context(), q); err != nil || len(got) != i+1 {
						t.Errorf("List(%+v) returned %d credentials, %v, want %d", q, len(got), err, i+1)
					}
				}
			})
		}
		readers.Wait()
	}
}

// Rows that remain after Prune are found in every way, as before.
func TestMemoryPruneKeepsIndexes(t *testing.T) {
	m := store.NewMemory()
	now := time.Now()
	var kept, pruned []*store.Credential
	for i := range 3000 {
		c := numbered(i)
		if i%5 == 0 {
			kept = append(kept, c)
		} else {
			c.ExpiresAt = now.Add(-time.Hour)
			pruned = append(pruned, c)
		}
		insert(t, m, c)
	}
	if n, err := m.Prune(t.Context(), store.PruneBefore{Ended: now}); err != nil || n != len(pruned) {
		t.Fatalf("Prune = %d, %v, want %d", n, err, len(pruned))
	}
	for range 2 { // and once more after rows have come back
		for _, c := range kept {
			if got, err := m.Find(t.Context(), c.Kind, c.Digest); err != nil || got.ID != c.ID {
				t.Fatalf("Find(%q) = %v, %v", c.ID, got, err)
			}
			if got, err := m.Get(t.Context(), c.ID); err != nil || got.Digest != c.Digest {
				t.Fatalf("Get(%q) = %v, %v", c.ID, got, err)
			}
		}
		q := store.Query{Kind: store.KindToken, Subject: "account-100"}
		var want []string
		for i := len(kept) - 1; i >= 0; i-- {
			if q.Match(kept[i], now) {
				want = append(want, kept[i].ID)
			}
		}
		got, _, err := m.List(t.Context(), q)
		if err != nil || fmt.Sprint(ids(got)) != fmt.Sprint(want) || len(want) == 0 {
			t.Fatalf("List(%+v) = %v, %v, want %v", q, ids(got), err, want)
		}
		for _, c := range pruned {
			if _, err := m.Find(t.Context(), c.Kind, c.Digest); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("Find(%q) after Prune: error = %v, want %v", c.ID, err, store.ErrNotFound)
			}
		}
		back := pruned[len(pruned)-1] // the newest of its groups, and none of the rows that are compared
		pruned = pruned[:len(pruned)-1]
		insert(t, m, back)
	}
}

func ids(cs []*store.Credential) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = c.ID
	}
	return out
}

// The only outage of a Memory is a context that has ended.
func TestMemoryCanceled(t *testing.T) {
	m := store.NewMemory()
	c := numbered(1)
	insert(t, m, c)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the client went away"))
	if got, err := m.Find(ctx, c.Kind, c.Digest); err != nil || got.ID != c.ID {
		t.Errorf("Find of a row that is there = %v, %v, want the row", got, err)
	}
	_, get := m.Get(ctx, c.ID)
	_, find := m.Find(ctx, c.Kind, numbered(2).Digest)
	_, insert := m.Insert(ctx, numbered(2), store.Limits{})
	_, _, list := m.List(ctx, store.Query{Kind: c.Kind, Subject: c.Subject})
	_, update := m.Update(ctx, c.ID, store.Changes{})
	_, revoke := m.Revoke(ctx, store.Filter{Subject: c.Subject}, c.CreatedAt)
	_, prune := m.Prune(ctx, store.PruneBefore{Ended: c.CreatedAt})
	_, erase := m.Erase(ctx, c.Subject)
	for call, err := range map[string]error{
		"Find":   find,
		"Get":    get,
		"Insert": insert,
		"List":   list,
		"Update": update,
		"Revoke": revoke,
		"Rotate": m.Rotate(ctx, c.ID, c.CreatedAt, numbered(2), store.Limits{}),
		"Touch":  m.Touch(ctx, []store.Use{{ID: c.ID, At: c.CreatedAt}}),
		"Prune":  prune,
		"Erase":  erase,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error = %v, want %v", call, err, context.Canceled)
		}
	}
}

// Insert refuses a zero CreatedAt with EndOldest: older credentials would be
// reported as revoked, but have a zero RevokedAt and stay usable.
func TestMemoryEndsNothingAtZeroTime(t *testing.T) {
	m := store.NewMemory()
	for i := range 2 {
		c := &store.Credential{ID: fmt.Sprint(i), Kind: store.KindSession, Digest: store.Digest{byte(i)}, Subject: "ada"}
		got, err := m.Insert(t.Context(), c, store.Limits{Active: 1, EndOldest: true})
		if err == nil || got != nil {
			t.Errorf("Insert without CreatedAt = %v, %v, want an error", got, err)
		}
	}
}
