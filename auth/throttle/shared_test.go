package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth/throttle"
)

type sharedFunc func(ctx context.Context, client netip.Prefix) (time.Duration, error)

func (f sharedFunc) Failed(ctx context.Context, client netip.Prefix) (time.Duration, error) {
	return f(ctx, client)
}

// What one machine is told of, it acts on for as long as it is told to.
func TestShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		shared := sharedFunc(func(_ context.Context, client netip.Prefix) (time.Duration, error) {
			asked = append(asked, client.String())
			return time.Hour, nil
		})
		s := setup(t, throttle.Config{Burst: 5, Shared: shared})
		s.want(t, "valid", 200, here, s.token)
		s.fail(t, 1, here)
		s.fail(t, 1, "[2001:db8::7]:1")
		w := s.do(request(here, "Authorization", "Bearer wrong"))
		if w.Code != 429 || w.Header().Get("Retry-After") != "3600" {
			t.Errorf("%d, Retry-After %s, want 429, 3600", w.Code, w.Header().Get("Retry-After"))
		}
		s.want(t, "elsewhere", 200, there, s.token)
		s.fail(t, 1, "@")
		if want := []string{"192.0.2.1/32", "2001:db8::/64"}; !slices.Equal(asked, want) {
			t.Errorf("asked for %v, want %v", asked, want)
		}
		time.Sleep(time.Hour)
		s.fail(t, 1, here)
	})
}

// Where it does not answer, the machine's own count holds, and what is invalid
// stays a 401.
func TestSharedFails(t *testing.T) {
	for name, shared := range map[string]sharedFunc{
		"error":    func(context.Context, netip.Prefix) (time.Duration, error) { return time.Hour, errors.New("down") },
		"panic":    func(context.Context, netip.Prefix) (time.Duration, error) { panic("down") },
		"negative": func(context.Context, netip.Prefix) (time.Duration, error) { return -time.Hour, nil },
		"slow": func(ctx context.Context, _ netip.Prefix) (time.Duration, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := setup(t, throttle.Config{Burst: 2, Interval: time.Hour, Shared: shared})
				began := time.Now()
				s.fail(t, 2, here)
				if held := time.Since(began); held > 2*time.Second {
					t.Errorf("held up for %v", held)
				}
				s.want(t, "one too many", 429, here, "wrong")
			})
		})
	}
}

// A client that hangs up is counted all the same.
func TestSharedHungUp(t *testing.T) {
	asked := 0
	s := setup(t, throttle.Config{Shared: sharedFunc(func(ctx context.Context, _ netip.Prefix) (time.Duration, error) {
		asked++
		return 0, ctx.Err()
	})})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := s.do(request(here, "Authorization", "Bearer wrong").WithContext(ctx)).Code; got != 401 || asked != 1 {
		t.Errorf("%d, asked %d times, want 401, once", got, asked)
	}
}

// An absurd answer blocks for a day, and no more.
func TestSharedBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setup(t, throttle.Config{Shared: sharedFunc(func(context.Context, netip.Prefix) (time.Duration, error) {
			return 1<<63 - 1, nil
		})})
		s.fail(t, 1, here)
		if got := s.do(request(here, "Authorization", "Bearer wrong")).Header().Get("Retry-After"); got != fmt.Sprint(24*60*60) {
			t.Errorf("Retry-After %s, want a day", got)
		}
	})
}
