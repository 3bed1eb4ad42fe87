package storetest

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

// A translator replaces each subject that a check uses by one that the option
// [Subjects] supplied. The empty subject stays empty.
type translator struct {
	store.Store
	next func() string

	mu    sync.Mutex
	given map[string]string // from subjects of the check to supplied ones
	asked map[string]string // from supplied subjects to those of the check
}

func translate(st store.Store, next func() string) *translator {
	return &translator{Store: st, next: next, given: make(map[string]string), asked: make(map[string]string)}
}

// subject returns the supplied subject for a subject of the check.
func (t *translator) subject(s string) string {
	if s == "" {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.given[s] == "" {
		t.given[s] = t.next()
		t.asked[t.given[s]] = s
	}
	return t.given[s]
}

// in returns c with the supplied subject, and out with the subject of the check.
func (t *translator) in(c *store.Credential) *store.Credential {
	n := *c
	n.Subject = t.subject(c.Subject)
	return &n
}

func (t *translator) out(c *store.Credential, err error) (*store.Credential, error) {
	if c == nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := *c
	n.Subject = t.asked[c.Subject]
	return &n, err
}

func (t *translator) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	return t.out(t.Store.Find(ctx, k, d))
}

func (t *translator) Get(ctx context.Context, id string) (*store.Credential, error) {
	return t.out(t.Store.Get(ctx, id))
}

func (t *translator) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	return t.Store.Insert(ctx, t.in(c), l)
}

func (t *translator) List(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
	q.Subject = t.subject(q.Subject)
	page, next, err := t.Store.List(ctx, q)
	page = slices.Clone(page)
	for i := range page {
		page[i], _ = t.out(page[i], nil)
	}
	return page, next, err
}

func (t *translator) Update(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
	return t.out(t.Store.Update(ctx, id, ch))
}

func (t *translator) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	return t.Store.Rotate(ctx, id, until, t.in(next), l)
}

func (t *translator) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	f.Subject = t.subject(f.Subject)
	return t.Store.Revoke(ctx, f, at)
}

func (t *translator) Erase(ctx context.Context, subject string) (int, error) {
	return t.Store.Erase(ctx, t.subject(subject))
}

// Scan translates no subjects, because checks compare only the IDs.
func (t *translator) Scan(ctx context.Context, f store.ScanFilter) iter.Seq2[*store.Credential, error] {
	return t.Store.(store.Scanner).Scan(ctx, f)
}
