package throttle_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
)

// A host that accepts passwords by Basic, behind a reverse proxy, lets an address
// fail three times.
func Example() {
	limiter, err := throttle.New(throttle.Config{
		Burst:          3,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, // httptest's address
	})
	if err != nil {
		log.Fatal(err)
	}
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
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{passwords}, Throttle: limiter})
	if err != nil {
		log.Fatal(err)
	}
	handler := guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))

	try := func(client, password string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("X-Forwarded-For", client)
		r.SetBasicAuth("ada", password)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(client, w.Code)
	}
	for range 4 {
		try("203.0.113.7", "a guess")
	}
	try("203.0.113.8", "correct horse battery staple")
	// Output:
	// 203.0.113.7 401
	// 203.0.113.7 401
	// 203.0.113.7 401
	// 203.0.113.7 429
	// 203.0.113.8 200
}

// Whatever is wrong is told at once.
func ExampleNew() {
	_, err := throttle.New(throttle.Config{Burst: -1, Interval: -time.Second})
	fmt.Println(err)
	// Output:
	// throttle: Config.Burst: -1: must be from 1 to 1000000
	// throttle: Config.Interval: -1s: must be from 1ms to 1h0m0s
}

// counter stands for a count in Redis that all machines have in common: an address
// may fail twice, and is then let in no more for a minute.
type counter map[netip.Prefix]int

func (c counter) Failed(_ context.Context, client netip.Prefix) (time.Duration, error) {
	if c[client]++; c[client] < 2 {
		return 0, nil
	}
	return time.Minute, nil
}

// Two machines count together. Each asks only when an attempt has failed, and so
// one that has seen no failure of the address yet lets it have one.
func ExampleShared() {
	shared := counter{}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Basic eDp5")
	for _, machine := range []string{"one", "two"} {
		limiter, err := throttle.New(throttle.Config{Shared: shared})
		if err != nil {
			log.Fatal(err)
		}
		limiter.Done(r, nil, auth.ErrInvalidCredentials)
		fmt.Println(machine, limiter.Wait(r) > 0)
	}
	// Output:
	// one false
	// two true
}
