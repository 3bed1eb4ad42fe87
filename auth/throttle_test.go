package auth_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
)

// A fakeThrottle makes everybody wait, and writes down what it is told.
type fakeThrottle struct {
	wait  time.Duration
	panic string
	asked int
	done  []error
}

func (f *fakeThrottle) Wait(*http.Request) time.Duration {
	f.asked++
	if f.panic == "Wait" {
		panic("in Wait")
	}
	return f.wait
}

func (f *fakeThrottle) Done(_ *http.Request, id *auth.Identity, err error) {
	if err == nil && (id == nil || id.Subject != "ada") {
		err = errors.New("nobody")
	}
	f.done = append(f.done, err)
	if f.panic == "Done" {
		panic("in Done")
	}
}

func TestThrottle(t *testing.T) {
	authentic := errors.New("outage")
	tests := []struct {
		name       string
		throttle   fakeThrottle
		err        error
		status     int
		retryAfter string
		done       int
	}{
		{name: "valid", status: 200, done: 1},
		{name: "invalid", err: auth.ErrInvalidCredentials, status: 401, done: 1},
		{name: "outage", err: authentic, status: 503, retryAfter: "5", done: 1},
		{name: "throttled", throttle: fakeThrottle{wait: 1500 * time.Millisecond}, status: 429, retryAfter: "2"},
		{name: "throttled for a moment", throttle: fakeThrottle{wait: 1}, status: 429, retryAfter: "1"},
		{name: "panic before", throttle: fakeThrottle{panic: "Wait"}, status: 503, retryAfter: "5"},
		{name: "panic after", throttle: fakeThrottle{panic: "Done"}, status: 503, retryAfter: "5", done: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			a := auth.AuthenticatorFunc(func(*http.Request) (*auth.Identity, error) {
				asked++
				if tt.err != nil {
					return nil, tt.err
				}
				return ada("T"), nil
			})
			var events []auth.Event
			g, err := auth.New(auth.Config{
				Authenticators: []auth.Authenticator{a}, Throttle: &tt.throttle,
				Observe: func(_ context.Context, ev auth.Event) { events = append(events, ev) },
			})
			if err != nil {
				t.Fatal(err)
			}
			reached := false
			handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })
			for _, wrap := range []func(http.Handler) http.Handler{g.Require(), g.Optional} {
				asked, reached, events = 0, false, nil
				tt.throttle.asked, tt.throttle.done = 0, nil
				got := serve(wrap(handler), request("Bearer T"))
				if got.Status != tt.status || got.Header.Get("Retry-After") != tt.retryAfter || reached != (tt.status == 200) {
					t.Errorf("%d, Retry-After %q, handler reached: %t", got.Status, got.Header.Get("Retry-After"), reached)
				}
				if tt.throttle.asked != 1 || len(tt.throttle.done) != tt.done || tt.done > 0 && !errors.Is(tt.throttle.done[0], tt.err) || asked != 1 && tt.throttle.wait == 0 && tt.throttle.panic != "Wait" || asked != 0 && tt.throttle.wait > 0 {
					t.Errorf("throttle asked %d times and told %v, authenticator asked %d times", tt.throttle.asked, tt.throttle.done, asked)
				}
				if len(events) != 1 || tt.status == 429 && (!errors.Is(events[0].Err, auth.ErrThrottled) || events[0].Outage()) {
					t.Errorf("events %+v", events)
				}
			}
		})
	}
}
