package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
)

// A worker takes a job from a queue, and works as whoever has put it there.
func ExampleNewContext() {
	work := func(ctx context.Context) {
		id, ok := auth.FromContext(ctx)
		fmt.Println(ok, id.Subject)
	}
	work(auth.NewContext(context.Background(), &auth.Identity{Subject: "ada"}))
	// Output: true ada
}

func ExampleFromContext() {
	_, ok := auth.FromContext(context.Background()) // behind no Guard
	fmt.Println(ok)
	// Output: false
}

// A scope takes the credential and the account: neither is enough by itself.
func ExampleIdentity_Has() {
	id := &auth.Identity{
		Subject: "ada",
		Scopes:  []string{"reports:read", "reports:write"},
		Account: &auth.Account{Permissions: []string{"reports:read", "users:write"}},
	}
	fmt.Println(id.Has("reports:read"))
	fmt.Println(id.Has("reports:write"))                 // the account may not
	fmt.Println(id.Has("users:write"))                   // the credential may not
	fmt.Println(id.Has("reports:read", "reports:write")) // not both
	// Output:
	// true
	// false
	// false
	// false
}

// No way out of a program but Reveal shows a Plaintext.
func ExamplePlaintext() {
	plain := auth.NewPlaintext("pat_8sJ0rYw2")
	inJSON, _ := json.Marshal(map[string]auth.Plaintext{"token": plain})
	fmt.Println(plain)
	fmt.Println(string(inJSON))
	fmt.Println(plain.Reveal())
	// Output:
	// [redacted]
	// {"token":"[redacted]"}
	// pat_8sJ0rYw2
}

// A challenge of a scheme that the host has written.
func ExampleChallenge_String() {
	c := auth.Challenge{Scheme: "ApiKey", Params: [][2]string{{"realm", "api"}, {"error", "invalid_token"}}}
	fmt.Println(c)
	// Output: ApiKey realm="api", error="invalid_token"
}

// What clients see is told apart by errors.Is, and the cause is not in it.
func ExampleError() {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "ApiKey guess")
	_, err := exampleGuard().Authenticate(r)
	if e, refused := errors.AsType[*auth.Error](err); refused {
		fmt.Println(e.Status(), e.Detail(), errors.Is(e, auth.ErrInvalidCredentials))
	}
	// Output: 401 The credentials are not valid. true
}

func ExampleWriteProblem() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		_, err := exampleGuard().Authenticate(r, "reports:write")
		if e, refused := errors.AsType[*auth.Error](err); refused {
			auth.WriteProblem(w, r, e)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "ApiKey letmein")
	w := httptest.NewRecorder()
	handler(w, r)
	fmt.Println(w.Code, w.Header().Get("Content-Type"), w.Header().Get("Cache-Control"))
	fmt.Println(w.Body)
	// Output:
	// 403 application/problem+json no-store
	// {"type":"about:blank","title":"Forbidden","status":403,"detail":"The credentials do not allow this."}
}

// Wake somebody for an outage, and for nothing that a client can cause.
func ExampleEvent_Outage() {
	for _, ev := range []auth.Event{
		{Type: auth.Authenticated},
		{Type: auth.Refused, Err: fmt.Errorf("%w: expired", auth.ErrInvalidCredentials)},
		{Type: auth.Refused, Err: errors.New("dial tcp 10.0.0.7:5432: connection refused")},
	} {
		fmt.Println(ev.Outage())
	}
	// Output:
	// false
	// false
	// true
}
