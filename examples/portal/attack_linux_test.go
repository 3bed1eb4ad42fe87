package main

import (
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
)

// engines are the stores that a portal can have.
var engines = []struct {
	name  string
	start func(t testing.TB) string
}{
	{"memory", func(testing.TB) string { return "memory" }},
	{"SQLite", func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "portal.db") }},
	{"PostgreSQL", func(t testing.TB) string { return services.StartPostgres(t).DSN("postgres") }},
	{"Redis", func(t testing.TB) string { return "redis://" + services.StartRedis(t).Addr() }},
}

// onEveryStore runs a test on a portal with each store.
func onEveryStore(t *testing.T, test func(t *testing.T, p *testPortal)) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) { test(t, newPortalOn(t, engine.start(t), nil)) })
	}
}

// A loot is what a thief collects.
type loot struct {
	mu     sync.Mutex
	tokens []string // as Authorization headers
}

func (l *loot) add(token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, "Bearer "+token)
}

// issued returns the plaintext that a page shows, and "" if the portal was too busy.
func (s shown) issued(t testing.TB) string {
	t.Helper()
	if s.status != http.StatusOK && s.status != http.StatusServiceUnavailable {
		t.Errorf("issue: %d %s", s.status, s.text())
	}
	return plaintexts.FindString(s.body)
}

// E1: a thief has a client secret, a token and the password. They exchange the
// secret as fast as the limits allow, sign in again and again, and rotate the token
// in a loop. The owner revokes everything: when that is answered, none of the
// thief's credentials works. R11 R13 B14
func TestThief(t *testing.T) {
	const signIns, rotations = 20, 50
	const hourly = 1000          // the default HourlyLimit
	const most = 4 * time.Second // for exchanges, on a slow machine
	onEveryStore(t, func(t *testing.T, p *testPortal) {
		owner := p.signedIn(t, 0)
		secret := owner.post("/profile/secret").plaintext(t)
		stolen := owner.post("/profile/tokens", "name", "ci", "lifetime", "1y").plaintext(t)
		var thief loot
		thief.add(stolen)

		var sessions []*visitor
		for range signIns {
			sessions = append(sessions, p.signedIn(t, 0))
		}

		var wait sync.WaitGroup
		var exchanged atomic.Int64
		end := time.Now().Add(most)
		for range 8 {
			wait.Go(func() {
				for time.Now().Before(end) {
					status, body := call(t, "POST", p.url+"/api/security/tokens/generate", "Secret "+secret, `{"Lifetime":60}`)
					switch status {
					case http.StatusOK:
						thief.add(body["access_token"].(string))
						exchanged.Add(1)
					case http.StatusServiceUnavailable: // too busy
					case http.StatusBadRequest: // the limit
						return
					default:
						t.Errorf("exchange: %d %v", status, body)
						return
					}
				}
			})
		}
		wait.Wait()
		if n := exchanged.Load(); n > hourly || n == 0 {
			t.Errorf("%d tokens were exchanged within the hour, want 1 to %d", n, hourly)
		}

		// The rotations go on while the owner revokes, until the thief's session
		// has ended.
		var rotated atomic.Int64
		enough := make(chan struct{})
		wait.Go(func() {
			for {
				c, err := p.tokens.Lookup(t.Context(), stolen)
				if err != nil {
					t.Error(err)
					return
				}
				res := sessions[0].post("/profile/tokens/" + c.ID + "/refresh")
				if res.status == http.StatusServiceUnavailable {
					continue
				}
				if res.status != http.StatusOK { // the session or the token has ended
					return
				}
				stolen = res.issued(t)
				thief.add(stolen)
				if rotated.Add(1) == rotations {
					close(enough)
				}
			}
		})
		select {
		case <-enough:
		case <-time.After(30 * time.Second):
			t.Fatalf("%d rotations, want %d", rotated.Load(), rotations)
		}
		began := time.Now()
		if res := owner.post("/profile/revoke-everything"); res.status != http.StatusSeeOther || res.Get("Location") != "/profile?done=everything-revoked#tokens" {
			t.Fatalf("revoke everything: %d, to %s: %s", res.status, res.Get("Location"), res.text())
		}
		t.Logf("everything was revoked in %v, after %d rotations", time.Since(began), rotated.Load())
		wait.Wait()
		for _, token := range thief.tokens {
			if p.works(t, token) {
				t.Fatal("a token of the thief works")
			}
		}
		for _, s := range sessions {
			if res := s.get("/profile"); res.status != http.StatusSeeOther {
				t.Fatalf("a session of the thief: %d, want 303 to the sign-in page", res.status)
			}
		}
		if status, body := call(t, "POST", p.url+"/api/security/tokens/generate", "Secret "+secret, `{"Lifetime":60}`); status != http.StatusUnauthorized {
			t.Errorf("the stolen secret: %d %v, want 401", status, body)
		}
		if res := owner.get("/profile"); res.status != http.StatusOK {
			t.Errorf("the owner's page: %d", res.status)
		}
	})
}

// E2: one account issues and revokes in a loop and loads its own page eight times at
// once. Another account's requests are all answered. B14
func TestBusyAccount(t *testing.T) {
	const loads, writes, requests = 30, 100, 200
	onEveryStore(t, func(t *testing.T, p *testPortal) {
		ada, _ := p.token(t, "ada", "ci", time.Hour)
		writer := p.signedIn(t, 1)
		var busy, other sync.WaitGroup
		done := make(chan struct{})
		busy.Go(func() {
			for range writes {
				token := writer.post("/profile/tokens", "name", "loop").issued(t)
				if token == "" {
					continue
				}
				c, err := p.tokens.Lookup(t.Context(), token)
				if err != nil {
					t.Error(err)
					return
				}
				if res := writer.post("/profile/tokens/" + c.ID + "/revoke"); res.status != http.StatusSeeOther && res.status != http.StatusServiceUnavailable {
					t.Errorf("revoke: %d %s", res.status, res.text())
				}
			}
		})
		for range 8 {
			busy.Go(func() {
				for range loads {
					if res := writer.get("/profile?show=all"); res.status != http.StatusOK && res.status != http.StatusServiceUnavailable {
						t.Errorf("the account's own page: %d %s", res.status, res.text())
					}
				}
			})
		}
		for range 4 {
			other.Go(func() {
				for n := 0; ; n++ {
					if status, body := call(t, "GET", p.url+"/api/whoami", ada, ""); status != http.StatusOK {
						t.Errorf("another account's request: %d %v", status, body)
						return
					}
					select {
					case <-done:
						if n >= requests {
							return
						}
					default:
					}
				}
			})
		}
		busy.Wait()
		close(done)
		other.Wait()
	})
}

// BenchmarkBusyAccount measures the p99 of one account's requests while another
// account issues, revokes and loads its page in a loop. It does so by turns for a busy
// account with 20 000 ended tokens and for one without: their ratio stays below 2. E1
// E2 B9
func BenchmarkBusyAccount(b *testing.B) {
	const history, turns = 20_000, 10
	for _, engine := range engines {
		b.Run(engine.name, func(b *testing.B) {
			p := newPortalOn(b, engine.start(b), nil)
			for range history {
				p.insert(b, store.KindToken, "ended", 2*time.Hour, -time.Hour, nil) // ada's
			}
			var accounts [2]struct {
				token   string
				browser *visitor
			}
			for i, subject := range []string{"ada", "ben"} {
				accounts[i].token, _ = p.token(b, subject, "ci", time.Hour)
				accounts[i].browser = p.signedIn(b, i)
			}
			var took [2][]time.Duration // beside ada, beside ben
			b.ResetTimer()
			for range turns {
				for busy := range accounts {
					done, ended := make(chan struct{}), make(chan struct{})
					go func() {
						defer close(ended)
						p.keepBusy(b, accounts[busy].browser, done)
					}()
					for range max(b.N/turns, 100) {
						start := time.Now()
						if status, body := call(b, "GET", p.url+"/api/whoami", accounts[1-busy].token, ""); status != http.StatusOK {
							b.Fatalf("%d %v", status, body)
						}
						took[busy] = append(took[busy], time.Since(start))
					}
					close(done)
					<-ended
				}
			}
			var p99 [2]float64
			for i := range took {
				slices.Sort(took[i])
				p99[i] = float64(took[i][len(took[i])*99/100].Microseconds())
			}
			b.ReportMetric(p99[1], "short-p99-us")
			b.ReportMetric(p99[0], "long-p99-us")
			b.ReportMetric(p99[0]/p99[1], "ratio")
		})
	}
}

// keepBusy issues and revokes tokens and loads the page until done is closed.
func (p *testPortal) keepBusy(b testing.TB, v *visitor, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		c, err := p.tokens.Lookup(b.Context(), v.post("/profile/tokens", "name", "loop").issued(b))
		if err != nil {
			b.Error(err)
			return
		}
		v.get("/profile?show=all")
		v.post("/profile/tokens/" + c.ID + "/revoke")
	}
}
