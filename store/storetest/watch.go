package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

const (
	// prompt is how long a check waits for a report, for alive and for the end
	// of a Watch. It is long, because the machine may be busy.
	prompt = 3 * time.Second

	// known is the age from which changes must be reported before alive is called.
	known = 500 * time.Millisecond
)

// watchChecks are for stores that are a [store.Watcher].
func watchChecks() []check {
	return []check{
		{"watch-reports-changes", "a cache that does not learn of a revocation keeps accepting the credential", watched(watchReports)},
		{"watch-reports-what-ends-for-others", "a session that ended to make room, or whose account was erased, must not stay in a cache", watched(watchReportsOthers)},
		{"notify-reaches-watch", "every process must learn that an account was disabled", watched(notifyReachesWatch)},
		{"watch-keeps-silent-about-touch", "otherwise every use of a credential would remove it from every cache", watched(watchIgnoresTouch)},
		{"watch-is-alive", "a cache that gets no heartbeat cannot trust its entries and asks the store every time", watched(watchIsAlive)},
		{"watch-reports-before-alive", "if alive is called too early, a cache trusts a credential that was revoked", watched(watchReportsBeforeAlive)},
		{"watch-ends-with-its-context", "a cache must get no calls after it was closed, and Watch must not leak", watched(watchEnds)},
	}
}

// watched returns a check that is skipped if the store is no Watcher.
func watched(run func(*probe, *watch)) func(*probe) {
	return func(p *probe) {
		st, ok := p.given.(store.Watcher)
		if !ok || unsupported(st) {
			p.skip = "store.Watcher"
			return
		}
		w := p.listen(st)
		run(p, w)
		w.stop(p)
	}
}

// unsupported reports whether st wraps a store that is no Watcher.
func unsupported(st store.Watcher) bool {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return errors.Is(st.Watch(ctx, func() {}, func(store.Digest) {}), errors.ErrUnsupported)
}

// A watch records the calls of alive and changed by one Watch.
type watch struct {
	cancel context.CancelFunc
	done   chan error

	mu      sync.Mutex
	heard   []store.Digest
	lives   []time.Time
	unheard []store.Digest // changes to be reported before the next alive
	early   []store.Digest // changes not reported before an alive
	ended   bool           // Watch has returned
	late    bool           // a call came after that
	said    chan struct{}  // closed and replaced at each call
}

// listen begins a Watch and waits until it is alive.
func (p *probe) listen(st store.Watcher) *watch {
	ctx, cancel := context.WithCancel(p.ctx)
	w := &watch{cancel: cancel, done: make(chan error, 1), said: make(chan struct{})}
	say := func(f func()) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.late = w.late || w.ended
		f()
		close(w.said)
		w.said = make(chan struct{})
	}
	go func() {
		w.done <- st.Watch(ctx,
			func() {
				say(func() {
					w.lives = append(w.lives, time.Now())
					w.early = append(w.early, w.unheard...)
				})
			},
			func(d store.Digest) {
				say(func() {
					w.heard = append(w.heard, d)
					w.unheard = slices.DeleteFunc(w.unheard, func(u store.Digest) bool { return u == d })
				})
			})
	}()
	if !w.wait(p.ctx, func() bool { return len(w.lives) > 0 }) {
		p.failf("Watch: is not alive after %v", prompt)
	}
	return w
}

// wait waits until done returns true, and reports whether it did in time. It holds
// w.mu while it calls done.
func (w *watch) wait(ctx context.Context, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, prompt)
	defer cancel()
	for {
		w.mu.Lock()
		ok, said := done(), w.said
		w.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-said:
		case <-ctx.Done():
			return false
		}
	}
}

// reports checks that the Watch reports all of these in time.
func (w *watch) reports(p *probe, cs ...*store.Credential) {
	if p.err != nil {
		return
	}
	var missing []string
	ok := w.wait(p.ctx, func() bool {
		missing = nil
		for _, c := range cs {
			if !slices.Contains(w.heard, c.Digest) {
				missing = append(missing, c.ID)
			}
		}
		return missing == nil
	})
	if !ok {
		p.failf("Watch: did not report credentials %q within %v\nafter %s", missing, prompt, p.wrote)
	}
	w.mu.Lock()
	w.heard = nil
	w.mu.Unlock()
}

// stop cancels the context of w and checks that its Watch returns.
func (w *watch) stop(p *probe) {
	if w.ended {
		return
	}
	w.cancel()
	select {
	case err := <-w.done:
		if !errors.Is(err, context.Canceled) {
			p.failf("Watch: %s, want the context's error", outcome(err))
		}
	case <-time.After(prompt):
		p.failf("Watch: does not end within %v of its context", prompt)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
}

func watchReports(p *probe, w *watch) {
	c, d, other := credential(), credential(), credential()
	d.Subject = c.Subject
	p.insert(c, d, other)
	w.reports(p, c, d, other)
	next := successor(c)
	p.rotate(c.ID, c.ExpiresAt, next, nil)
	w.reports(p, c, next)
	p.revoke(store.Filter{Subject: c.Subject}, next.CreatedAt, c, d, next)
	w.reports(p, c, d, next)
	p.revoke(store.Filter{ID: other.ID}, next.CreatedAt, other)
	w.reports(p, other)
}

func watchReportsOthers(p *probe, w *watch) {
	cs := credentials(3)
	p.insert(cs[0], cs[1])
	w.reports(p, cs[0], cs[1])
	name := "renamed"
	p.update(cs[0].ID, store.Changes{Name: &name}, nil)
	w.reports(p, cs[0])
	p.insertLimits(cs[2], store.Limits{Active: 2, EndOldest: true}, nil, cs[0])
	w.reports(p, cs[0], cs[2])
	p.erase(cs[0].Subject, 3)
	w.reports(p, cs[1], cs[2])
}

func notifyReachesWatch(p *probe, w *watch) {
	st, ok := p.given.(store.Notifier)
	if !ok {
		p.skip = "store.Notifier"
		return
	}
	c := credential() // the store does not have it
	p.expect("Notify", st.Notify(p.ctx, c.Digest), nil)
	w.reports(p, c)
}

func watchIgnoresTouch(p *probe, w *watch) {
	c, last := credential(), credential()
	p.insert(c)
	w.reports(p, c)
	p.touch(c.ID, c.CreatedAt.Add(time.Minute))
	p.insert(last)
	w.wait(p.ctx, func() bool { return slices.Contains(w.heard, last.Digest) })
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Contains(w.heard, c.Digest) {
		p.failf("Watch: reported credential %q\nafter a Touch", c.ID)
	}
}

func watchIsAlive(p *probe, w *watch) {
	const times = 4
	if !w.wait(p.ctx, func() bool { return len(w.lives) > times }) {
		p.failf("Watch: is not alive twice a second: %d times in %v", len(w.lives), prompt)
	}
}

func watchReportsBeforeAlive(p *probe, w *watch) {
	for range 4 {
		c := credential()
		p.insert(c)
		complete := time.Now()
		// Half a second later, alive must not be called before the report.
		time.AfterFunc(time.Until(complete.Add(known)), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			if !slices.Contains(w.heard, c.Digest) {
				w.unheard = append(w.unheard, c.Digest)
			}
		})
		if !w.wait(p.ctx, func() bool { return len(w.lives) > 0 && w.lives[len(w.lives)-1].After(complete.Add(known)) }) {
			p.failf("Watch: is not alive %v after %s", prompt, p.wrote)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.early) > 0 {
		p.failf("Watch: called alive without having reported %d changes that were complete %v before", len(w.early), known)
	}
}

func watchEnds(p *probe, w *watch) {
	w.stop(p)
	c := credential()
	again := p.listen(p.given.(store.Watcher))
	p.insert(c)
	again.reports(p, c)
	again.stop(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.late {
		p.failf("Watch: called alive or changed after it had returned")
	}
}
