package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// queryTimeout bounds a query, which may outlive the request that began it.
const queryTimeout = 5 * time.Second

var errGone = errors.New("cache: a lookup ended its goroutine")

// A source is what queries ask.
type source[K comparable, V any] interface {
	// lookUp returns the value of k, or an error. A panic is an outage.
	lookUp(ctx context.Context, k K) (*V, error)

	// marks returns the marks by which v, the value of k, is forgotten. If v is
	// nil it returns those that k determines.
	marks(k K, v *V) marks

	// keep keeps an answer that is not an outage.
	keep(k K, a *answer[V])
}

// queries ask a source once for all callers that want the same value.
type queries[K comparable, V any] struct {
	source source[K, V]
	fresh  *freshness

	mu      sync.Mutex
	running map[K]*query[V]
}

// A query asks the source once, for all callers that wait for it.
type query[V any] struct {
	begun  basis      // of the answer, as far as it is known before the lookup
	answer *answer[V] // set before done is closed
	done   chan struct{}
	cancel context.CancelFunc
	asking int // how many callers wait; guarded by queries.mu
}

// find asks for the value of k. It returns an answer that is usable for r, or the
// error of an outage or of ctx.
func (qs *queries[K, V]) find(ctx context.Context, k K, r request) (*V, error) {
	for {
		a, own, err := qs.ask(ctx, k, r)
		if err != nil {
			return nil, err
		}
		// The answer to an earlier caller must be usable like one that was
		// kept. If it is not, the next query begins after r. An outage is
		// returned to every caller.
		if own || qs.fresh.outage(a.err) || qs.fresh.usable(&a.basis, r) {
			return a.value, a.err
		}
	}
}

// ask begins a query, or joins a running one whose answer will be usable for r as far
// as that is known yet. It reports whether it began the query. Its error is that of
// ctx.
func (qs *queries[K, V]) ask(ctx context.Context, k K, r request) (a *answer[V], own bool, err error) {
	qs.mu.Lock()
	q := qs.running[k]
	// A query that should have ended is not joined: what blocks it must not
	// block every later caller.
	if own = q == nil || r.at-q.begun.asked >= queryTimeout || !qs.fresh.usable(&q.begun, r); own {
		q = qs.begin(ctx, k)
	}
	q.asking++
	qs.mu.Unlock()
	select {
	case <-q.done:
		return q.answer, own, nil
	case <-ctx.Done():
		qs.leave(k, q)
		return nil, false, ctx.Err()
	}
}

// begin starts a query. The caller holds mu.
func (qs *queries[K, V]) begin(ctx context.Context, k K) *query[V] {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), queryTimeout)
	q := &query[V]{
		begun: basis{
			asked: qs.fresh.now(),
			stamp: qs.fresh.history.stamp(qs.source.marks(k, nil)),
		},
		done:   make(chan struct{}),
		cancel: cancel,
	}
	qs.running[k] = q
	go func() {
		a := &answer[V]{basis: basis{err: errGone, asked: q.begun.asked, stamp: q.begun.stamp}}
		defer func() {
			// No caller can recover it: this goroutine is the cache's.
			if v := recover(); v != nil {
				a.err = fmt.Errorf("cache: panic in a lookup: %v\n%s", v, debug.Stack())
			}
			qs.end(k, q, a)
		}()
		a.value, a.err = qs.source.lookUp(ctx, k)
		if a.err != nil {
			a.value = nil
			return
		}
		a.marks = qs.source.marks(k, a.value)
	}()
	return q
}

// end keeps a unless it is an outage, and returns it to all callers that wait for q.
func (qs *queries[K, V]) end(k K, q *query[V], a *answer[V]) {
	if !qs.fresh.outage(a.err) {
		qs.source.keep(k, a)
	}
	qs.mu.Lock()
	qs.drop(k, q)
	qs.mu.Unlock()
	q.answer = a
	close(q.done)
}

// leave is called when a caller stops waiting for q. The last one cancels it.
func (qs *queries[K, V]) leave(k K, q *query[V]) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q.asking--; q.asking == 0 {
		qs.drop(k, q)
	}
}

// drop cancels q, so that no other caller joins it. The caller holds mu.
func (qs *queries[K, V]) drop(k K, q *query[V]) {
	q.cancel()
	if qs.running[k] == q {
		delete(qs.running, k)
	}
}
