package storetest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/keystile/keystile/store"
)

// A probe makes the calls of one check and remembers the first wrong answer. After
// that its methods do nothing, so a check is a plain list of steps. A probe is not
// safe for concurrent use: for concurrent calls a check uses st directly.
type probe struct {
	ctx   context.Context
	st    store.Store // the store that the check uses, maybe a translator
	given store.Store // the store that open returned
	wrote string      // the last call that may have changed something
	err   error
	skip  string // the optional interface that the store lacks

	fillWith func(ctx context.Context, st store.Store, rows []*store.Credential) error
}

// failf makes the check fail, unless it has failed already.
func (p *probe) failf(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

// wrong is failf for a wrong answer. It adds the last write, which is usually the
// cause.
func (p *probe) wrong(format string, args ...any) {
	if p.wrote != "" {
		format, args = format+"\nafter %s", append(args, p.wrote)
	}
	p.failf(format, args...)
}

// expect fails the check unless err is want, or wraps it. A call is a string. If
// formatting it each time would take too long, it has a String method instead.
func (p *probe) expect(call any, err, want error) {
	if !errors.Is(err, want) {
		p.wrong("%s: %s, want %s", call, outcome(err), outcome(want))
	}
}

// mistaken checks that err reports a mistake of the caller, so it is none of the
// answers of a store.
func (p *probe) mistaken(call string, err error) {
	if err == nil || slices.ContainsFunc(answers, func(a error) bool { return errors.Is(err, a) }) {
		p.wrong("%s: %s, want an error that names the mistake", call, outcome(err))
	}
}

var answers = []error{store.ErrNotFound, store.ErrExists, store.ErrLimit, store.ErrConflict}

// insert adds credentials that the store must accept. It passes copies, so that the
// store cannot change those of the check.
func (p *probe) insert(cs ...*store.Credential) {
	for _, c := range cs {
		p.insertLimit(c, 0, nil)
	}
}

func (p *probe) insertLimit(c *store.Credential, active int, want error) {
	p.insertLimits(c, store.Limits{Active: active}, want)
}

// insertLimits inserts c and checks that exactly the given credentials have ended.
func (p *probe) insertLimits(c *store.Credential, l store.Limits, want error, ended ...*store.Credential) {
	if p.err != nil {
		return
	}
	call := fmt.Sprintf("Insert(credential %q, %+v)", c.ID, l)
	got, err := p.st.Insert(p.ctx, c.Clone(), l)
	p.expect(call, err, want)
	p.digests(call, got, ended...)
	p.wrote = call
}

// fill inserts many rows of one account.
func (p *probe) fill(cs []*store.Credential) {
	const writers = 32
	if p.fillWith != nil {
		rows := slices.Clone(cs)
		if t, ok := p.st.(*translator); ok {
			for i := range rows {
				rows[i] = t.in(rows[i])
			}
		}
		p.expect("Fill", p.fillWith(p.ctx, p.given, rows), nil)
		return
	}
	errs := p.together("Insert", writers, func(i int) error {
		for ; i < len(cs); i += writers {
			if _, err := p.st.Insert(p.ctx, cs[i], store.Limits{}); err != nil {
				return err
			}
		}
		return nil
	})
	p.succeed(errs)
}

func (p *probe) update(id string, ch store.Changes, want error) *store.Credential {
	if p.err != nil {
		return nil
	}
	call := fmt.Sprintf("Update(%q, %s)", id, showChanges(ch))
	got, err := p.st.Update(p.ctx, id, ch)
	p.expect(call, err, want)
	p.wrote = call
	return got
}

func (p *probe) rotate(id string, until time.Time, next *store.Credential, want error) {
	p.rotateLimits(id, until, next, store.Limits{}, want)
}

func (p *probe) rotateLimits(id string, until time.Time, next *store.Credential, l store.Limits, want error) {
	if p.err != nil {
		return
	}
	call := fmt.Sprintf("Rotate(%q, until %s, next %q, %+v)", id, show(until), next.ID, l)
	p.expect(call, p.st.Rotate(p.ctx, id, until, next.Clone(), l), want)
	p.wrote = call
}

// usedFrom is the default address of uses.
var usedFrom = netip.MustParseAddr("192.0.2.7")

func (p *probe) touch(id string, at time.Time) {
	p.touchAll(store.Use{ID: id, At: at, Addr: usedFrom})
}

func (p *probe) touchAll(uses ...store.Use) {
	if p.err != nil {
		return
	}
	call := fmt.Sprintf("Touch(%d uses, the last of %q at %s)", len(uses), uses[len(uses)-1].ID, show(uses[len(uses)-1].At))
	p.expect(call, p.st.Touch(p.ctx, slices.Clone(uses)), nil)
	p.wrote = call
}

// revoke revokes the credentials that f selects, and checks that Revoke returns
// exactly those in want, in any order.
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

// digests checks that got are the digests of want, in any order.
func (p *probe) digests(call string, got []store.Digest, want ...*store.Credential) {
	missing := slices.DeleteFunc(slices.Clone(want), func(c *store.Credential) bool { return slices.Contains(got, c.Digest) })
	if len(got) != len(want) || len(missing) > 0 {
		p.wrong("%s: returned %d digests, without those of %q, want %d", call, len(got), ids(missing), len(want))
	}
}

// prune uses the same time for rotated rows and for others.
func (p *probe) prune(before time.Time, want int) {
	p.pruneBefore(store.PruneBefore{Ended: before, Rotated: before}, want)
}

func (p *probe) pruneBefore(before store.PruneBefore, want int) {
	if p.err != nil {
		return
	}
	call := fmt.Sprintf("Prune(before %s, rotated before %s)", show(before.Ended), show(before.Rotated))
	got, err := p.st.Prune(p.ctx, before)
	p.expect(call, err, nil)
	if got != want {
		p.wrong("%s: returned %d, want %d", call, got, want)
	}
	p.wrote = call
}

func (p *probe) erase(subject string, want int) {
	if p.err != nil {
		return
	}
	call := fmt.Sprintf("Erase(%q)", subject)
	got, err := p.st.Erase(p.ctx, subject)
	p.expect(call, err, nil)
	if got != want {
		p.wrong("%s: returned %d, want %d", call, got, want)
	}
	p.wrote = call
}

// A listing is a call of List.
type listing store.Query

func (l listing) String() string { return "List(" + showQuery(store.Query(l)) + ")" }

// list checks that the page of q consists of exactly these, in this order.
func (p *probe) list(q store.Query, want ...*store.Credential) {
	got, _ := p.page(q)
	p.sequence(listing(q), got, want)
}

// sequence checks that a call has returned exactly those in want, in this order.
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

// page calls List. It returns nil if the check has failed.
func (p *probe) page(q store.Query) ([]*store.Credential, store.Cursor) {
	if p.err != nil {
		return nil, ""
	}
	got, next, err := p.st.List(p.ctx, q)
	p.expect(listing(q), err, nil)
	if slices.Contains(got, nil) {
		p.wrong("%s: returned a nil credential", listing(q))
	}
	if p.err != nil {
		return nil, ""
	}
	return got, next
}

// rows checks that every way to read these credentials returns them, with every
// field as in want.
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

// gone checks that no way to read these credentials finds them.
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
