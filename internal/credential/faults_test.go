package credential_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

// A faulty is a Memory that counts, with methods that can be told to go wrong.
type faulty struct {
	*store.Memory
	find   func(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error)
	revoke func(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error)
	touch  func(ctx context.Context, uses []store.Use) error

	finds, touches atomic.Int32
}

func newFaulty() *faulty { return &faulty{Memory: store.NewMemory()} }

func (s *faulty) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	s.finds.Add(1)
	if s.find != nil {
		return s.find(ctx, k, d)
	}
	return s.Memory.Find(ctx, k, d)
}

func (s *faulty) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	if s.revoke != nil {
		return s.revoke(ctx, f, at)
	}
	return s.Memory.Revoke(ctx, f, at)
}

func (s *faulty) Touch(ctx context.Context, uses []store.Use) error {
	s.touches.Add(1)
	if s.touch != nil {
		return s.touch(ctx, uses)
	}
	return s.Memory.Touch(ctx, uses)
}

// errDown stands for whatever a dead database says.
var errDown = errors.New("dial tcp 192.0.2.1:5432: connection refused")

// events keeps what hooks are told.
type events struct {
	mu  sync.Mutex
	all []auth.Event
}

func (e *events) add(_ context.Context, ev auth.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

// take returns the events of some types, without the scheme, which is that of
// the fixture, and forgets all.
func (e *events) take(types ...auth.EventType) []auth.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.all
	e.all = nil
	for i := range all {
		all[i].Scheme = ""
	}
	return slices.DeleteFunc(all, func(ev auth.Event) bool { return len(types) > 0 && !slices.Contains(types, ev.Type) })
}
