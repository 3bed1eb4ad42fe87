package soak

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

// Of a service that keeps its word nothing is said, and of what is unknown after
// its faults the rows tell.
func TestNothingPlanted(t *testing.T) {
	r := soakPlanted(t, nil, nil)
	if !r.OK() || r.Unknown == 0 || r.Resolved == 0 || r.Happened == 0 || r.Happened == r.Resolved {
		r.Write(t.Output())
		t.Error("want no violations, and unknown writes of which some had been made")
	}
	for _, what := range []string{outage, silent, slow, panics} {
		if r.Faults[what] == 0 {
			t.Errorf("no fault %q", what)
		}
	}
}

// Each fault in a store or in a service is found by the check that is meant for it.
func TestPlanted(t *testing.T) {
	var leak sync.Map
	for name, tt := range map[string]struct {
		want  check
		plant func(*planted)
		wrap  func(http.Handler) http.Handler
	}{
		"a revocation is undone": {want: accepted, plant: func(p *planted) {
			now := every(20)
			p.find = func(c *store.Credential, err error) (*store.Credential, error) {
				if err == nil && !c.RevokedAt.IsZero() && now() {
					c = c.Clone()
					c.RevokedAt = time.Time{}
				}
				return c, err
			}
		}},
		"a row is forgotten": {want: lost, plant: func(p *planted) {
			now := every(50)
			p.insert = func(*store.Credential) (bool, error) { return now(), nil }
		}},
		"a revocation is not written": {want: lost, plant: func(p *planted) {
			p.list = func(c *store.Credential) { c.RevokedAt = time.Time{} }
		}},
		"a rotation is refused without a reason": {want: lost, plant: func(p *planted) {
			now := every(50)
			p.rotate = func(_ *store.Credential, err error) error {
				if err == nil && now() {
					return store.ErrConflict
				}
				return err
			}
		}},
		"two rotations win": {want: doubled, plant: func(p *planted) {
			p.rotate = func(next *store.Credential, err error) error {
				if errors.Is(err, store.ErrConflict) {
					_, err = p.Store.Insert(context.Background(), next, store.Limits{})
				}
				return err
			}
		}},
		"a loser leaves a successor": {want: doubled, plant: func(p *planted) {
			p.rotate = func(next *store.Credential, err error) error {
				if errors.Is(err, store.ErrConflict) {
					p.Store.Insert(context.Background(), next, store.Limits{})
				}
				return err
			}
		}},
		"an outage is taken for absence": {want: wrong401, plant: func(p *planted) {
			p.find = func(c *store.Credential, err error) (*store.Credential, error) {
				if errors.Is(err, errOutage) {
					return nil, store.ErrNotFound
				}
				return c, err
			}
		}},
		"a token is revoked by use": {want: nobody, plant: func(p *planted) {
			now := every(50)
			p.touch = func(id string) {
				if now() {
					p.Store.Revoke(context.Background(), store.Filter{ID: id}, time.Now())
				}
			}
		}},
		"a store fails by itself": {want: unavailable, plant: func(p *planted) {
			now := every(500)
			p.find = func(c *store.Credential, err error) (*store.Credential, error) {
				if now() {
					return nil, errOutage
				}
				return c, err
			}
		}},
		"a store does not come back": {want: unavailable, plant: func(p *planted) {
			var down atomic.Bool
			p.find = func(c *store.Credential, err error) (*store.Credential, error) {
				if errors.Is(err, errOutage) {
					down.Store(true)
				}
				if down.Load() {
					return nil, errOutage
				}
				return c, err
			}
		}},
		"a store hangs from a fault on": {want: unavailable, plant: func(p *planted) {
			var down atomic.Bool
			p.find = func(c *store.Credential, err error) (*store.Credential, error) {
				if errors.Is(err, errOutage) {
					down.Store(true)
				}
				if down.Load() {
					time.Sleep(2 * time.Second)
					return nil, errOutage
				}
				return c, err
			}
		}},
		"no write is made": {want: ignorant, plant: func(p *planted) {
			p.revoke = func() error { return errOutage }
		}},
		"another token is found": {want: wrong, plant: func(p *planted) {
			now := every(500)
			p.find = func(c *store.Credential, err error) (*store.Credential, error) {
				if err == nil && now() {
					c = c.Clone()
					c.ID = "of somebody else"
				}
				return c, err
			}
		}},
		"memory grows": {want: grown, plant: func(p *planted) {
			p.find = func(c *store.Credential, err error) (*store.Credential, error) {
				leak.Store(new(byte), make([]byte, 10_000))
				return c, err
			}
		}},
		"an outage without Retry-After": {want: noRetry, wrap: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(hasty{w}, r)
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := soakPlanted(t, tt.plant, tt.wrap)
			leak.Clear()
			var text strings.Builder
			if err := r.Write(&text); err != nil {
				t.Fatal(err)
			}
			if r.Violations[tt.want] == 0 {
				t.Errorf("not found: %s\n%s", tt.want, &text)
			}
			if !strings.Contains(text.String(), "\n  "+string(tt.want)+": ") {
				t.Errorf("there is no account of it:\n%s", &text)
			}
			t.Logf("%v", r.Violations)
		})
	}
}
