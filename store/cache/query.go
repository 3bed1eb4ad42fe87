package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/keystile/keystile/store"
)

// queryTimeout bounds a query. It does not end with the request that began it.
const queryTimeout = 5 * time.Second

var (
	errOther = errors.New("cache: the store returned something else than the credential it was asked for")
	errGone  = errors.New("cache: the store ended the goroutine that asked it")
)

type question struct {
	kind   store.Kind
	digest store.Digest
}

// A query asks the store once, for all who wait for it.
type query struct {
	begun  answer  // without what the store has yet to say
	answer *answer // set before done is closed
	done   chan struct{}
	cancel context.CancelFunc
	asking int // how many wait; guarded by Cache.mu
}

// ask asks the store, or waits with those who asked before if what they will be
// told is usable for r as well, as far as that can be known yet. It reports
// whether the query was begun for r. Its error is that of ctx.
func (c *Cache) ask(ctx context.Context, what question, r request) (a *answer, own bool, err error) {
	c.mu.Lock()
	q := c.queries[what]
	// Not joined when it should long have ended: whatever holds it up must not
	// hold up everybody.
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
			// Nobody else could: this goroutine is ours.
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

// end keeps a, unless it is an outage, and tells it to all who wait for q.
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

// leave is for who no longer waits for q. The last one ends it.
func (c *Cache) leave(what question, q *query) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.asking--; q.asking == 0 {
		c.drop(what, q)
	}
}

// drop ends q, so that nobody joins it any more. The caller holds mu.
func (c *Cache) drop(what question, q *query) {
	q.cancel()
	if c.queries[what] == q {
		delete(c.queries, what)
	}
}
