package operations_test

import (
	"testing"
	"time"

	"github.com/keystile/keystile/auth/throttle"
	"github.com/keystile/keystile/examples/operations"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
)

// What an address has failed at one node counts at the other, with a Redis between
// them. Without it each node counts for itself, and nobody waits for it.
func TestFailedAtAnotherNode(t *testing.T) {
	server := services.StartRedis(t)
	_, client := openRedis(t, server)
	st := store.NewMemory()
	var nodes []*node
	for range 2 {
		limiter, err := throttle.New(throttle.Config{
			Burst:    10,
			Interval: time.Hour,
			Shared:   &operations.Failed{Client: client, Prefix: "failed:", Limit: 5, Window: time.Hour},
		})
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, newNode(t, config{store: st, throttle: limiter}))
	}
	token, _ := nodes[0].issue(t)
	wants(t, "valid", 200, token, nodes[0])
	for range 4 {
		wants(t, "wrong", 401, "wrong", nodes[0])
	}
	wants(t, "the fifth, elsewhere", 401, "wrong", nodes[1])
	wants(t, "the sixth, elsewhere", 429, "wrong", nodes[1])
	wants(t, "accepted before", 200, token, nodes[0])
	wants(t, "the sixth", 401, "wrong", nodes[0]) // from which on this node knows
	wants(t, "the seventh", 429, "wrong", nodes[0])

	server.Kill()
	limiter, err := throttle.New(throttle.Config{
		Burst:    2,
		Interval: time.Hour,
		Shared:   &operations.Failed{Client: client, Prefix: "failed:", Limit: 1, Window: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	alone := newNode(t, config{store: st, throttle: limiter})
	began := time.Now()
	for range 2 {
		wants(t, "without Redis", 401, "wrong", alone)
	}
	wants(t, "without Redis, one too many", 429, "wrong", alone)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("held up for %v", took)
	}
}
