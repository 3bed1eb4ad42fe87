package authtest_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/authtest"
)

// A Guard of real schemes takes no notice of ActingAs, so a request made by it
// is good for nothing outside of tests. In a test, give the mux a Guard made of
// Authenticator.
func Example_incorrect() {
	tokens := auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
		_, err := auth.HeaderCredentials(r.Header, "Bearer")
		return nil, err
	})
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := authtest.ActingAs(httptest.NewRequest("GET", "/", nil), &auth.Identity{Subject: "ada"})
	guard.Require()(http.HandlerFunc(greet)).ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output: 401
}
