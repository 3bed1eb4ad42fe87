package soak

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
)

// A planted store does wrong what it has a function for, and the rest right.
type planted struct {
	store.Store
	find   func(*store.Credential, error) (*store.Credential, error) // what the store found
	insert func(*store.Credential) (skip bool, err error)
	list   func(*store.Credential)
	revoke func() error
	rotate func(next *store.Credential, err error) error // what the store answered
	touch  func(id string)
}

func (p *planted) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	c, err := p.Store.Find(ctx, k, d)
	if p.find != nil {
		return p.find(c, err)
	}
	return c, err
}

func (p *planted) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	if p.insert != nil {
		if skip, err := p.insert(c); skip || err != nil {
			return nil, err
		}
	}
	return p.Store.Insert(ctx, c, l)
}

func (p *planted) List(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
	rows, next, err := p.Store.List(ctx, q)
	for i := range rows {
		rows[i] = rows[i].Clone()
		if p.list != nil {
			p.list(rows[i])
		}
	}
	return rows, next, err
}

func (p *planted) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	if p.revoke != nil {
		if err := p.revoke(); err != nil {
			return nil, err
		}
	}
	return p.Store.Revoke(ctx, f, at)
}

func (p *planted) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	err := p.Store.Rotate(ctx, id, until, next, l)
	if p.rotate != nil {
		return p.rotate(next, err)
	}
	return err
}

func (p *planted) Touch(ctx context.Context, uses []store.Use) error {
	if p.touch != nil {
		for _, u := range uses {
			p.touch(u.ID)
		}
	}
	return p.Store.Touch(ctx, uses)
}

// every returns a function that is true every nth time.
func every(n int64) func() bool {
	var calls atomic.Int64
	return func() bool { return calls.Add(1)%n == 0 }
}

// hasty does not say when to come back.
type hasty struct{ http.ResponseWriter }

func (h hasty) WriteHeader(status int) {
	h.Header().Del("Retry-After")
	h.ResponseWriter.WriteHeader(status)
}

// inProcess is a client of a handler that needs no network.
type inProcess struct{ http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// soakPlanted soaks a service on a Memory that does wrong what plant says.
func soakPlanted(t *testing.T, plant func(*planted), wrap func(http.Handler) http.Handler) (report *Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{Store: store.NewMemory()}
		p := &planted{Store: f}
		if plant != nil {
			plant(p)
		}
		handler, err := newHandler(p)
		if err != nil {
			t.Fatal(err)
		}
		handler.Handle("POST /fault", f)
		s := &service{name: "planted", client: inProcess{handler}}
		if wrap != nil {
			s.client = inProcess{wrap(handler)}
		}
		s.faults = s.memoryFaults()
		report, err = s.soak(t.Context(), Plan{For: 20 * time.Second, Clients: 8, Pause: 50 * time.Millisecond, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // for what the handler still has to write down
	})
	return report
}
