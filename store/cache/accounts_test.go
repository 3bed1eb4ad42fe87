package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// users is the table of accounts of an application. It counts lookups and can be made
// to fail.
type users struct {
	mu       sync.Mutex
	accounts map[string]*auth.Account
	lookups  int
	lookUp   func(ctx context.Context, ask func() (*auth.Account, error)) (*auth.Account, error) // instead of ask
}

func (u *users) Account(ctx context.Context, subject string) (*auth.Account, error) {
	u.mu.Lock()
	u.lookups++
	lookUp := u.lookUp
	u.mu.Unlock()
	ask := func() (*auth.Account, error) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if a := u.accounts[subject]; a != nil {
			return a, nil
		}
		return nil, fmt.Errorf("users: %w", auth.ErrUnknownAccount)
	}
	if lookUp != nil {
		return lookUp(ctx, ask)
	}
	return ask()
}

// set sets an account, or removes it if a is nil.
func (u *users) set(subject string, a *auth.Account) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.accounts[subject] = a
}

// answer makes lookups call f.
func (u *users) answer(f func(ctx context.Context, ask func() (*auth.Account, error)) (*auth.Account, error)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.lookUp = f
}

// hold makes every lookup read the table and then wait until the channel is closed.
func (u *users) hold() chan struct{} {
	release := make(chan struct{})
	u.answer(func(ctx context.Context, ask func() (*auth.Account, error)) (*auth.Account, error) {
		a, err := ask()
		select {
		case <-release:
			return a, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	return release
}

func (u *users) asked() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.lookups
}

// A people is Accounts in front of users.
type people struct {
	*cache.Accounts
	users *users
	t     testing.TB
}

// newPeople returns Accounts in front of users, in which "ada" and "ben" exist.
func newPeople(t testing.TB, u *users, cfg cache.AccountsConfig) *people {
	t.Helper()
	if u == nil {
		u = &users{accounts: map[string]*auth.Account{"ada": {}, "ben": {}}}
	}
	cfg.Accounts = u
	a, err := cache.NewAccounts(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return &people{a, u, t}
}

// state returns what a lookup of subject returns.
func (p *people) state(ctx context.Context, subject string) string {
	a, err := p.Account(ctx, subject)
	switch {
	case (a == nil) == (err == nil):
		return "neither an account nor an error, or both"
	case errors.Is(err, auth.ErrUnknownAccount):
		return "unknown"
	case err != nil:
		return err.Error()
	case a.Disabled:
		return "disabled"
	}
	return "active"
}

// is wants a lookup of subject to return this state.
func (p *people) is(subject, want string) {
	p.t.Helper()
	if got := p.state(p.t.Context(), subject); got != want {
		p.t.Errorf("%s: %s, want %s", subject, got, want)
	}
}

// async starts a lookup and returns where its result will be.
func (p *people) async(ctx context.Context, subject string) <-chan string {
	out := make(chan string, 1)
	go func() { out <- p.state(ctx, subject) }()
	synctest.Wait()
	return out
}

// asks wants f to cause n lookups in the table.
func (p *people) asks(n int, f func()) {
	p.t.Helper()
	before := p.users.asked()
	f()
	if got := p.users.asked() - before; got != n {
		p.t.Errorf("%d lookups in the table, want %d", got, n)
	}
}

// forget calls Forget, which must succeed.
func (p *people) forget(subject string) {
	p.t.Helper()
	if err := p.Forget(p.t.Context(), subject); err != nil {
		p.t.Error(err)
	}
}

// disabled is an account that must not be accepted.
var disabled = &auth.Account{Disabled: true}

// bubblePeople is newPeople in a bubble, with a store that is watched by a line or that
// is no Watcher.
func bubblePeople(t testing.TB, isWatched bool, cfg cache.AccountsConfig) (*people, *line) {
	t.Helper()
	l := newLine()
	m := &machine{Memory: store.NewMemory(), others: []*line{l}}
	cfg.Store = m
	if isWatched {
		cfg.Store = watched{m, l}
	}
	p := newPeople(t, nil, cfg)
	synctest.Wait()
	return p, l
}

// Every mistake is reported. B8
func TestNewAccountsErrors(t *testing.T) {
	var noUsers *users
	var noStore *store.Memory
	tests := []struct {
		name string
		cfg  cache.AccountsConfig
		want []string
	}{
		{"everything", cache.AccountsConfig{Store: noStore, Entries: -1, MaxStale: -1}, []string{"Accounts", "Store", "Entries", "MaxStale"}},
		{"nil pointer", cache.AccountsConfig{Accounts: noUsers}, []string{"Accounts"}},
		{"too many", cache.AccountsConfig{Accounts: new(users), Entries: 10_000_001}, []string{"Entries"}},
		{"too stale", cache.AccountsConfig{Accounts: new(users), MaxStale: 10*time.Minute + 1}, []string{"MaxStale"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := cache.NewAccounts(tt.cfg)
			lines := strings.Split(fmt.Sprint(err), "\n")
			if len(lines) != len(tt.want) {
				t.Fatalf("%d mistakes, want %d:\n%v", len(lines), len(tt.want), err)
			}
			for i, field := range tt.want {
				if !strings.HasPrefix(lines[i], "cache: AccountsConfig."+field+": ") {
					t.Errorf("%q, want it to name %s", lines[i], field)
				}
			}
		})
	}
}

// An account is kept for MaxStale to the nanosecond, whether or not the store is
// watched: a change without Forget takes no longer. R7 M2
func TestAccountMaxStale(t *testing.T) {
	for maxStale, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Second: time.Second, 10 * time.Minute: 10 * time.Minute} {
		bubble(t, func(t *testing.T, isWatched bool) {
			p, _ := bubblePeople(t, isWatched, cache.AccountsConfig{MaxStale: maxStale})
			p.is("ada", "active")
			p.users.set("ada", disabled)
			time.Sleep(want - 1)
			p.asks(0, func() { p.is("ada", "active") })
			time.Sleep(time.Nanosecond)
			p.asks(1, func() { p.is("ada", "disabled"); p.is("ada", "disabled") })
		})
	}
}

// MaxStale counts from before the lookup, not from its end. R7
func TestAccountMaxStaleOfSlowLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeople(t, nil, cache.AccountsConfig{MaxStale: 2 * time.Second})
		release := p.users.hold()
		first := p.async(t.Context(), "ada")
		p.users.set("ada", disabled)
		time.Sleep(2*time.Second - 1)
		joined := p.async(t.Context(), "ada")
		time.Sleep(time.Nanosecond)
		late := p.async(t.Context(), "ada")
		close(release)
		if a, b, c := <-first, <-joined, <-late; a != "active" || b != "active" || c != "disabled" {
			t.Errorf("%s, %s, %s, want active, active, disabled", a, b, c)
		}
		p.users.answer(nil)
		p.is("ada", "disabled")
	})
}

// Once Forget has returned, no lookup in this process returns an older answer. Other
// accounts stay kept. R1 R7 M2
func TestForget(t *testing.T) {
	changes := map[string]*auth.Account{"disabled": disabled, "unknown": nil, "active": {Permissions: []string{"reports:read"}}}
	for want, account := range changes {
		t.Run(want, func(t *testing.T) {
			bubble(t, func(t *testing.T, isWatched bool) {
				p, l := bubblePeople(t, isWatched, cache.AccountsConfig{})
				p.is("ada", "active")
				p.is("ben", "active")
				l.mute(true)
				p.users.set("ada", account)
				p.forget("ada")
				p.asks(1, func() { p.is("ada", want) })
				p.asks(0, func() { p.is("ben", "active") })
			})
		})
	}
}

// A lookup in flight when Forget is called neither restores the old answer nor is
// joined by later callers. R2
func TestForgetInFlight(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p, _ := bubblePeople(t, isWatched, cache.AccountsConfig{})
		release := p.users.hold()
		before := p.async(t.Context(), "ada")
		p.users.set("ada", disabled)
		p.forget("ada")
		after := p.async(t.Context(), "ada")
		close(release)
		if a, b := <-before, <-after; a != "active" || b != "disabled" {
			t.Errorf("before Forget: %s, after: %s, want active, disabled", a, b)
		}
		p.is("ada", "disabled")
	})
}

// The slower of two lookups does not restore an answer from before Forget. R2
func TestForgetThenSlowLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeople(t, nil, cache.AccountsConfig{})
		release := p.users.hold()
		slow := p.async(t.Context(), "ada")
		p.users.set("ada", disabled)
		p.forget("ada")
		p.users.answer(nil)
		p.is("ada", "disabled")
		close(release)
		<-slow
		p.is("ada", "disabled")
	})
}

// How long another process accepts an account that was disabled, to the nanosecond,
// for each way in which Forget reaches it or does not. R1 R7 M2
func TestForgetElsewhere(t *testing.T) {
	tests := []struct {
		name string
		lose func(*pair) // called before the account is disabled; nil: nothing is lost
		want time.Duration
	}{
		{"notified", nil, 10 * time.Millisecond},
		{"not notified, and not noticed", func(p *pair) { p.line.mute(true) }, 5 * time.Second},
		{"no longer watched", (*pair).lose, 5 * time.Second},
		{"watched again", func(p *pair) { p.line.lost <- errors.New("connection reset"); synctest.Wait() }, 100 * time.Millisecond},
	}
	for _, tt := range tests {
		for _, shared := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/shared=%v", tt.name, shared), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newPair(t, true, cache.Config{})
					var st store.Store = p.Cache
					if !shared {
						p.must(p.Cache.Close())
						st = watched{p.here, p.line}
					}
					here := newPeople(t, nil, cache.AccountsConfig{Store: st})
					elsewhere := newPeople(t, here.users, cache.AccountsConfig{Store: watched{p.here, newLine()}})
					time.Sleep(time.Second)
					synctest.Wait()
					here.is("ada", "active")
					here.is("ben", "active")
					if tt.lose != nil {
						tt.lose(p)
					}
					here.users.set("ada", disabled)
					elsewhere.forget("ada")
					time.Sleep(tt.want - 1)
					here.asks(0, func() { here.is("ada", "active"); here.is("ben", "active") })
					time.Sleep(time.Nanosecond)
					synctest.Wait()
					here.is("ada", "disabled")
					if tt.want < 5*time.Second && tt.lose == nil {
						here.asks(0, func() { here.is("ben", "active") })
					}
				})
			})
		}
	}
}

// Accounts and a Cache as its Store share one Watch of the store; with the store itself
// there are two.
func TestOneWatch(t *testing.T) {
	for _, shared := range []bool{true, false} {
		t.Run(fmt.Sprintf("shared=%v", shared), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, true, cache.Config{})
				want, st := 1, store.Store(p.Cache)
				if !shared {
					want, st = 2, watched{p.here, p.line}
				}
				newPeople(t, nil, cache.AccountsConfig{Store: st})
				time.Sleep(time.Second)
				if n := p.line.begun(); n != want {
					t.Errorf("the store is watched %d times, want %d", n, want)
				}
			})
		})
	}
}

// A deaf store passes on no notification.
type deaf struct {
	store.Store
	err error
}

func (d deaf) Notify(context.Context, store.Digest) error { return d.err }

// Forget reports that other processes may not have been notified, and has forgotten
// the account here in any case. Where no other process can be notified, that is no
// error. R1
func TestForgetErrors(t *testing.T) {
	lost := errors.New("connection reset")
	unwatched, err := cache.New(cache.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	defer unwatched.Close()
	tests := []struct {
		name string
		st   store.Store
		want error
	}{
		{"no store", nil, nil},
		{"no Notifier", store.NewMemory(), nil},
		{"a Cache without a Notifier", unwatched, nil},
		{"notified", deaf{store.NewMemory(), nil}, nil},
		{"an outage", deaf{store.NewMemory(), lost}, lost},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPeople(t, nil, cache.AccountsConfig{Store: tt.st, MaxStale: time.Minute, WatchError: func(err error) { t.Errorf("WatchError: %v", err) }})
			p.is("ada", "active")
			p.users.set("ada", disabled)
			if err := p.Forget(t.Context(), "ada"); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("Forget: %v, want %v", err, tt.want)
			}
			p.is("ada", "disabled")
		})
	}
}

// The digest that Forget sends is neither that of a credential whose plaintext is the
// subject, nor that of another account.
func TestForgetDigest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		p.insert("ada")
		p.is("ada", "good")
		here := newPeople(t, nil, cache.AccountsConfig{Store: p.Cache})
		heard := watch(t.Context(), p.Cache)
		here.forget("ada")
		here.forget("ben")
		time.Sleep(20 * time.Millisecond)
		p.asked(0, func() { p.is("ada", "good") })
		got := heard.now().changed
		if len(got) != 2 || got[0] == got[1] || got[0] == token("ada").Digest {
			t.Errorf("notified %x, want two digests of accounts", got)
		}
	})
}

// An unknown account is never kept: it can be used as soon as it exists, even by a
// caller that joined an earlier lookup. B5
func TestUnknownAccount(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p, _ := bubblePeople(t, isWatched, cache.AccountsConfig{})
		p.asks(2, func() { p.is("eve", "unknown"); p.is("eve", "unknown") })
		p.users.set("eve", new(auth.Account))
		p.is("eve", "active")

		release := p.users.hold()
		before := p.async(t.Context(), "joe")
		p.users.set("joe", new(auth.Account))
		time.Sleep(time.Millisecond)
		after, again := p.async(t.Context(), "joe"), p.async(t.Context(), "joe")
		close(release)
		if a, b, c := <-before, <-after, <-again; a != "unknown" || b != "active" || c != "active" {
			t.Errorf("%s, %s, %s, want unknown, active, active", a, b, c)
		}
	})
}

// An outage is returned to all callers that wait, and kept for none. B2 B4
func TestAccountOutages(t *testing.T) {
	tests := []struct {
		name   string
		lookUp func() (*auth.Account, error)
		want   string
	}{
		{"error", func() (*auth.Account, error) { return nil, errors.New("connection refused") }, "connection refused"},
		{"error and an account", func() (*auth.Account, error) { return new(auth.Account), errors.New("connection reset") }, "connection reset"},
		{"timeout", func() (*auth.Account, error) { return nil, context.DeadlineExceeded }, "context deadline exceeded"},
		{"neither", func() (*auth.Account, error) { return nil, nil }, "cache: "},
		{"panic", func() (*auth.Account, error) { panic("a bug") }, "cache: panic in a lookup: a bug"},
		{"goexit", func() (*auth.Account, error) { runtime.Goexit(); return nil, nil }, "cache: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, isWatched bool) {
				p, _ := bubblePeople(t, isWatched, cache.AccountsConfig{})
				fail := make(chan struct{})
				p.users.answer(func(context.Context, func() (*auth.Account, error)) (*auth.Account, error) {
					<-fail
					return tt.lookUp()
				})
				p.asks(1, func() {
					waiting := []<-chan string{p.async(t.Context(), "ada"), p.async(t.Context(), "ada")}
					close(fail)
					for _, out := range waiting {
						if got := <-out; !strings.HasPrefix(got, tt.want) {
							t.Errorf("%q, want %q", got, tt.want)
						}
					}
				})
				p.users.answer(nil)
				p.asks(1, func() { p.is("ada", "active"); p.is("ada", "active") })
			})
		})
	}
}

// A thousand callers make one lookup. It continues although all but the last caller
// give up, the first one among them. B3
func TestOneAccountLookup(t *testing.T) {
	bubble(t, func(t *testing.T, isWatched bool) {
		p, _ := bubblePeople(t, isWatched, cache.AccountsConfig{})
		release := p.users.hold()
		const n = 1000
		var outs []<-chan string
		var cancels []context.CancelFunc
		p.asks(1, func() {
			for range n {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				cancels, outs = append(cancels, cancel), append(outs, p.async(ctx, "ada"))
			}
			for _, cancel := range cancels[:n-1] {
				cancel()
			}
			for _, out := range outs[:n-1] {
				if got := <-out; got != context.Canceled.Error() {
					t.Errorf("a caller that gave up: %s, want %v", got, context.Canceled)
				}
			}
			close(release)
			if got := <-outs[n-1]; got != "active" {
				t.Errorf("the caller that waited: %s, want active", got)
			}
		})
		p.asks(0, func() { p.is("ada", "active") })
	})
}

// A caller whose context is done gets what is kept, and causes no lookup.
func TestAccountContextIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPeople(t, nil, cache.AccountsConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p.is("ada", "active")
		p.asks(0, func() {
			if a, b := p.state(ctx, "ada"), p.state(ctx, "ben"); a != "active" || b != context.Canceled.Error() {
				t.Errorf("kept: %s, not kept: %s, want active, %v", a, b, context.Canceled)
			}
			synctest.Wait()
		})
	})
}

// Close leaves no goroutine behind, which the bubble checks, and may be called twice and
// concurrently, before or after the Cache that is the Store. Then nothing is kept. B6
func TestAccountsClose(t *testing.T) {
	for _, cacheFirst := range []bool{false, true} {
		t.Run(fmt.Sprintf("cacheFirst=%v", cacheFirst), func(t *testing.T) {
			bubble(t, func(t *testing.T, isWatched bool) {
				c := newPair(t, isWatched, cache.Config{})
				p := newPeople(t, nil, cache.AccountsConfig{Store: c.Cache})
				p.is("ada", "active")
				if cacheFirst {
					c.must(c.Close())
					time.Sleep(10 * time.Second)
				}
				var done sync.WaitGroup
				for range 3 {
					done.Go(func() {
						if err := p.Close(); err != nil {
							t.Error(err)
						}
					})
				}
				done.Wait()
				p.asks(2, func() { p.is("ada", "active"); p.is("ada", "active") })
				p.users.set("ada", disabled)
				p.is("ada", "disabled")
				p.forget("ada")
			})
		})
	}
}

// The application hears of every Watch that fails. Forget from elsewhere then takes
// MaxStale.
func TestAccountsWatchError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, true, cache.Config{})
		heard := make(chan error, 100)
		newPeople(t, nil, cache.AccountsConfig{Store: p.Cache, WatchError: func(err error) { heard <- err }})
		synctest.Wait()
		p.lose()
		if err := <-heard; err.Error() != "connection reset" {
			t.Errorf("WatchError: %v, want connection reset", err)
		}
	})
}

// At most Entries accounts are kept, give or take a few. B5
func TestAccountsEntries(t *testing.T) {
	p := newPeople(t, nil, cache.AccountsConfig{Entries: 10, MaxStale: time.Minute})
	lookUpAll := func() {
		for i := range 1000 {
			p.users.set(fmt.Sprint(i), new(auth.Account))
			p.state(t.Context(), fmt.Sprint(i))
		}
	}
	lookUpAll()
	before := p.users.asked()
	lookUpAll()
	if asked := p.users.asked() - before; asked < 900 {
		t.Errorf("of 1000 accounts %d were kept, want about 10", 1000-asked)
	}
}

// Unknown accounts take no room: however often they are looked up, they evict none that
// exist. B5
func TestUnknownAccountsEvictNone(t *testing.T) {
	p := newPeople(t, nil, cache.AccountsConfig{Entries: 10, MaxStale: time.Minute})
	p.is("ada", "active")
	p.is("ben", "active")
	for i := range 1000 {
		for range 3 {
			p.is(fmt.Sprint(i), "unknown")
		}
	}
	p.asks(0, func() { p.is("ada", "active"); p.is("ben", "active") })
}

// All callers get the same account, and a lookup of one that is kept allocates nothing.
func TestAccountAllocations(t *testing.T) {
	p := newPeople(t, nil, cache.AccountsConfig{MaxStale: time.Minute})
	first, err := p.Account(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(1000, func() {
		if a, err := p.Account(t.Context(), "ada"); a != first || err != nil {
			t.Error("another account")
		}
	})
	if n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
