package cache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// An accountModel is two processes that look up accounts of one table, and all versions
// of each account that the table has had.
type accountModel struct {
	t        *testing.T
	maxStale time.Duration
	users    *users
	nodes    [2]*accountNode
	ended    context.Context

	mu       sync.Mutex
	versions map[string][]version

	served, stale, unknown int
}

// A version is what an account was from a moment on. Its number is in Account.User.
type version struct {
	from   time.Time
	exists bool
}

// An accountNode is one process, and the versions that its callers know of: because
// Forget has returned there, or its notification has arrived.
type accountNode struct {
	*cache.Accounts
	line  *line
	known map[string]int // guarded by accountModel.mu
}

// latest returns the number of the latest version of an account.
func (m *accountModel) latest(subject string) int { return len(m.versions[subject]) - 1 }

// change gives an account its next version, which may be that it does not exist.
func (m *accountModel) change(subject string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := version{time.Now(), rand.IntN(4) > 0}
	m.versions[subject] = append(m.versions[subject], next)
	if next.exists {
		m.users.set(subject, &auth.Account{User: m.latest(subject)})
	} else {
		m.users.set(subject, nil)
	}
}

// learn is called when the callers of n know of a version.
func (m *accountModel) learn(n *accountNode, subject string, number int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n.known[subject] = max(n.known[subject], number)
}

// lookUp looks an account up at n and checks the answer. R1 R2 R7 B4 B5
func (m *accountModel) lookUp(n *accountNode, subject string) {
	m.mu.Lock()
	began, known := time.Now(), n.known[subject]
	m.mu.Unlock()
	account, err := n.Account(m.ended, subject)
	m.mu.Lock()
	defer m.mu.Unlock()
	versions := m.versions[subject]
	switch {
	case errors.Is(err, auth.ErrUnknownAccount):
		m.unknown++
		for i, v := range versions {
			if !v.exists && (i+1 == len(versions) || !versions[i+1].from.Before(began)) {
				return // it did not exist at some moment of the lookup
			}
		}
		m.t.Errorf("%s: unknown, but it existed since before the lookup", subject)
	case err == nil:
		m.served++
		number := account.User.(int)
		if number < known {
			m.t.Errorf("%s: version %d, although version %d was known when the lookup began", subject, number, known)
		}
		if number < m.latest(subject) {
			m.stale++
			if age := began.Sub(versions[number+1].from); age >= m.maxStale {
				m.t.Errorf("%s: version %d, which ended %v before the lookup began, want less than %v", subject, number, age, m.maxStale)
			}
		}
	}
}

// write changes an account, and usually reports it to n.
func (m *accountModel) write(n *accountNode, subject string) {
	m.change(subject)
	nap(50 * time.Millisecond)
	if rand.IntN(4) == 0 {
		return // changed by hand, without Forget
	}
	m.mu.Lock()
	number := m.latest(subject)
	m.mu.Unlock()
	if err := n.Forget(context.Background(), subject); err != nil {
		m.t.Error(err)
	}
	m.learn(n, subject, number)
}

// A recorder remembers the digest that it was notified of.
type recorder struct {
	store.Store
	digest store.Digest
}

func (r *recorder) Notify(_ context.Context, d store.Digest) error {
	r.digest = d
	return nil
}

// digestOf returns the digest that Forget sends for an account.
func digestOf(t *testing.T, subject string) store.Digest {
	r := &recorder{Store: store.NewMemory()}
	newPeople(t, nil, cache.AccountsConfig{Store: r}).forget(subject)
	return r.digest
}

func (m *accountModel) run() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	m.ended = ctx
	m.users = &users{accounts: make(map[string]*auth.Account)}
	m.users.answer(func(ctx context.Context, ask func() (*auth.Account, error)) (*auth.Account, error) {
		nap(50 * time.Millisecond)
		a, err := ask()
		nap([]time.Duration{50 * time.Millisecond, 50 * time.Millisecond, 4 * time.Second}[rand.IntN(3)])
		if rand.IntN(20) == 0 {
			return nil, errors.New("connection reset")
		}
		return a, err
	})
	m.versions = make(map[string][]version)
	subjects := make(map[store.Digest]string)
	var names []string
	for i := range 4 {
		name := fmt.Sprint("account ", i)
		names, subjects[digestOf(m.t, name)] = append(names, name), name
		m.change(name)
	}
	lines := []*line{newLine(), newLine()}
	for i, l := range lines {
		n := &accountNode{line: l, known: make(map[string]int)}
		l.latency = func() time.Duration { return rand.N(20 * time.Millisecond) }
		l.telling = func(d store.Digest) func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			number := m.latest(subjects[d])
			return func() { m.learn(n, subjects[d], number) }
		}
		st := store.Store(watched{&machine{Memory: store.NewMemory(), others: lines}, l})
		if i == 0 { // one shares the Watch of a Cache, the other one has its own
			c := newCache(m.t, cache.Config{Store: st})
			defer c.Close()
			st = c
		}
		n.Accounts = newPeople(m.t, m.users, cache.AccountsConfig{Store: st, MaxStale: m.maxStale}).Accounts
		defer n.Close()
		m.nodes[i] = n
	}
	var done sync.WaitGroup
	for _, n := range m.nodes {
		done.Go(func() { interrupt(m.ended, n.line) })
		done.Go(func() {
			for ctx.Err() == nil {
				nap(time.Second)
				m.write(n, names[rand.IntN(len(names))])
			}
		})
		for range 8 {
			done.Go(func() {
				for ctx.Err() == nil {
					nap(100 * time.Millisecond)
					m.lookUp(n, names[rand.IntN(len(names))])
				}
			})
		}
	}
	done.Wait()
	time.Sleep(10 * time.Second) // lookups that no caller waits for end when they like
}

// Whatever happens concurrently and whatever fails: no lookup returns an older version
// than its caller could know of, one that ended MaxStale before, or that an account is
// unknown which existed all the time. R1 R2 R7
func TestAccountModel(t *testing.T) {
	for _, maxStale := range []time.Duration{500 * time.Millisecond, 5 * time.Second} {
		t.Run(fmt.Sprint("MaxStale ", maxStale), func(t *testing.T) {
			served, stale, unknown := 0, 0, 0
			for range 5 {
				synctest.Test(t, func(t *testing.T) {
					m := &accountModel{t: t, maxStale: maxStale}
					m.run()
					served, stale, unknown = served+m.served, stale+m.stale, unknown+m.unknown
				})
			}
			t.Logf("%d accounts returned, %d of them in an older version, %d unknown", served, stale, unknown)
			if stale == 0 || unknown == 0 {
				t.Error("no older version, or no unknown account was returned: the test proves nothing")
			}
		})
	}
}
