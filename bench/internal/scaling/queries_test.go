package scaling

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const maxAge = 10 * time.Minute // of what the cache keeps, see package cache

// A load is what one row of the table of the document is about.
type load struct {
	news     string
	lastUsed time.Duration // negative: never
	every    time.Duration // each token is used once in this time on each node
	hours    float64       // simulated
}

var loads = []load{
	{"alive", time.Minute, time.Second, 0.17},
	{"alive", time.Minute, 10 * time.Second, 0.5},
	{"alive", time.Minute, time.Minute, 1},
	{"alive", time.Minute, 10 * time.Minute, 10},
	{"alive", time.Hour, time.Minute, 3},
	{"alive", -1, time.Minute, 2},
	{"none", time.Minute, time.Second, 0.17},
	{"none", time.Minute, 10 * time.Second, 0.5},
}

// formula returns how many lookups and writes a second a node sends to the store
// for each thousand tokens in use, if it is the only node. This is what the
// document says.
func (l load) formula() (finds, touches float64) {
	lives := maxAge
	switch {
	case l.news == "none":
		lives = 5 * time.Second // MaxStale
	case l.lastUsed > 0:
		lives = min(l.lastUsed, maxAge)
	}
	if l.lastUsed > 0 {
		touches = 1000 / (l.lastUsed + l.every).Seconds()
	}
	return 1000 / (lives + l.every).Seconds(), touches
}

func (l load) simulate(t *testing.T, nodes int) (finds, touches, hits float64) {
	const tokens = 60
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.roundTrip, w.news = time.Millisecond, 2*time.Millisecond
		var all []*node
		for range nodes {
			all = append(all, w.node(t, l.news == "alive", 0, l.lastUsed))
		}
		plaintexts := issue(t, all[0], tokens)
		run := func(seed uint64, length time.Duration) {
			var wait sync.WaitGroup
			for i, n := range all {
				random := rand.New(rand.NewPCG(seed, uint64(i)))
				wait.Go(func() { n.requests(t, random, plaintexts, tokens/l.every.Seconds(), length) })
			}
			wait.Wait()
		}
		length := time.Duration(l.hours * float64(time.Hour))
		run(1, min(length, max(2*maxAge, 2*l.lastUsed))) // until it is as it will be
		w.requests.Store(0)
		w.finds.Store(0)
		w.touches.Store(0)
		run(2, length)
		per := float64(nodes) * length.Seconds() * tokens / 1000
		finds, touches = float64(w.finds.Load())/per, float64(w.touches.Load())/per
		hits = 100 * (1 - float64(w.finds.Load())/float64(w.requests.Load()))
		for _, n := range all {
			n.cache.Close()
		}
		time.Sleep(time.Minute) // what is still to be written
	})
	return finds, touches, hits
}

// How often the store is asked, and written to.
func TestQueries(t *testing.T) {
	rows := table(t, "queries")
	if len(rows) != len(loads) {
		t.Fatalf("the document has %d rows, want %d", len(rows), len(loads))
	}
	for i, l := range loads {
		row := rows[i]
		lastUsed := "never"
		if l.lastUsed > 0 {
			lastUsed = span(l.lastUsed)
		}
		t.Run(fmt.Sprint(l.news, lastUsed, span(l.every)), func(t *testing.T) {
			if row[0] != l.news || row[1] != lastUsed || row[2] != span(l.every) {
				t.Fatalf("the document has %q, want %q, %q, %q", row, l.news, lastUsed, span(l.every))
			}
			mostFinds, mostTouches := l.formula()
			finds, touches, _ := l.simulate(t, 1)
			near(t, "lookups, one node, by the formula", finds, mostFinds, 0.1)
			near(t, "writes, one node, by the formula", touches, mostTouches, 0.1)

			finds, touches, hits := l.simulate(t, 3)
			t.Logf("| %s | %s | %s | %.3g | %.3g | %.3g %% |", l.news, lastUsed, span(l.every), finds, touches, hits)
			if finds > 1.1*mostFinds || touches > 1.1*mostTouches {
				t.Errorf("three nodes: %.4g lookups and %.4g writes each, by the formula at most %.4g and %.4g", finds, touches, mostFinds, mostTouches)
			}
			near(t, "lookups, in the document", finds, number(t, row[3]), 0.05)
			near(t, "writes, in the document", touches, number(t, row[4]), 0.05)
			near(t, "hits, in the document", hits, number(t, row[5]), 0.05)
		})
	}
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if math.Abs(got-want) > tolerance*math.Abs(want) {
		t.Errorf("%s: the simulation has %.4g, want %.4g", what, got, want)
	}
}

// A store that is far away gets all last uses: those that wait are written
// together, in one round trip.
func TestTouchesFarAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.roundTrip, w.news = 100*time.Millisecond, 150*time.Millisecond
		n := w.node(t, true, 0, time.Minute)
		w.roundTrip = 0
		plaintexts := issue(t, n, 2000)
		w.roundTrip = 100 * time.Millisecond
		const length = 10 * time.Minute
		n.requests(t, rand.New(rand.NewPCG(1, 1)), plaintexts, 2000/30., length)
		rate := float64(w.touches.Load()) / length.Seconds()
		near(t, "uses recorded a second, with a round trip of 100 ms", rate, 2000/90., 0.1)
		n.cache.Close()
		time.Sleep(time.Minute)
	})
}
