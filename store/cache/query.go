package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/keystile/keystile/store"
)

// queryTimeout bounds a query, which does not end with the request that began it.
const queryTimeout = 5 * time.Second

var (
	errOther = errors.New("cache: the store returned something else than the credential it was asked for")
	errGone  = errors.New("cache: the store ended the goroutine that asked it")
)

type question struct {
	kind   store.Kind
	digest store.Digest
}

// A query asks the store once, for all requests that wait for it.
type query struct {
	begun  answer  // has no row or error yet
	answer *answer // set before done is closed
	done   chan struct{}
	cancel context.CancelFunc
	asking int // how many requests wait; guarded by Cache.mu
}

// ask queries the store for r. If a query for the same credential is in progress
// whose answer can still be usable for r, it waits for that one instead. It reports
// whether it began a query of its own. Its error is that of ctx.
func (c *Cache) ask(ctx context.Context, what question, r request) (a *answer, own bool, err error) {
	c.mu.Lock()
	q := c.queries[what]
	// A query that exceeded its timeout is stuck in the store. Do not wait for
	// it, or all later requests would wait, too.
	if own = q == nil || r.at-q.begun.asked >= queryTimeout || !c.usable(&q.begun, r); own {
		q = c.begin(ctx, what)
	}
	q.asking++
	c.mu.Unlock()
	select {
	case <-q.done:
		return q.answer, own, nil
	case <-ctx.Done():
		c.leave(what, q)
		return nil, false, ctx.Err()
	}
}

// begin starts a query. The caller holds mu.
func (c *Cache) begin(ctx context.Context, what question) *query {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
	q := &query{
		begun: answer{
			kind:  what.kind,
			asked: c.now(),
			stamp: c.history.stamp(&store.Credential{Digest: what.digest}),
		},
		done:   make(chan struct{}),
		cancel: cancel,
	}
	c.queries[what] = q
	go func() {
		a := &answer{kind: what.kind, err: errGone, asked: q.begun.asked, stamp: q.begun.stamp}
		defer func() {
			// No caller could recover it, because the goroutine is ours.
			if v := recover(); v != nil {
				a.err = fmt.Errorf("cache: panic in the store: %v\n%s", v, debug.Stack())
			}
			c.end(what, q, a)
		}()
		a.row, a.err = c.store.Find(ctx, what.kind, what.digest)
		switch {
		case a.err != nil:
			a.row = nil
		case a.row == nil || a.row.Kind != what.kind || a.row.Digest != what.digest:
			a.row, a.err = nil, errOther
		default:
			a.marks = c.history.marks(a.row)
		}
	}()
	return q
}

// end keeps a, unless it is an outage, and passes it to all requests that wait for q.
func (c *Cache) end(what question, q *query, a *answer) {
	switch {
	case a.err == nil:
		c.rows.Set(what.digest, a)
	case !a.outage():
		c.unknown.Set(what.digest, a)
	}
	c.mu.Lock()
	c.drop(what, q)
	c.mu.Unlock()
	q.answer = a
	close(q.done)
}

// leave is called when a request stops waiting for q. The last one cancels q.
func (c *Cache) leave(what question, q *query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.asking--; q.asking == 0 {
		c.drop(what, q)
	}
}

// drop cancels q, and lets no more requests join it. The caller holds mu.
func (c *Cache) drop(what question, q *query) {
	q.cancel()
	if c.queries[what] == q {
		delete(c.queries, what)
	}
}
