package credential_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// R13: revoking any credential of a chain ends all of it: predecessors in their
// overlap, and successors.
func TestRevokeChain(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		for revoked := range 3 {
			f := p.setup(t, credential.Config{})
			a, rowA := f.issue(t, credential.Request{})
			b, rowB := f.rotate(t, rowA.ID, time.Hour)
			c, rowC := f.rotate(t, rowB.ID, time.Hour)
			other, _ := f.issue(t, credential.Request{})
			if err := f.Revoke(t.Context(), "ada", []string{rowA.ID, rowB.ID, rowC.ID}[revoked]); err != nil {
				t.Fatal(err)
			}
			for _, plaintext := range []string{a, b, c} {
				f.want(t, plaintext, http.StatusUnauthorized)
			}
			f.want(t, other, http.StatusOK)

			d, rowD := f.issue(t, credential.Request{})
			e, _ := f.rotate(t, rowD.ID, time.Hour)
			if err := f.RevokeLeaked(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			f.want(t, d, http.StatusUnauthorized)
			f.want(t, e, http.StatusUnauthorized)
		}
	})
}

// R13: a row without a family, which an application has written, is a family of its
// own, and those like it are not of it.
func TestRevokeWithoutFamily(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		a, rowA := f.insert(t, func(c *store.Credential) { c.Family = "" })
		b, _ := f.insert(t, func(c *store.Credential) { c.Family = "" })
		next, _ := f.rotate(t, rowA.ID, time.Minute)
		if err := f.Revoke(t.Context(), "ada", rowA.ID); err != nil {
			t.Fatal(err)
		}
		f.want(t, a, http.StatusUnauthorized)
		f.want(t, next, http.StatusUnauthorized)
		f.want(t, b, http.StatusOK)
	})
}

// B14: issuing and rotating count toward HourlyLimit, whether or not what they have
// created has ended; an hour later there is room again.
func TestHourlyLimit(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{HourlyLimit: 4})
			_, c := f.issue(t, credential.Request{})
			for range 3 {
				_, c = f.rotate(t, c.ID, 0)
			}
			if _, _, err := f.Rotate(t.Context(), "ada", c.ID, 0); !errors.Is(err, store.ErrLimit) {
				t.Errorf("Rotate: %v, want the limit", err)
			}
			if err := f.Revoke(t.Context(), "ada", c.ID); err != nil {
				t.Fatal(err)
			}
			f.full(t)
			f.issue(t, credential.Request{Subject: "adam"})
			time.Sleep(time.Hour)
			f.full(t)
			time.Sleep(time.Microsecond)
			f.issue(t, credential.Request{})
		})
	})
}

// R11 B9: with 50 000 ended credentials, what is live is listed, and revoked when
// RevokeAll returns.
func TestLongHistory(t *testing.T) {
	p := packages[0]
	f := p.setup(t, credential.Config{})
	now := time.Now()
	for i := range 50_000 {
		id := fmt.Sprint("ended ", i)
		_, err := f.store.Insert(t.Context(), &store.Credential{
			ID: id, Kind: f.kind, Digest: sha256.Sum256([]byte(id)), Subject: "ada", Family: id,
			CreatedAt: now.Add(-2*time.Hour + time.Duration(i)*time.Millisecond), ExpiresAt: now.Add(-time.Hour),
		}, store.Limits{})
		if err != nil {
			t.Fatal(err)
		}
	}
	plaintext, _ := f.issue(t, credential.Request{})
	if list, err := f.List(t.Context(), "ada"); err != nil || len(list) != 1000 {
		t.Errorf("List: %d, %v, want a page of 1000", len(list), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if n, err := f.RevokeAll(ctx, "ada"); n != 1 || err != nil {
		t.Errorf("RevokeAll: %d, %v, want the live one", n, err)
	}
	f.want(t, plaintext, http.StatusUnauthorized)
}

// R16: an update never revives a credential, and takes effect at the next request.
func TestUpdate(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		plaintext, c := f.issue(t, credential.Request{})
		elsewhere := networks("203.0.113.0/24")
		update := func(n []netip.Prefix) {
			if _, err := f.store.Update(t.Context(), c.ID, store.Changes{Networks: &n}); err != nil {
				t.Fatal(err)
			}
		}
		update(elsewhere)
		f.want(t, plaintext, http.StatusUnauthorized)
		update(nil)
		f.want(t, plaintext, http.StatusOK)
		if err := f.Revoke(t.Context(), "ada", c.ID); err != nil {
			t.Fatal(err)
		}
		update([]netip.Prefix{})
		f.want(t, plaintext, http.StatusUnauthorized)
	})
}

// A hint shows the prefix and the last four characters, and rotating fills it anew.
func TestHint(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		a, c := f.issue(t, credential.Request{})
		b, next := f.rotate(t, c.ID, 0)
		for plaintext, c := range map[string]*store.Credential{a: c, b: next} {
			want := p.prefix + "…" + plaintext[len(plaintext)-4:]
			if c.Hint != want || f.row(t, c.ID).Hint != want {
				t.Errorf("hint %q, stored %q, want %q", c.Hint, f.row(t, c.ID).Hint, want)
			}
		}
	})
}

// A placing store finds fitting what begins with a byte that the subject decides.
type placing struct {
	*store.Memory
	never bool
}

func (s placing) FitsDigest(subject string, d store.Digest) bool {
	return !s.never && d[0]%64 == sha256.Sum256([]byte(subject))[0]%64
}

func (s placing) FitsID(subject, id string) bool {
	return !s.never && sha256.Sum256([]byte(id))[0]%64 == sha256.Sum256([]byte(subject))[0]%64
}

// What is issued and rotated fits the store, under the first pepper; one that nothing
// fits is used all the same.
func TestPlacement(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		for _, peppers := range [][][]byte{nil, {[]byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))}} {
			st := placing{Memory: store.NewMemory()}
			m, issue, err := p.new(credential.Config{Store: st, Peppers: peppers})
			if err != nil {
				t.Fatal(err)
			}
			_, c, err := issue(t.Context(), credential.Request{Subject: "ada"})
			if err != nil {
				t.Fatal(err)
			}
			_, next, err := m.Rotate(t.Context(), "ada", c.ID, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []*store.Credential{c, next} {
				if !st.FitsDigest("ada", c.Digest) || !st.FitsID("ada", c.ID) {
					t.Errorf("%s does not fit", c.ID)
				}
			}
		}
		_, issue, err := p.new(credential.Config{Store: placing{store.NewMemory(), true}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := issue(t.Context(), credential.Request{Subject: "ada"}); err != nil {
			t.Error(err)
		}
	})
}

// R8 S10: with a store that takes 100 ms per call, no use of 22 per second is lost,
// and each is written with the address it came from.
func TestLastUsedOfManyCredentials(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{Limit: -1, HourlyLimit: -1})
			f.store.touch = func(ctx context.Context, uses []store.Use) error {
				if len(uses) > 1000 {
					t.Errorf("%d uses in one call", len(uses))
				}
				time.Sleep(100 * time.Millisecond)
				return f.store.Memory.Touch(ctx, uses)
			}
			var ids []string
			use := func() {
				plaintext, c := f.issue(t, credential.Request{})
				f.want(t, plaintext, http.StatusOK)
				ids = append(ids, c.ID)
			}
			for range 22 * 20 {
				use()
				time.Sleep(time.Second / 22)
			}
			for range 2500 { // at once
				use()
			}
			time.Sleep(10 * time.Second)
			lost := 0
			for _, id := range ids {
				c := f.row(t, id)
				if c.LastUsedAt.IsZero() || c.LastUsedAddr != netip.MustParseAddr("192.0.2.1") {
					lost++
				}
			}
			if lost > 0 {
				t.Errorf("%d of %d uses are lost", lost, len(ids))
			}
		})
	})
}

// A credential that ended to make room is reported, with the reason. K15
func TestMakingRoomIsReported(t *testing.T) {
	events := new(events)
	m, err := credential.New(credential.Config{
		Package: "cookie", Kind: store.KindSession, Lifetime: time.Hour, Store: store.NewMemory(), Prefix: "s",
		Limit: 2, EndOldest: true, Observe: events.add,
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, _, err := m.Issue(t.Context(), credential.Request{Subject: "ada"}); err != nil {
			t.Fatal(err)
		}
	}
	got := events.take(auth.Revoked)
	if len(got) != 1 || got[0].Subject != "ada" || got[0].Err == nil {
		t.Errorf("events %+v, want one with its reason", got)
	}
}
