package credential_test

import (
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// R8: a use is written about a second later, and then none for an interval,
// however many there are.
func TestLastUsed(t *testing.T) {
	tests := []struct{ configured, interval time.Duration }{
		{0, time.Minute},
		{time.Second, time.Second},
		{time.Hour, time.Hour},
	}
	both(t, func(t *testing.T, p pkg) {
		for _, tt := range tests {
			synctest.Test(t, func(t *testing.T) {
				f := p.setup(t, credential.Config{LastUsedInterval: tt.configured})
				plaintext, c := f.issue(t, credential.Request{})
				for n := range int32(3) {
					used := time.Now()
					for range 100 {
						f.want(t, plaintext, http.StatusOK)
					}
					if got := f.store.touches.Load(); got != n {
						t.Fatalf("%d writes during the requests, want %d", got, n)
					}
					time.Sleep(time.Second - time.Nanosecond)
					synctest.Wait()
					if got := f.store.touches.Load(); got != n {
						t.Errorf("%d writes before a second is over, want %d", got, n)
					}
					time.Sleep(time.Nanosecond)
					synctest.Wait()
					if got := f.store.touches.Load(); got != n+1 {
						t.Errorf("%d writes after a second, want %d", got, n+1)
					}
					if at := f.row(t, c.ID).LastUsedAt; !at.Equal(used) {
						t.Errorf("last used at %v, want %v", at, used)
					}
					if tt.interval > time.Second { // up to the end of the interval
						for range 10 {
							time.Sleep((tt.interval - 2*time.Second) / 10)
							f.want(t, plaintext, http.StatusOK)
						}
						time.Sleep(time.Until(used.Add(tt.interval)) - 1)
						f.want(t, plaintext, http.StatusOK)
						time.Sleep(time.Nanosecond)
						synctest.Wait()
						if got := f.store.touches.Load(); got != n+1 {
							t.Errorf("%d writes within the interval, want %d", got, n+1)
						}
					}
				}
			})
		}
	})
}

// R8: of uses at once, one is written, for each credential.
func TestLastUsedConcurrently(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			a, _ := f.issue(t, credential.Request{})
			b, _ := f.issue(t, credential.Request{})
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					f.want(t, a, http.StatusOK)
					f.want(t, b, http.StatusOK)
				})
			}
			wg.Wait()
			time.Sleep(30 * time.Second)
			if got := f.store.touches.Load(); got != 1 {
				t.Errorf("%d writes, want 1 for both", got)
			}
		})
	})
}

// R8: what one machine wrote, another need not write again.
func TestLastUsedOnTwoMachines(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			a := p.setup(t, credential.Config{})
			b := p.setup(t, credential.Config{Store: a.store})
			plaintext, c := a.issue(t, credential.Request{})
			a.want(t, plaintext, http.StatusOK)
			time.Sleep(2 * time.Second)
			b.want(t, plaintext, http.StatusOK)
			time.Sleep(time.Minute)
			if got := a.store.touches.Load(); got != 1 || !a.row(t, c.ID).LastUsedAt.Equal(c.CreatedAt) {
				t.Errorf("%d writes, last used at %v, want the first use alone", got, a.row(t, c.ID).LastUsedAt)
			}
			b.want(t, plaintext, http.StatusOK)
			time.Sleep(2 * time.Second)
			if got := a.store.touches.Load(); got != 2 {
				t.Errorf("%d writes after an interval, want 2", got)
			}
		})
	})
}

// R8: only what is accepted is used; and never what is switched off.
func TestLastUsedNever(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			for _, edit := range []func(c *store.Credential){
				func(c *store.Credential) { c.ExpiresAt = time.Now() },
				func(c *store.Credential) { c.RevokedAt = time.Now() },
				func(c *store.Credential) { c.RotatedAt, c.ExpiresAt = time.Now(), time.Now() },
				func(c *store.Credential) { c.Networks = networks("203.0.113.0/24") },
			} {
				plaintext, _ := f.insert(t, edit)
				f.want(t, plaintext, http.StatusUnauthorized)
			}
			f.want(t, f.unknown(t), http.StatusUnauthorized)

			off := p.setup(t, credential.Config{Store: f.store, LastUsedInterval: -1})
			plaintext, _ := off.issue(t, credential.Request{})
			off.want(t, plaintext, http.StatusOK)

			time.Sleep(time.Hour)
			if got := f.store.touches.Load(); got != 0 {
				t.Errorf("%d writes, want none", got)
			}
		})
	})
}

// B6: no goroutine waits for anything, with uses to be written or without: a
// bubble does not end before its goroutines do.
func TestNoGoroutines(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			before := runtime.NumGoroutine()
			f := p.setup(t, credential.Config{Limit: -1, HourlyLimit: -1})
			for range 2 {
				for range 500 {
					plaintext, _ := f.issue(t, credential.Request{})
					f.want(t, plaintext, http.StatusOK)
					f.want(t, f.unknown(t), http.StatusUnauthorized)
				}
				if after := runtime.NumGoroutine(); after > before+10 { // those of other tests may come and go
					t.Errorf("%d goroutines, %d before", after, before)
				}
				time.Sleep(time.Minute)
			}
		})
	})
}
