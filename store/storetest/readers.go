package storetest

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

func readerChecks() []check {
	return []check{
		{"concurrent-reads-see-whole-versions", "a read that mixes two versions of a row may combine the expiry of one with the scopes of the other", repeat(rounds, readWhole)},
		{"concurrent-find-never-returns-another", "a lookup that returns the row of another digest authenticates the client as another account", repeat(crowds, findNeverAnother)},
		{"concurrent-insert-is-seen-by-later-finds", "a cache of unknown digests must not hide a credential that was inserted since", repeat(crowds, findInserted)},
		{"concurrent-revoke-is-seen-by-later-reads", "a lookup that overlaps a revocation must not put the old row back into a cache", repeat(rounds, readRevoked)},
	}
}

// A write is one change to a credential, and the credential after it.
type write struct {
	do    func() error
	after *store.Credential
}

// watch makes the writes one after the other, while readers read c in every way. A
// read must return a whole version of c. The version must include every write that
// had returned when the read began.
func (p *probe) watch(c *store.Credential, writes ...write) {
	versions := []*store.Credential{c}
	for _, w := range writes {
		versions = append(versions, w.after)
	}
	rs := reads(p.st, c)
	var returned atomic.Int64 // writes
	var stop atomic.Bool
	errs := p.together("writes and reads", 1+len(rs), func(i int) error {
		if i == 0 {
			defer stop.Store(true)
			for _, w := range writes {
				runtime.Gosched() // so that reads are in progress
				if err := w.do(); err != nil {
					return err
				}
				returned.Add(1)
			}
			return nil
		}
		r := rs[i-1]
		for last := false; !last; { // once more after the last write
			last = stop.Load()
			from := returned.Load()
			got, err := r.do(p.ctx)
			if err != nil {
				return fmt.Errorf("%s: %w, want the credential", r, err)
			}
			if err := among(got, versions[from:]); err != nil {
				return fmt.Errorf("%s after %d writes had returned: %w", r, from, err)
			}
			runtime.Gosched() // lets the writer run on the same processor
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			p.failf("%w", err)
		}
	}
}

// among returns an error if got is none of the versions.
func among(got *store.Credential, versions []*store.Credential) error {
	var diffs []string
	for _, v := range versions {
		d := diff(got, v)
		if d == "" {
			return nil
		}
		diffs = append(diffs, d)
	}
	return fmt.Errorf("returned none of the versions that were written: %s", strings.Join(diffs, "; or "))
}

func readWhole(p *probe) {
	c := credential()
	p.insert(c)
	next := successor(c)
	until, used := next.CreatedAt.Add(overlap), next.CreatedAt.Add(time.Second)
	v1 := touched(c, c.CreatedAt)
	v2 := rotated(v1, next, until)
	v3 := touched(v2, used)
	v4 := revoked(v3, used)
	p.watch(c,
		write{func() error { return p.st.Touch(p.ctx, []store.Use{{ID: c.ID, At: c.CreatedAt, Addr: usedFrom}}) }, v1},
		write{func() error { return p.st.Rotate(p.ctx, c.ID, until, next.Clone(), store.Limits{}) }, v2},
		write{func() error { return p.st.Touch(p.ctx, []store.Use{{ID: c.ID, At: used, Addr: usedFrom}}) }, v3},
		write{func() error {
			_, err := p.st.Revoke(p.ctx, store.Filter{ID: c.ID}, used)
			return err
		}, v4},
	)
	p.rows(v4, next)
}

func readRevoked(p *probe) {
	c := credential()
	p.insert(c)
	at := c.CreatedAt.Add(time.Minute)
	p.watch(c, write{func() error {
		_, err := p.st.Revoke(p.ctx, store.Filter{ID: c.ID}, at)
		return err
	}, revoked(c, at)})
	p.rows(revoked(c, at))
}

// duringInserts inserts credentials one after the other. Meanwhile readers call find
// with the number of credentials whose Insert has returned.
func (p *probe) duringInserts(cs []*store.Credential, find func(inserted int) error) {
	var inserted atomic.Int64
	var stop atomic.Bool
	errs := p.together("Insert and Find", 4, func(i int) error {
		if i == 0 {
			defer stop.Store(true)
			for _, c := range cs {
				runtime.Gosched() // so that lookups are in progress
				if _, err := p.st.Insert(p.ctx, c.Clone(), store.Limits{}); err != nil {
					return err
				}
				inserted.Add(1)
			}
			return nil
		}
		for !stop.Load() {
			if err := find(int(inserted.Load())); err != nil {
				return err
			}
			runtime.Gosched() // lets the writer run on the same processor
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			p.failf("%w", err)
		}
	}
	p.rows(cs...)
}

func findNeverAnother(p *probe) {
	cs := credentials(40)
	p.duringInserts(cs, func(inserted int) error {
		next := cs[min(inserted, len(cs)-1)]
		d := next.Digest
		d[len(d)-1] ^= 0x01 // an index by a prefix of the digest would confuse it with next
		if _, err := p.st.Find(p.ctx, next.Kind, d); !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("lookup of an unknown digest during Insert: %s, want %w", outcome(err), store.ErrNotFound)
		}
		return nil
	})
}

func findInserted(p *probe) {
	cs := credentials(40)
	p.duringInserts(cs, func(inserted int) error {
		for i := max(inserted-1, 0); i <= min(inserted, len(cs)-1); i++ {
			got, err := p.st.Find(p.ctx, cs[i].Kind, cs[i].Digest)
			if i >= inserted && errors.Is(err, store.ErrNotFound) {
				continue // not inserted yet
			}
			if err != nil {
				return fmt.Errorf("lookup after Insert had returned: %w", err)
			}
			if d := diff(got, cs[i]); d != "" {
				return fmt.Errorf("lookup during Insert: returned %s", d)
			}
		}
		return nil
	})
}
