package throttle_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
)

// INCORRECT: a limiter behind a reverse proxy of which it does not know. Everybody
// has the proxy's address then, so one client that fails locks out all whose
// credentials are new. TrustedProxies names the proxy; and only the proxy, for
// whoever is in there says himself which address he has.
func Example_incorrect() {
	passwords := auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
		_, password, ok := r.BasicAuth()
		switch {
		case !ok:
			return nil, auth.ErrNoCredentials
		case password != "correct horse battery staple":
			return nil, auth.ErrInvalidCredentials
		}
		return &auth.Identity{Subject: "ada", Scheme: "Basic"}, nil
	})
	for _, trusted := range [][]netip.Prefix{
		nil, // WRONG
		{netip.MustParsePrefix("192.0.2.1/32")},
	} {
		limiter, err := throttle.New(throttle.Config{Burst: 1, TrustedProxies: trusted})
		if err != nil {
			log.Fatal(err)
		}
		guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{passwords}, Throttle: limiter})
		if err != nil {
			log.Fatal(err)
		}
		try := func(client, password string) error {
			r := httptest.NewRequest("GET", "/", nil) // from 192.0.2.1, the proxy
			r.Header.Set("X-Forwarded-For", client)
			r.SetBasicAuth("ada", password)
			_, err := guard.Authenticate(r)
			return err
		}
		try("203.0.113.7", "a guess")
		fmt.Println(trusted, try("203.0.113.8", "correct horse battery staple"))
	}
	// Output:
	// [] auth: too many failed attempts
	// [192.0.2.1/32] <nil>
}
