package throttle_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
)

func TestValidElsewhere(t *testing.T) {
	s := setup(t, throttle.Config{Burst: 1})
	for i := range 1000 {
		s.present(fmt.Sprintf("198.51.%d.%d:1", i/256, i%256), "wrong")
	}
	s.fail(t, 1, here)
	s.want(t, "a valid token from another address", 200, there, s.token)
}

// Behind one NAT, what was accepted before passes; what is new has to wait.
func TestValidHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setup(t, throttle.Config{Burst: 2, Interval: time.Minute})
		other := s.issue(t)
		s.want(t, "before", 200, here, s.token)
		s.want(t, "the other one, elsewhere", 200, there, other)
		s.fail(t, 2, here)
		s.want(t, "accepted before", 200, here, s.token)
		s.want(t, "never seen here", 429, here, other)

		// Not a way around the limit for what has ended.
		if err := s.tokens.RevokeLeaked(t.Context(), s.token); err != nil {
			t.Fatal(err)
		}
		s.want(t, "revoked", 401, here, s.token)
		s.want(t, "revoked, again", 429, here, s.token)

		time.Sleep(time.Hour)
		s.want(t, "later", 200, here, other)
	})
}

// One credential is remembered once, however it is written: a client with one
// token could else push out what is remembered of everybody.
func TestOneCredentialIsOne(t *testing.T) {
	s := setup(t, throttle.Config{Burst: 1, Interval: time.Hour})
	s.want(t, "before", 200, here, s.token)
	s.fail(t, 1, here)
	for _, line := range []string{
		"bearer " + s.token, "BEARER " + s.token, "Bearer     " + s.token, "bEaReR  " + s.token, " Bearer " + s.token + "\t",
	} {
		if w := s.do(request(here, "Authorization", line)); w.Code != 200 {
			t.Errorf("%q: %d, want 200", line, w.Code)
		}
	}
	for _, line := range []string{"Basic " + s.token, "Bearer" + s.token, "Bearer " + strings.ToUpper(s.token), s.token} {
		if w := s.do(request(here, "Authorization", line)); w.Code != 429 {
			t.Errorf("%q: %d, want 429", line, w.Code)
		}
	}
}

// What was not looked at was not accepted: an attacker with a session, or a key,
// of his own cannot have guesses at passwords remembered beforehand.
func TestGuessesBesideValidCredentials(t *testing.T) {
	basic := func(password string) []string { return []string{"Authorization", "Basic " + password} }
	for name, own := range map[string]func(s *service) []string{
		"session": func(s *service) []string { return []string{"Cookie", s.cookie} },
		"key":     func(*service) []string { return []string{"X-Api-Key", "right"} },
	} {
		t.Run(name, func(t *testing.T) {
			limiter, err := throttle.New(throttle.Config{Burst: 1, Headers: []string{"Authorization", "X-Api-Key"}})
			if err != nil {
				t.Fatal(err)
			}
			s := serve(t, limiter)
			scheme := func(f auth.AuthenticatorFunc) *auth.Guard {
				guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{f}, Throttle: limiter})
				if err != nil {
					t.Fatal(err)
				}
				return guard
			}
			passwords := scheme(func(r *http.Request) (*auth.Identity, error) {
				if r.Header.Get("Authorization") == "Basic cGFzc3dvcmQ=" {
					return &auth.Identity{Subject: "ada", Scheme: "Basic"}, nil
				}
				return nil, auth.ErrInvalidCredentials
			})
			keys := scheme(func(r *http.Request) (*auth.Identity, error) {
				if r.Header.Get("X-Api-Key") == "right" {
					return &auth.Identity{Subject: "eve", Scheme: "Key"}, nil
				}
				return nil, auth.ErrNoCredentials
			})
			guess := basic("cGFzc3dvcmQ=")
			r := request(here, append(guess, own(s)...)...)
			if name == "session" {
				if got := s.do(r).Code; got != 200 {
					t.Fatalf("%d, want 200", got)
				}
			} else if _, err := keys.Authenticate(r); err != nil {
				t.Fatal(err)
			}
			if _, err := passwords.Authenticate(request(here, basic("d3Jvbmc=")...)); !errors.Is(err, auth.ErrInvalidCredentials) {
				t.Fatal(err)
			}
			if _, err := passwords.Authenticate(request(here, guess...)); !errors.Is(err, auth.ErrThrottled) {
				t.Errorf("the guess: %v, want it throttled", err)
			}
		})
	}
}

// A success does not give back what failed.
func TestSuccessDoesNotRefill(t *testing.T) {
	s := setup(t, throttle.Config{Burst: 4})
	for range 4 {
		s.fail(t, 1, here)
		s.want(t, "between", 200, here, s.token)
	}
	s.want(t, "one too many", 429, here, "wrong")
}
