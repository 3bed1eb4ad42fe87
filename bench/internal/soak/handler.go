package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// An order is what a client wants done.
type order struct {
	Subject, Name, ID string
	Lifetime, Overlap time.Duration
}

// A grant is a token that was issued, or is the successor of one.
type grant struct {
	ID, Plaintext, Family string
	Expires               time.Time
}

// A usage is what the process takes.
type usage struct {
	Heap       uint64
	Goroutines int
}

// newHandler returns a host application: one resource behind a guard, and the
// management of tokens, which belongs behind one too, in a real host.
func newHandler(st store.Store) (*http.ServeMux, error) {
	tokens, err := bearer.New(bearer.Config{Store: st, LastUsedInterval: 5 * time.Second, HourlyLimit: -1})
	if err != nil {
		return nil, err
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /whoami", guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		io.WriteString(w, id.Credential)
	})))
	manage := func(path string, do func(context.Context, order) (any, error)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			var o order
			if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			respond(w, func() (any, error) { return do(r.Context(), o) })
		})
	}
	granted := func(plain auth.Plaintext, c *store.Credential, err error) (any, error) {
		if err != nil {
			return nil, err
		}
		return grant{c.ID, plain.Reveal(), c.Family, c.ExpiresAt}, nil
	}
	manage("/issue", func(ctx context.Context, o order) (any, error) {
		return granted(tokens.Issue(ctx, bearer.Request{Subject: o.Subject, Name: o.Name, Lifetime: o.Lifetime}))
	})
	manage("/rotate", func(ctx context.Context, o order) (any, error) {
		return granted(tokens.Rotate(ctx, o.Subject, o.ID, o.Overlap))
	})
	manage("/revoke", func(ctx context.Context, o order) (any, error) {
		return nil, tokens.Revoke(ctx, o.Subject, o.ID)
	})
	manage("/list", func(ctx context.Context, o order) (any, error) {
		return tokens.List(ctx, o.Subject)
	})
	manage("/prune", func(ctx context.Context, o order) (any, error) {
		before := time.Now().Add(-keep)
		return st.Prune(ctx, store.PruneBefore{Ended: before, Rotated: before})
	})
	manage("/usage", func(context.Context, order) (any, error) {
		runtime.GC()
		runtime.GC() // the first one only puts pools aside
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return usage{m.HeapAlloc, runtime.NumGoroutine()}, nil
	})
	return mux, nil
}

// respond answers as a careful host does: what it does not know to be a refusal
// is an outage, a panic too.
func respond(w http.ResponseWriter, do func() (any, error)) {
	answer, err := func() (answer any, err error) {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v", v)
			}
		}()
		return do()
	}()
	switch {
	case err == nil:
		json.NewEncoder(w).Encode(answer)
	case errors.Is(err, store.ErrNotFound):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, store.ErrConflict):
		http.Error(w, err.Error(), http.StatusConflict)
	case errors.Is(err, store.ErrLimit), errors.Is(err, store.ErrExists), errors.Is(err, bearer.ErrRequest):
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}
