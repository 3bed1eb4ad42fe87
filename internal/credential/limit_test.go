package credential_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// full fails the test unless one more credential is one too many.
func (f *fixture) full(t testing.TB) {
	t.Helper()
	f.events.take()
	plain, c, err := f.issuer(t.Context(), credential.Request{Subject: "ada"})
	if !errors.Is(err, store.ErrLimit) || c != nil || plain.Reveal() != "" || len(f.events.take()) > 0 {
		t.Errorf("Issue = %q, %v, %v, want the limit reached", plain.Reveal(), c, err)
	}
}

// R10: by default an account has room for 1000 tokens, or 5 secrets.
func TestLimit(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		for configured, limit := range map[int]int{0: p.limit, 1: 1, 7: 7} {
			f := p.setup(t, credential.Config{Limit: configured, HourlyLimit: -1})
			for range limit {
				f.issue(t, credential.Request{})
			}
			f.full(t)
			f.full(t)
			if n := len(f.rows(t, "ada")); n != limit {
				t.Errorf("%d rows, want %d", n, limit)
			}
			f.issue(t, credential.Request{Subject: "adam"})
		}
		f := p.setup(t, credential.Config{Limit: -1, HourlyLimit: -1})
		for range p.limit + 10 {
			f.issue(t, credential.Request{})
		}
	})
}

// Those that are revoked or expired make room; rotating needs none, and what lives
// on in its overlap takes none. Credentials of another kind do not count.
func TestLimitRoom(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{Limit: 2})
			f.insert(t, func(c *store.Credential) { c.Kind = store.KindSession })
			_, a := f.issue(t, credential.Request{Lifetime: time.Hour})
			_, b := f.issue(t, credential.Request{Lifetime: 2 * time.Hour})
			f.full(t)

			_, c := f.rotate(t, a.ID, time.Minute) // c until 1 h
			f.full(t)
			time.Sleep(time.Minute) // a has ended: b, c
			f.full(t)
			if err := f.Revoke(t.Context(), "ada", c.ID); err != nil {
				t.Fatal(err)
			}
			f.issue(t, credential.Request{Lifetime: 24 * time.Hour}) // b, d
			f.full(t)
			time.Sleep(time.Until(b.ExpiresAt) - time.Microsecond)
			f.full(t)
			time.Sleep(time.Microsecond)
			f.issue(t, credential.Request{}) // d, e
			f.full(t)
		})
	})
}

// R10: the limit is exact, however many are issued at once.
func TestLimitRace(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{Limit: 5})
		start := make(chan struct{})
		var issued, refused atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				<-start
				switch _, _, err := f.issuer(t.Context(), credential.Request{Subject: "ada"}); {
				case err == nil:
					issued.Add(1)
				case errors.Is(err, store.ErrLimit):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		if issued.Load() != 5 || refused.Load() != 45 || len(f.rows(t, "ada")) != 5 || len(f.events.take(auth.Issued)) != 5 {
			t.Errorf("%d issued, %d refused, %d rows, want 5, 45, 5", issued.Load(), refused.Load(), len(f.rows(t, "ada")))
		}
	})
}
