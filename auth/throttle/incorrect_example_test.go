package throttle_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
)

// This is WRONG behind a reverse proxy: without Config.TrustedProxies everybody
// has the proxy's address, and one client that fails locks out all. To believe
// X-Forwarded-For without knowing the proxy would be no better, for anybody can
// send that header.
func Example_incorrect() {
	limiter, err := throttle.New(throttle.Config{Burst: 3}) // WRONG: TrustedProxies is missing
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
			if _, password, ok := r.BasicAuth(); !ok || password != "correct horse battery staple" {
				return nil, auth.ErrInvalidCredentials
			}
			return &auth.Identity{Subject: "ada", Scheme: "Basic"}, nil
		})},
		Throttle: limiter,
	})
	if err != nil {
		log.Fatal(err)
	}
	try := func(client, password string) {
		r := httptest.NewRequest("GET", "/", nil) // all from one address, as from a proxy
		r.Header.Set("X-Forwarded-For", client)
		r.SetBasicAuth("ada", password)
		_, err := guard.Authenticate(r)
		fmt.Println(client, err)
	}
	for range 3 {
		try("203.0.113.7", "a guess")
	}
	try("203.0.113.8", "correct horse battery staple")
	// Output:
	// 203.0.113.7 auth: the credentials are not valid
	// 203.0.113.7 auth: the credentials are not valid
	// 203.0.113.7 auth: the credentials are not valid
	// 203.0.113.8 auth: too many failed attempts
}
