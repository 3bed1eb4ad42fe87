package cookie_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

type ada struct{}

func (ada) Account(context.Context, string) (*auth.Account, error) {
	return &auth.Account{Permissions: []string{auth.AllScopes}}, nil
}

// Observe may hand the event to another goroutine, to write it to an audit log:
// the Guard changes nothing of its identity afterwards. It takes -race to see.
func TestEventIsNotChangedAfterwards(t *testing.T) {
	for name, accounts := range map[string]auth.Accounts{"no accounts": nil, "accounts": ada{}} {
		t.Run(name, func(t *testing.T) {
			s, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}})
			if err != nil {
				t.Fatal(err)
			}
			var hooks sync.WaitGroup
			guard, err := auth.New(auth.Config{
				Authenticators: []auth.Authenticator{s}, Accounts: accounts,
				Observe: func(_ context.Context, ev auth.Event) {
					hooks.Go(func() {
						if id := *ev.Identity; id.Subject != "ada" || (id.Account == nil) != (accounts == nil) {
							t.Errorf("the event of %+v", id)
						}
					})
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			if _, err := s.SignIn(w, httptest.NewRequest("POST", "/", nil), cookie.Request{Subject: "ada"}); err != nil {
				t.Fatal(err)
			}
			for range 100 {
				r := httptest.NewRequest("GET", "/", nil)
				r.AddCookie(w.Result().Cookies()[0])
				guard.Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(httptest.NewRecorder(), r)
			}
			hooks.Wait()
		})
	}
}
