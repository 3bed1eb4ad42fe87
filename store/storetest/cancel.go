package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/keystile/keystile/store"
)

// whyCancel is the reason for the checks of calls that read.
const whyCancel = "a store that reports an outage as \"not found\" signs out every user of a healthy service"

// whyHalf is the reason for the checks of calls that write.
const whyHalf = "the call returned an error, so its caller does not expect a change"

func cancelChecks() []check {
	return []check{
		{"canceled-find-is-not-not-found", whyCancel, canceledRead(byFind)},
		{"canceled-get-is-not-not-found", whyCancel, canceledRead(byGet)},
		{"canceled-list-is-not-empty", whyCancel, canceledRead(byList)},
		{"canceled-insert-changes-nothing", whyHalf, canceledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				_, err := st.Insert(ctx, next.Clone(), store.Limits{Active: 10})
				_, err2 := st.Insert(ctx, next.Clone(), store.Limits{Active: 1, EndOldest: true})
				return []error{err, err2}
			})},
		{"canceled-revoke-changes-nothing", whyHalf, canceledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				_, err := st.Revoke(ctx, store.Filter{Subject: c.Subject}, next.CreatedAt)
				_, err2 := st.Revoke(ctx, store.Filter{ID: next.ID}, next.CreatedAt)
				return []error{err, err2}
			})},
		{"canceled-rotate-changes-nothing", whyHalf, canceledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				return []error{
					st.Rotate(ctx, c.ID, next.CreatedAt, next.Clone(), store.Limits{}),
					st.Rotate(ctx, next.ID, next.CreatedAt, successor(next), store.Limits{}),
				}
			})},
		{"canceled-touch-changes-nothing", whyHalf, canceledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				return []error{
					st.Touch(ctx, []store.Use{{ID: c.ID, At: next.CreatedAt}}),
					st.Touch(ctx, []store.Use{{ID: next.ID, At: next.CreatedAt}}),
				}
			})},
		{"canceled-prune-changes-nothing", whyHalf, canceledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				end := c.ExpiresAt.Add(time.Hour)
				_, err := st.Prune(ctx, store.PruneBefore{Ended: end, Rotated: end})
				return []error{err}
			})},
		{"canceled-update-changes-nothing", whyHalf, canceledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				name := "renamed"
				_, err := st.Update(ctx, c.ID, store.Changes{Name: &name})
				return []error{err}
			})},
		{"canceled-erase-changes-nothing", whyHalf, canceledWrite(
			func(ctx context.Context, st store.Store, c, next *store.Credential) []error {
				_, err := st.Erase(ctx, c.Subject)
				return []error{err}
			})},
	}
}

// over calls f with two contexts that have ended: one was canceled, and the other
// has passed its deadline.
func over(ctx context.Context, f func(context.Context)) {
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	f(canceled)
	late, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
	defer cancel()
	f(late)
}

// canceledRead returns a check of one of the reads with a context that has ended. A
// store may return the right answer then, but not that there is no credential.
func canceledRead(i int) func(*probe) {
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

// canceledWrite returns a check of the writes that call makes with a context that
// has ended. The store has c, but not next.
func canceledWrite(call func(ctx context.Context, st store.Store, c, next *store.Credential) []error) func(*probe) {
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
			p.list(own(c), c)
		})
	}
}
