package authtest_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/authtest"
)

// greet is a handler to be tested.
func greet(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "Hello %s.", id.Subject)
}

// A handler is tested without its Guard.
func ExampleActingAs() {
	r := authtest.ActingAs(httptest.NewRequest("GET", "/", nil), &auth.Identity{Subject: "ada"})
	w := httptest.NewRecorder()
	greet(w, r)
	fmt.Println(w.Body)
	// Output: Hello ada.
}

// A mux is tested with its guards: the service makes them of whatever
// authenticators it is given, its tests give it this one.
func ExampleAuthenticator() {
	newMux := func(schemes ...auth.Authenticator) (*http.ServeMux, error) {
		guard, err := auth.New(auth.Config{Authenticators: schemes})
		if err != nil {
			return nil, err
		}
		mux := http.NewServeMux()
		mux.Handle("GET /", guard.Require("greetings:read")(http.HandlerFunc(greet)))
		return mux, nil
	}

	mux, err := newMux(authtest.Authenticator())
	if err != nil {
		log.Fatal(err)
	}
	for _, scope := range []string{"greetings:read", "greetings:write"} {
		ada := &auth.Identity{Subject: "ada", Scopes: []string{scope}}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, authtest.ActingAs(httptest.NewRequest("GET", "/", nil), ada))
		fmt.Println(scope, w.Code)
	}
	// Output:
	// greetings:read 200
	// greetings:write 403
}
