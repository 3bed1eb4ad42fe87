package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/keystile/keystile/auth"
)

// Many requests through one Guard at a time: each sees its own identity, its
// own account and its own headers, and nobody else's. Run with -race.
func TestConcurrentRequests(t *testing.T) {
	s := &scheme{name: "Bearer", realm: "api", lookup: func(_ *http.Request, credentials string) (*auth.Identity, error) {
		switch credentials[0] {
		case 'x':
			return nil, auth.ErrInvalidCredentials
		case 'd':
			return nil, errDown
		}
		return &auth.Identity{Subject: credentials, Credential: "id of " + credentials, Scopes: []string{"a"}}, nil
	}}
	g := newGuard(t, auth.Config{
		Authenticators: []auth.Authenticator{session, s},
		Accounts: accounts(func(_ context.Context, subject string) (*auth.Account, error) {
			return &auth.Account{Permissions: []string{"a"}, User: subject}, nil
		}),
		Observe: func(ctx context.Context, ev auth.Event) {
			if ev.Type == auth.Authenticated && ev.Identity.Subject != ev.Subject {
				t.Errorf("an event of %s and %s", ev.Identity.Subject, ev.Subject)
			}
		},
	})
	h := g.Require("a")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		for _, name := range []string{"Vary", "Cache-Control"} {
			w.Header().Add(name, id.Subject) // to values that all responses share
		}
		fmt.Fprint(w, id.Subject, ", ", id.Credential, ", ", id.Account.User)
	}))
	forbidden := g.Require("a", "b")(never(t))

	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			me := fmt.Sprint("u", i)
			for range 50 {
				got := serve(h, request("Bearer "+me))
				if want := fmt.Sprint(me, ", id of ", me, ", ", me); got.Status != 200 || got.Body != want {
					t.Errorf("%s got %v", me, got)
				}
				for _, name := range []string{"Vary", "Cache-Control"} {
					if values := got.Header[name]; len(values) != 2 || values[1] != me {
						t.Errorf("%s got %s %q", me, name, values)
					}
				}
				if id, err := g.Authenticate(request("Bearer "+me), "a"); err != nil || id.Subject != me {
					t.Errorf("%s is %+v, %v", me, id, err)
				}
				if got := serve(forbidden, request("Bearer "+me)); got.Status != 403 {
					t.Errorf("%s got %v, want 403", me, got)
				}
				if got := serve(h, request("Bearer x")); got.Status != 401 || len(got.Header["Vary"]) != 1 {
					t.Errorf("invalid: %v, want 401", got)
				}
				if got := serve(h, request("Bearer d")); got.Status != 503 {
					t.Errorf("outage: %v, want 503", got)
				}
			}
		})
	}
	wg.Wait()
}
