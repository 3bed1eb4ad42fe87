package postgres_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/internal/service"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

const (
	within = 5 * time.Second // the timeout of two seconds, on a busy machine
	back   = 2 * time.Second
)

// B4 C6: during every fault of the server, a valid token is accepted or gets a 503,
// an unknown one is not accepted, and no request takes longer than the timeout. When
// the server answers again, so does the service. No acknowledged write is lost. R1 R3
func TestFaults(t *testing.T) {
	server := faulty(t)
	dsn := server.DSN("postgres")
	killer := pool(t, server.CreateDatabase("killer"))
	faults := []struct {
		name string
		down func()
		up   func() // nil: the server answers all the time
	}{
		{"stopped", server.StopImmediate, server.Start},
		{"backends terminated", func() {
			for range 5 {
				exec(t, killer, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'`)
			}
		}, nil},
		{"paused", server.Pause, server.Resume},
		{"killed", server.Kill, server.Start},
	}
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			st := open(t, dsn)
			s := service.Start(t, st)
			plaintext, _ := s.Issue(t)
			load := s.Load(t, within, plaintext)
			w := write(t, s.Tokens)
			service.Until(t, "requests", 10*time.Second, func() bool { return load.OK.Load() > 100 && load.Refused.Load() > 10 })

			fault.down()
			if fault.up != nil {
				service.Until(t, "503", 10*time.Second, func() bool { return load.Unavailable.Load() > 3 })
				if fault.name == "paused" {
					select {
					case <-time.After(2 * time.Second): // in addition to the two seconds until the first 503
					case <-t.Context().Done():
					}
				}
				fault.up()
			}
			// The service is back when several requests in a row are answered, in
			// addition to those of the load.
			answers, ok := time.Now(), 0
			for ok < 20 && time.Since(answers) < back+within {
				if s.Status(t, plaintext) == http.StatusOK {
					ok++
				} else {
					ok = 0
				}
			}
			if took := time.Since(answers); took > back {
				t.Errorf("it took %v to be back, want at most %v", took, back)
			}
			before := load.OK.Load()
			service.Until(t, "requests afterwards", 5*time.Second, func() bool { return load.OK.Load() > before+100 })
			load.Stop()
			w.check(t, s, st)
			t.Logf("%d accepted, %d refused, %d unavailable, %d writes", load.OK.Load(), load.Refused.Load(), load.Unavailable.Load(), w.steps)
		})
	}
}

// A writer issues, rotates and revokes, and records the acknowledged changes.
type writer struct {
	stop  chan struct{}
	group sync.WaitGroup
	steps int
	want  map[string]int // the expected status of each plaintext
	ids   map[string]bool
}

func write(t testing.TB, tokens *bearer.Tokens) *writer {
	w := &writer{stop: make(chan struct{}), want: make(map[string]int), ids: make(map[string]bool)}
	refused := func(err error) {
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrLimit) || errors.Is(err, store.ErrExists) {
			t.Errorf("while the server fails: %v", err)
		}
	}
	ctx := context.WithoutCancel(t.Context())
	w.group.Go(func() {
		for {
			select {
			case <-w.stop:
				return
			case <-time.After(time.Millisecond):
			}
			old, c, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"})
			if err != nil {
				refused(err)
				continue
			}
			w.want[old.Reveal()], w.ids[c.ID] = http.StatusOK, true
			delete(w.want, old.Reveal()) // unknown until Rotate has returned
			next, c, err := tokens.Rotate(ctx, "ada", c.ID, 0)
			if err != nil {
				refused(err)
				continue
			}
			w.want[old.Reveal()], w.ids[c.ID] = http.StatusUnauthorized, true
			if w.steps++; w.steps%2 == 0 {
				w.want[next.Reveal()] = http.StatusOK
			} else if err := tokens.Revoke(ctx, "ada", c.ID); err != nil {
				refused(err)
			} else {
				w.want[next.Reveal()] = http.StatusUnauthorized
			}
		}
	})
	t.Cleanup(w.end)
	return w
}

func (w *writer) end() {
	select {
	case <-w.stop:
	default:
		close(w.stop)
	}
	w.group.Wait()
}

func (w *writer) check(t testing.TB, s *service.Service, st store.Store) {
	t.Helper()
	w.end()
	if w.steps < 3 {
		t.Errorf("%d steps are too few to prove anything", w.steps)
	}
	for id := range w.ids {
		if _, err := st.Get(t.Context(), id); err != nil {
			t.Errorf("acknowledged and not there: %v", err)
		}
	}
	for plaintext, want := range w.want {
		if got := s.Status(t, plaintext); got != want {
			t.Errorf("acknowledged and lost: status %d, want %d", got, want)
		}
	}
}

// B4: a service can start while the server does not answer, and works as soon as it
// does.
func TestServerStartsLater(t *testing.T) {
	server := faulty(t)
	dsn := server.DSN("postgres")
	plaintext, _ := service.Start(t, open(t, dsn)).Issue(t)
	server.Kill()
	st, err := postgres.New(sqlstore.Config{DB: pool(t, dsn)})
	if err != nil {
		t.Fatal(err)
	}
	s := service.Start(t, st)
	if status := s.Status(t, plaintext); status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", status)
	}
	if _, err := s.Tokens.Verify(t.Context(), plaintext, netip.Addr{}); err == nil || errors.Is(err, auth.ErrInvalidCredentials) {
		t.Errorf("Verify: %v", err)
	}
	server.Start()
	service.Until(t, "the service", back, func() bool { return s.Status(t, plaintext) == http.StatusOK })
}
