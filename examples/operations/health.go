package operations

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/keystile/keystile/store"
)

// Health answers 204 if the store is fit to keep credentials, and 503 if it is not
// or does not answer within two seconds. The log says why; the response does not,
// because anyone may ask. It checks at most once a second, however many ask.
func Health(st store.Store) http.Handler {
	var mu sync.Mutex
	var last error
	var asked time.Time
	check := func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(asked) < time.Second {
			return last
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if last = fit(ctx, st); last != nil {
			slog.ErrorContext(ctx, "health", "err", last)
		}
		asked = time.Now()
		return last
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if check(r.Context()) != nil {
			http.Error(w, "The store is not available.", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// fit lets the store check itself, if it can. Then it asks for an ID that no
// credential has, which a cache passes on: a store of your own may not be a Checker.
func fit(ctx context.Context, st store.Store) error {
	if c, ok := st.(store.Checker); ok {
		if err := c.Check(ctx); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	if _, err := st.Get(ctx, "health"); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return nil
}
