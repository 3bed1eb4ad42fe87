// Package authtest helps to test handlers that need to know who is calling,
// without a store and without credentials.
//
// A handler that asks [auth.FromContext] is tested as it stands:
//
//	r := authtest.ActingAs(httptest.NewRequest("GET", "/reports", nil), &auth.Identity{Subject: "ada"})
//	handler.ServeHTTP(w, r)
//
// A whole mux with its guards is tested with an [auth.Guard] made of
// [Authenticator] in the place of the real schemes; scopes are checked as ever.
//
// There is no way from here into a real Guard: one that is not made of
// Authenticator takes no notice of ActingAs.
package authtest

import (
	"context"
	"net/http"

	"github.com/keystile/keystile/auth"
)

// ActingAs returns a copy of r that is authenticated as id: [auth.FromContext]
// finds it, and an [auth.Guard] made of [Authenticator] accepts it. It panics if
// id is nil or has no Subject, which no authenticated request can have. id must
// not be modified afterwards.
func ActingAs(r *http.Request, id *auth.Identity) *http.Request {
	if id == nil || id.Subject == "" {
		panic("authtest: ActingAs: an identity needs a Subject")
	}
	ctx := context.WithValue(r.Context(), actingKey{}, id)
	return r.WithContext(auth.NewContext(ctx, id))
}

type actingKey struct{}

// Authenticator returns an [auth.Authenticator] that recognises the requests
// made by [ActingAs], and no others.
func Authenticator() auth.Authenticator {
	return auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
		id, ok := r.Context().Value(actingKey{}).(*auth.Identity)
		if !ok {
			return nil, auth.ErrNoCredentials
		}
		return id, nil
	})
}
