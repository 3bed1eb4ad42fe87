package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/keystile/keystile/store"
)

// whyCancel is why all of these matter.
const whyCancel = "taking \"could not tell\" for \"there is none\" signs out every user of a healthy service"

// whyHalf is why a call that was given up must have done nothing.
const whyHalf = "the caller is told that the call failed: what it did all the same, nobody knows of"

func cancelChecks() []check {
	return []check{
		{"cancelled-find-is-not-not-found", whyCancel, cancelledRead(byFind)},
		{"cancelled-get-is-not-not-found", whyCancel, cancelledRead(byGet)},
		{"cancelled-list-is-not-empty", whyCancel, cancelledRead(byList)},
		{"cancelled-insert-changes-nothing", whyHalf, cancelledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				return []error{st.Insert(ctx, next.Clone(), 10)}
			})},
		{"cancelled-revoke-changes-nothing", whyHalf, cancelledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				_, err := st.Revoke(ctx, store.Filter{Subject: c.Subject}, next.CreatedAt)
				_, err2 := st.Revoke(ctx, store.Filter{ID: next.ID}, next.CreatedAt)
				return []error{err, err2}
			})},
		{"cancelled-rotate-changes-nothing", whyHalf, cancelledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				return []error{
					st.Rotate(ctx, c.ID, next.CreatedAt, next.Clone()),
					st.Rotate(ctx, next.ID, next.CreatedAt, successor(next)),
				}
			})},
		{"cancelled-touch-changes-nothing", whyHalf, cancelledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				return []error{
					st.Touch(ctx, c.ID, next.CreatedAt),
					st.Touch(ctx, next.ID, next.CreatedAt),
				}
			})},
		{"cancelled-prune-changes-nothing", whyHalf, cancelledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				_, err := st.Prune(ctx, c.ExpiresAt.Add(time.Hour))
				return []error{err}
			})},
	}
}

// over calls f with contexts that are over: one cancelled, one out of time.
func over(ctx context.Context, f func(context.Context)) {
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	f(cancelled)
	late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	f(late)
}

// cancelledRead returns a check of one of the reads. A store may answer a read
// that is over, if it answers right; it may not say that there is nothing.
func cancelledRead(i int) func(*probe) {
	return func(p *probe) {
		c := full()
		p.insert(c)
		over(p.ctx, func(ctx context.Context) {
			r := reads(p.st, c)[i]
			got, err := r.do(ctx)
			if errors.Is(err, store.ErrNotFound) {
				p.failf("%s on a context that is over: %v, want the credential or the context's error", r, err)
			} else if err == nil {
				if d := diff(got, c); d != "" {
					p.failf("%s on a context that is over: returned %s", r, d)
				}
			}
			r = reads(p.st, credential())[i]
			if _, err = r.do(ctx); err == nil || errors.Is(err, store.ErrNotFound) {
				p.failf("%s of an unknown credential, on a context that is over: %s, want the context's error", r, outcome(err))
			}
		})
		p.rows(c)
	}
}

// cancelledWrite returns a check of one write, which call makes: on c, which is
// there, and on next, which is not.
func cancelledWrite(call func(ctx context.Context, st store.Store, c, next *store.Credential) []error) func(*probe) {
	return func(p *probe) {
		c := credential()
		next := successor(c)
		p.insert(c)
		over(p.ctx, func(ctx context.Context) {
			p.wrote = "a call on a context that is over"
			for _, err := range call(ctx, p.st, c, next) {
				if err == nil || errors.Is(err, store.ErrNotFound) {
					p.failf("%s: %s, want the context's error", p.wrote, outcome(err))
				}
			}
			p.rows(c)
			p.gone(next)
			p.list(store.Filter{Subject: c.Subject}, c)
		})
	}
}
