package operations

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/keystile/keystile/store"
)

// Health answers 204 if the store answers within a second, and 503 if not. It
// asks for an ID that no credential has; a cache passes that on, so the answer is
// the database's.
func Health(st store.Store) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), time.Second)
		defer cancel()
		if _, err := st.Get(ctx, "health"); !errors.Is(err, store.ErrNotFound) {
			http.Error(w, "The store does not answer.", http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
