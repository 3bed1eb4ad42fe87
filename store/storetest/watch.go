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
	// prompt is how soon a change is reported and a Watch ends, and by how much
	// alive may be late: far more than it takes, for busy machines.
	prompt = 3 * time.Second

	// known is how old a change is that an alive promises to have reported.
	known = 500 * time.Millisecond
)

// watchChecks are for stores that are a [store.Watcher].
func watchChecks() []check {
	return []check{
		{"watch-reports-changes", "a cache that does not learn of a revocation lets the credential live on", watched(watchReports)},
		{"watch-reports-what-ends-for-others", "a session that ended to make room, or whose account was erased, must not live on in a cache", watched(watchReportsOthers)},
		{"notify-reaches-watch", "a message about an account that was disabled must reach every process", watched(notifyReachesWatch)},
		{"watch-keeps-silent-about-touch", "every use of a credential would throw it out of every cache", watched(watchIgnoresTouch)},
		{"watch-is-alive", "a cache that hears nothing must not trust what it has, and would ask the store every time", watched(watchIsAlive)},
		{"watch-reports-before-alive", "alive makes a cache trust what it has: said too early, it trusts a credential that was revoked", watched(watchReportsBeforeAlive)},
		{"watch-ends-with-its-context", "a cache that is closed must leave nothing behind, and not be called any more", watched(watchEnds)},
	}
}

// watched returns a check that is skipped for a store that is no Watcher.
func watched(run func(*probe, *watch)) func(*probe) {
	return func(p *probe) {
		st, ok := p.given.(store.Watcher)
		if !ok {
			p.skip = "store.Watcher"
			return
		}
		w := p.listen(st)
		run(p, w)
		w.stop(p)
	}
}

// A watch is what a Watch has said.
type watch struct {
	cancel context.CancelFunc
	done   chan error

	mu      sync.Mutex
	heard   []store.Digest
	lives   []time.Time
	unheard []store.Digest // what the next alive must not come before
	early   []store.Digest // what one did come before
	ended   bool           // nothing may be said any more
	late    bool           // and something was
	said    chan struct{}  // closed when something is said, and made anew
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

// wait reports whether done, which may look at w, is true soon.
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

// reports wants w to hear of all of these soon.
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

// stop ends w, which must end as its context does.
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
	c := credential() // that the store does not know
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
		// From half a second after, no alive may come before the report.
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
		p.failf("Watch: alive before it had reported %d changes that were complete %v before", len(w.early), known)
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
		p.failf("Watch: said something after it had ended")
	}
}
