package auth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
)

// A store is asked by a scheme, or by Accounts; these are the ways in which it
// does not answer.
var outages = []struct {
	name string
	ask  func(ctx context.Context) error
	is   error  // what the cause is, for Observe
	says string // what else it says
}{
	{name: "dead", ask: func(context.Context) error { return errDown }, is: errDown},
	{name: "slow", ask: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, is: context.DeadlineExceeded},
	{name: "panicking", ask: func(context.Context) error { panic("store: canary of a bug") }, says: "canary of a bug"},
	{name: "panicking with an error", ask: func(context.Context) error { panic(errDown) }, says: errDown.Error()},
	{name: "out of bounds", ask: func(context.Context) error { return []error{}[len(refusals)] }, says: "index out of range"},
	{name: "aborting", ask: func(context.Context) error { panic(http.ErrAbortHandler) }, says: http.ErrAbortHandler.Error()},
}

// C6 B2 B4: an outage is 503 with Retry-After and without a challenge, its
// cause is for Observe alone, and the next request finds all as it should be.
func TestOutage(t *testing.T) {
	for _, tt := range outages {
		ask := tt.ask
		down := true
		store := func(ctx context.Context) error {
			if !down {
				return nil
			}
			return ask(ctx)
		}
		var events []auth.Event
		observe := func(_ context.Context, ev auth.Event) { events = append(events, ev) }
		schemes := []auth.Authenticator{session, &scheme{name: "Bearer", realm: "api", lookup: func(r *http.Request, credentials string) (*auth.Identity, error) {
			return ada(credentials), store(r.Context())
		}}}
		inAccounts := accounts(func(ctx context.Context, subject string) (*auth.Account, error) {
			return &auth.Account{Permissions: []string{auth.AllScopes}}, store(ctx)
		})
		for place, cfg := range map[string]auth.Config{
			"scheme":   {Authenticators: schemes, Observe: observe},
			"accounts": {Authenticators: []auth.Authenticator{session, bearer(ada("T"), nil)}, Accounts: inAccounts, Observe: observe},
		} {
			g := newGuard(t, cfg)
			for name, guard := range map[string]func(http.Handler) http.Handler{"Require": g.Require("reports:read"), "Optional": g.Optional} {
				t.Run(tt.name+"/"+place+"/"+name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						ctx, cancel := context.WithTimeout(t.Context(), time.Second)
						defer cancel()
						r := request("Bearer T").WithContext(ctx)
						r.Header.Set("Cookie", "session=grace") // P9: and no way out

						down, events = true, nil
						got := serve(guard(never(t)), r)
						want := response{503, http.Header{
							"Cache-Control": {"no-store"}, "Content-Type": {"application/problem+json"},
							"Retry-After": {"5"}, "Vary": {"Cookie, Authorization"},
						}, bodyOf(auth.ErrUnavailable)}
						if !reflect.DeepEqual(got, want) {
							t.Errorf("got  %v\nwant %v", got, want)
						}
						if len(events) != 1 || events[0].Type != auth.Refused {
							t.Fatalf("events %+v, want one refusal", events)
						}
						if err := events[0].Err; tt.is != nil && !errors.Is(err, tt.is) {
							t.Errorf("cause %v, want %v", err, tt.is)
						}
						if tt.says != "" {
							cause := events[0].Err.Error()
							if !strings.Contains(cause, tt.says) || !strings.Contains(cause, "outage_test.go:") {
								t.Errorf("cause %q, want %q and a stack", cause, tt.says)
							}
						}

						down = false // B4: nothing is remembered of it
						if got := serve(guard(echo), request("Bearer T")); got.Status != 200 || got.Body != "ada T" {
							t.Errorf("afterwards: %v, want 200", got)
						}
					})
				})
			}
		}
	}
}

// The handler's panic is none of the Guard's business.
func TestPanicInHandlerPassesThrough(t *testing.T) {
	panicking := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	g := guardOf(t, session, bearer(ada("T"), nil))
	for name, h := range map[string]http.Handler{"Require": g.Require()(panicking), "Optional": g.Optional(panicking)} {
		for who, r := range map[string]*http.Request{"ada": request("Bearer T"), "nobody": request()} {
			t.Run(name+"/"+who, func(t *testing.T) {
				defer func() {
					want := any(http.ErrAbortHandler)
					if name == "Require" && who == "nobody" {
						want = nil // refused
					}
					if v := recover(); v != want {
						t.Errorf("panic %v, want %v", v, want)
					}
				}()
				serve(h, r)
			})
		}
	}
}

// B2, on a real server: the connection that met the panic serves the next
// request too.
func TestPanicLeavesConnectionOpen_B2(t *testing.T) {
	var bug atomic.Bool
	clients := make(chan string, 3)
	s := &scheme{name: "Bearer", lookup: func(r *http.Request, credentials string) (*auth.Identity, error) {
		clients <- r.RemoteAddr
		if bug.Load() {
			panic("a bug")
		}
		return ada(credentials), nil
	}}
	path := mount(t, guardOf(t, s).Require()(echo))
	for _, want := range []int{503, 503, 200} {
		bug.Store(want == 503)
		r := httptest.NewRequest("GET", server.URL+path, nil)
		r.RequestURI = "" // a client's
		r.Header.Set("Authorization", "Bearer T")
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
	}
	if a, b, c := <-clients, <-clients, <-clients; a != b || b != c {
		t.Errorf("requests from %s, %s and %s, want one connection", a, b, c)
	}
}
