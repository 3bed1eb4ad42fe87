package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

// A probe makes the calls of one check and remembers the first answer that was
// wrong. From then on its methods do nothing, so a check is a plain list of
// steps. It is not safe for concurrent use; what a check calls at once it calls
// on st itself.
type probe struct {
	ctx   context.Context
	st    store.Store
	wrote string // the last call that may have changed something
	err   error
}

// failf makes the check fail, unless it has failed already.
func (p *probe) failf(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// wrong is failf for what a read returned: it is the write before it that is to
// blame, mostly.
func (p *probe) wrong(format string, args ...any) {
	if p.wrote != "" {
		format, args = format+"\nafter %s", append(args, p.wrote)
	}
	p.failf(format, args...)
}

// expect fails the check unless err is want, or wraps it. A call is a string, or
// has a String method where it would be made too often for nothing.
func (p *probe) expect(call any, err, want error) {
	if !errors.Is(err, want) {
		p.wrong("%s: %s, want %s", call, outcome(err), outcome(want))
	}
}

// mistaken wants err to be of a mistake of the caller: none of the answers that a
// service acts upon.
func (p *probe) mistaken(call string, err error) {
	if err == nil || slices.ContainsFunc(answers, func(a error) bool { return errors.Is(err, a) }) {
		p.wrong("%s: %s, want an error that names the mistake", call, outcome(err))
	}
}

var answers = []error{store.ErrNotFound, store.ErrExists, store.ErrLimit, store.ErrConflict}

// insert adds credentials where nothing may refuse them. The store is given
// copies: whatever it does with those, the check knows what it asked for.
func (p *probe) insert(cs ...*store.Credential) {
	for _, c := range cs {
		p.insertLimit(c, 0, nil)
	}
}

func (p *probe) insertLimit(c *store.Credential, limit int, want error) {
	if p.err != nil {
		return
	}
	call := fmt.Sprintf("Insert(credential %q, limit %d)", c.ID, limit)
	p.expect(call, p.st.Insert(p.ctx, c.Clone(), limit), want)
	p.wrote = call
}

func (p *probe) rotate(id string, until time.Time, next *store.Credential, want error) {
	if p.err != nil {
		return
	}
	call := fmt.Sprintf("Rotate(%q, until %s, next %q)", id, show(until), next.ID)
	p.expect(call, p.st.Rotate(p.ctx, id, until, next.Clone()), want)
	p.wrote = call
}

func (p *probe) touch(id string, at time.Time, want error) {
	if p.err != nil {
		return
	}
	call := fmt.Sprintf("Touch(%q, %s)", id, show(at))
	p.expect(call, p.st.Touch(p.ctx, id, at), want)
	p.wrote = call
}

// revoke revokes what f selects and wants to hear of exactly these, in any order.
func (p *probe) revoke(f store.Filter, at time.Time, want ...*store.Credential) {
	if p.err != nil {
		return
	}
	call := fmt.Sprintf("Revoke(%s, at %s)", showFilter(f), show(at))
	got, err := p.st.Revoke(p.ctx, f, at)
	p.expect(call, err, nil)
	p.digests(call, got, want...)
	p.wrote = call
}

// digests wants got to be the digests of want, in any order.
func (p *probe) digests(call string, got []store.Digest, want ...*store.Credential) {
	missing := slices.DeleteFunc(slices.Clone(want), func(c *store.Credential) bool { return slices.Contains(got, c.Digest) })
	if len(got) != len(want) || len(missing) > 0 {
		p.wrong("%s: returned %d digests, without those of %q, want %d", call, len(got), ids(missing), len(want))
	}
}

func (p *probe) prune(before time.Time, want int) {
	if p.err != nil {
		return
	}
	call := fmt.Sprintf("Prune(before %s)", show(before))
	got, err := p.st.Prune(p.ctx, before)
	p.expect(call, err, nil)
	if got != want {
		p.wrong("%s: returned %d, want %d", call, got, want)
	}
	p.wrote = call
}

// A listing is a call of List.
type listing store.Filter

func (l listing) String() string { return "List(" + showFilter(store.Filter(l)) + ")" }

// list wants f to select exactly these, in this order.
func (p *probe) list(f store.Filter, want ...*store.Credential) {
	p.sequence(listing(f), p.page(f), want)
}

// sequence wants a call to have returned exactly these, in this order.
func (p *probe) sequence(call any, got, want []*store.Credential) {
	for i := range max(len(got), len(want)) {
		g, w := "none", "none"
		if i < len(got) {
			g = show(got[i].ID)
		}
		if i < len(want) {
			w = show(want[i].ID)
		}
		if g != w {
			p.wrong("%s: returned %d credentials, want %d; number %d is %s, want %s", call, len(got), len(want), i, g, w)
		}
	}
}

// page returns what List answers, or nil where the check has failed.
func (p *probe) page(f store.Filter) []*store.Credential {
	if p.err != nil {
		return nil
	}
	got, err := p.st.List(p.ctx, f)
	p.expect(listing(f), err, nil)
	if slices.Contains(got, nil) {
		p.wrong("%s: returned a nil credential", listing(f))
	}
	if p.err != nil {
		return nil
	}
	return got
}

// rows wants the store to hold these credentials, the same in every field
// whatever way they are asked for.
func (p *probe) rows(want ...*store.Credential) {
	for _, c := range want {
		for _, r := range reads(p.st, c) {
			if p.err != nil {
				return
			}
			got, err := r.do(p.ctx)
			p.expect(r, err, nil)
			if d := diff(got, c); err == nil && d != "" {
				p.wrong("%s: returned %s", r, d)
			}
		}
	}
}

// gone wants the store not to hold these credentials, whatever way they are
// asked for.
func (p *probe) gone(cs ...*store.Credential) {
	for _, c := range cs {
		for _, r := range reads(p.st, c) {
			if p.err != nil {
				return
			}
			_, err := r.do(p.ctx)
			p.expect(r, err, store.ErrNotFound)
		}
	}
}

func (p *probe) getNotFound(id string) {
	if p.err == nil {
		_, err := p.st.Get(p.ctx, id)
		p.expect(fmt.Sprintf("Get(%q)", id), err, store.ErrNotFound)
	}
}

func (p *probe) findNotFound(k store.Kind, d store.Digest) {
	if p.err == nil {
		_, err := p.st.Find(p.ctx, k, d)
		p.expect(fmt.Sprintf("Find(%q, %s)", k, show(d)), err, store.ErrNotFound)
	}
}

// A read is one way to ask a store for a credential.
type read struct {
	method string
	id     string
	do     func(context.Context) (*store.Credential, error)
}

func (r read) String() string { return fmt.Sprintf("%s(credential %q)", r.method, r.id) }

// The ways to ask, as reads returns them.
const (
	byFind = iota
	byGet
	byList
)

// reads returns every way to ask for c. The answer must always be the same.
func reads(st store.Store, c *store.Credential) []read {
	return []read{
		{"Find", c.ID, func(ctx context.Context) (*store.Credential, error) { return st.Find(ctx, c.Kind, c.Digest) }},
		{"Get", c.ID, func(ctx context.Context) (*store.Credential, error) { return st.Get(ctx, c.ID) }},
		{"List", c.ID, func(ctx context.Context) (*store.Credential, error) {
			found, err := st.List(ctx, store.Filter{ID: c.ID})
			switch {
			case err != nil:
				return nil, err
			case len(found) == 0:
				return nil, store.ErrNotFound
			case len(found) > 1:
				return nil, fmt.Errorf("%d credentials", len(found))
			}
			return found[0], nil
		}},
	}
}
