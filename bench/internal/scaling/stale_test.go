package scaling

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
)

const never = -1

// An arrangement is what one row of the table of the document is about: how long
// a token that was revoked lives on.
type arrangement struct {
	name     string
	watching bool
	maxStale time.Duration
	news     time.Duration
	lag      time.Duration // of the replica that lookups are answered by; 0: none
	cut      string        // what becomes of the news just before: "", "silent", "lost"
	here     bool          // revoked by the same process
	bound    time.Duration
}

var arrangements = []arrangement{
	{name: "cache, revoked by the same process", watching: true, news: 2 * time.Millisecond, here: true, bound: 0},
	{name: "cache, notifications in 2 ms", watching: true, news: 2 * time.Millisecond, bound: 2 * time.Millisecond},
	{name: "cache, notifications in 150 ms", watching: true, news: 150 * time.Millisecond, bound: 150 * time.Millisecond},
	{name: "cache, connection of the notifications lost", watching: true, news: 2 * time.Millisecond, cut: "lost", bound: 5 * time.Second},
	{name: "cache, notifications cut off silently", watching: true, news: 2 * time.Millisecond, cut: "silent", bound: 5 * time.Second},
	{name: "the same, MaxStale 1 s", watching: true, maxStale: time.Second, news: 2 * time.Millisecond, cut: "silent", bound: 2500 * time.Millisecond},
	{name: "cache, a store without notifications", bound: 5 * time.Second},
	{name: "cache, lookups at a replica 0.2 s behind, no notifications", lag: 200 * time.Millisecond, bound: 5200 * time.Millisecond},
	{name: "the same, revoked by the same process", lag: 200 * time.Millisecond, here: true, bound: 5200 * time.Millisecond},
	{name: "wrong: that replica, and notifications of the primary", watching: true, news: 2 * time.Millisecond, lag: 200 * time.Millisecond, bound: 10*time.Minute + 200*time.Millisecond},
}

func newWorld() *world { return &world{primary: store.NewMemory()} }

// worst returns the longest time after a revocation at which a request began
// that was accepted.
func (a arrangement) worst(t *testing.T) (worst time.Duration) {
	random := rand.New(rand.NewPCG(1, 2))
	maxStale := a.maxStale
	if maxStale == 0 {
		maxStale = 5 * time.Second
	}
	for trial := range 30 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.roundTrip, w.news, w.lag = time.Millisecond, a.news, a.lag
			if a.lag > 0 {
				w.replica = store.NewMemory()
			}
			here, there := w.node(t, a.watching, a.maxStale, never), w.node(t, a.watching, a.maxStale, never)
			time.Sleep(3 * time.Second)
			plaintext := issue(t, there, 1)[0]
			c, err := there.Lookup(t.Context(), plaintext)
			if err != nil {
				t.Fatal(err)
			}
			// At any moment; soon after what is kept was asked for; and when
			// it is asked for again before the replica knows.
			wait := time.Duration(random.Float64() * float64(2*maxStale))
			switch trial % 3 {
			case 1:
				wait = time.Duration(random.Float64() * float64(300*time.Millisecond))
			case 2:
				wait = maxStale - time.Duration(random.Float64()*float64(a.lag))
			}
			begun := time.Now()
			for time.Since(begun) < wait {
				here.verify(t, plaintext)
				time.Sleep(time.Duration(random.Float64() * float64(2*time.Millisecond)))
			}
			switch a.cut {
			case "silent":
				here.line.muted.Store(true)
			case "lost":
				here.line.muted.Store(true) // and none comes back in time
				here.line.lost <- errors.New("connection reset")
			}
			by := there
			if a.here {
				by = here
			}
			done := make(chan error, 1)
			var from time.Time // a revocation elsewhere counts from when it can be seen
			go func() {
				err := by.Revoke(t.Context(), "ada", c.ID)
				from = w.changed
				if a.here {
					from = time.Now()
				}
				done <- err
			}()
			var last time.Time
			pace := time.Millisecond // between requests
			switch {
			case a.bound > time.Minute:
				pace = 100 * time.Millisecond
			case a.bound > time.Second:
				pace = 3 * time.Millisecond
			}
			for end := time.Now().Add(a.bound + 100*time.Millisecond); time.Now().Before(end); time.Sleep(pace) {
				if began := time.Now(); here.verify(t, plaintext) {
					last = began
				}
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if here.verify(t, plaintext) {
				t.Error("accepted after the bound")
			}
			worst = max(worst, last.Sub(from))
			here.cache.Close()
			there.cache.Close()
			time.Sleep(time.Minute)
		})
	}
	return worst
}

// How long a revoked token lives on. R1
func TestRevoked(t *testing.T) {
	rows := table(t, "revoked")
	if len(rows) != len(arrangements) {
		t.Fatalf("the document has %d rows, want %d", len(rows), len(arrangements))
	}
	for i, a := range arrangements {
		row := rows[i]
		t.Run(a.name, func(t *testing.T) {
			if row[0] != a.name || row[1] != span(a.bound) {
				t.Fatalf("the document has %q, want %q, %q", row, a.name, span(a.bound))
			}
			worst := a.worst(t)
			t.Logf("| %s | %s | %s |", a.name, span(a.bound), span(worst.Round(time.Millisecond)))
			if worst > a.bound {
				t.Errorf("a request that began %v after the revocation was accepted, want at most %v", worst, a.bound)
			}
			if got := duration(t, row[2]); (got - worst).Abs() > 5*time.Millisecond+worst/20 {
				t.Errorf("the document has %v, the simulation %v", got, worst)
			}
		})
	}
}
