package soak

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

// What a faulty store does. The names are those of its faults.
const (
	outage = "outage" // nothing is done
	silent = "answers lost"
	slow   = "delay"
	panics = "panic"
)

// A faulty is a store that fails as it is told to. A Memory has no other way to.
type faulty struct {
	store.Store
	what atomic.Pointer[string] // nil: nothing
}

var errOutage = errors.New("the store is out of order")

// ServeHTTP takes what is to be done from now on: the Name of an order.
func (f *faulty) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var o order
	json.NewDecoder(r.Body).Decode(&o)
	f.what.Store(&o.Name)
}

// before and after are called around each call of the store.
func (f *faulty) before() error {
	switch f.is() {
	case outage:
		return errOutage
	case slow:
		time.Sleep(100 * time.Millisecond)
	case panics:
		panic(errOutage)
	}
	return nil
}

func (f *faulty) after(err error) error {
	if f.is() == silent {
		return errOutage
	}
	return err
}

func (f *faulty) is() string {
	if what := f.what.Load(); what != nil {
		return *what
	}
	return ""
}

func (f *faulty) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if err := f.before(); err != nil {
		return nil, err
	}
	c, err := f.Store.Find(ctx, k, d)
	return c, f.after(err)
}

func (f *faulty) Get(ctx context.Context, id string) (*store.Credential, error) {
	if err := f.before(); err != nil {
		return nil, err
	}
	return f.Store.Get(ctx, id) // its answer is not lost: a Rotate would not get to its write
}

func (f *faulty) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	if err := f.before(); err != nil {
		return nil, err
	}
	ended, err := f.Store.Insert(ctx, c, l)
	return ended, f.after(err)
}

func (f *faulty) Revoke(ctx context.Context, filter store.Filter, at time.Time) ([]store.Digest, error) {
	if err := f.before(); err != nil {
		return nil, err
	}
	changed, err := f.Store.Revoke(ctx, filter, at)
	return changed, f.after(err)
}

func (f *faulty) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	if err := f.before(); err != nil {
		return err
	}
	return f.after(f.Store.Rotate(ctx, id, until, next, l))
}

func (f *faulty) Touch(ctx context.Context, uses []store.Use) error {
	if err := f.before(); err != nil {
		return err
	}
	return f.after(f.Store.Touch(ctx, uses))
}

// memoryFaults returns the faults of a service with a faulty store.
func (s *service) memoryFaults() (faults []fault) {
	for _, what := range []string{outage, silent, slow, panics} {
		faults = append(faults, fault{what, func(rng *rand.Rand) error {
			if a := s.ask("POST", "/fault", "", order{Name: what}); a.err != nil {
				return a.err
			}
			time.Sleep(time.Second + upTo(rng, 2*time.Second))
			return s.ask("POST", "/fault", "", order{}).err
		}})
	}
	return faults
}
