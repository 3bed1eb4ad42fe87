package secret_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// A secret is imported once, whoever it is for: also where the peppers have
// changed since, so that its digest would be another, and where it was revoked.
func TestImportTwice(t *testing.T) {
	a, b := []byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))
	tests := []struct {
		name          string
		before, after secret.Config
	}{
		{"the same configuration", secret.Config{}, secret.Config{}},
		{"a new pepper", secret.Config{Peppers: [][]byte{a}}, secret.Config{Peppers: [][]byte{b, a}}},
		{"the first pepper", secret.Config{}, secret.Config{Peppers: [][]byte{a}, AcceptUnpeppered: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := store.NewMemory()
			tt.before.Store, tt.before.AcceptImported = st, true
			tt.after.Store, tt.after.AcceptImported = st, true
			before, after := newSecrets(t, tt.before), newSecrets(t, tt.after)
			c, err := before.Import(t.Context(), secret.Request{Subject: "ada"}, imported)
			if err != nil {
				t.Fatal(err)
			}
			again := func() {
				t.Helper()
				for _, subject := range []string{"ada", "mallory"} {
					if c, err := after.Import(t.Context(), secret.Request{Subject: subject}, imported); c != nil || !errors.Is(err, store.ErrExists) {
						t.Errorf("for %s: Import = %v, %v, want that it exists", subject, c, err)
					}
				}
			}
			again()
			want(t, after, imported, http.StatusOK)
			if err := after.Revoke(t.Context(), "ada", c.ID); err != nil {
				t.Fatal(err)
			}
			again()
			want(t, after, imported, http.StatusUnauthorized)
		})
	}
}

// While the store cannot say whether it has a secret, none is imported.
func TestImportOutage(t *testing.T) {
	st := &faulty{Memory: store.NewMemory(), err: errDown}
	secrets := newSecrets(t, secret.Config{Store: st, AcceptImported: true})
	if c, err := secrets.Import(t.Context(), secret.Request{Subject: "ada"}, imported); c != nil || !errors.Is(err, errDown) || errors.Is(err, store.ErrExists) {
		t.Errorf("Import = %v, %v, want the store's error", c, err)
	}
	if list, err := secrets.List(t.Context(), "ada"); len(list) > 0 || err != nil {
		t.Errorf("List = %v, %v", list, err)
	}
}

// The request is checked as for Issue, and the limit counts. T5
func TestImportRefusals(t *testing.T) {
	secrets := newSecrets(t, secret.Config{AcceptImported: true, Limit: 1})
	for name, req := range map[string]secret.Request{
		"no subject":  {},
		"59 seconds":  {Subject: "ada", Lifetime: 59 * time.Second},
		"over a year": {Subject: "ada", Lifetime: 365*24*time.Hour + time.Second},
		"bad scope":   {Subject: "ada", Scopes: []string{"a b"}},
	} {
		if c, err := secrets.Import(t.Context(), req, imported); c != nil || !errors.Is(err, secret.ErrRequest) {
			t.Errorf("%s: Import = %v, %v, want a bad request", name, c, err)
		}
	}
	want(t, secrets, imported, http.StatusUnauthorized)
	if _, err := secrets.Import(t.Context(), secret.Request{Subject: "ada", Lifetime: time.Minute}, imported); err != nil {
		t.Fatal(err)
	}
	if c, err := secrets.Import(t.Context(), secret.Request{Subject: "ada"}, imported+"x"); c != nil || !errors.Is(err, store.ErrLimit) {
		t.Errorf("Import = %v, %v, want the limit reached", c, err)
	}
	want(t, secrets, imported, http.StatusOK)
}

// From then on it is a secret like any other: it is rotated into one of ours,
// and revoked by its value, with its successor. R4 R6 R13
func TestImportedLifeCycle(t *testing.T) {
	secrets := newSecrets(t, secret.Config{AcceptImported: true})
	c, err := secrets.Import(t.Context(), secret.Request{Subject: "ada", Name: "backend"}, imported)
	if err != nil {
		t.Fatal(err)
	}
	plain, next, err := secrets.Rotate(t.Context(), "ada", c.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(plain.Reveal(), "sec_") || next.Name != "backend" || next.Family != c.ID {
		t.Errorf("the successor is %+v", next)
	}
	want(t, secrets, imported, http.StatusOK)
	want(t, secrets, plain.Reveal(), http.StatusOK)
	for range 2 {
		if err := secrets.RevokeLeaked(t.Context(), imported); err != nil {
			t.Error(err)
		}
	}
	want(t, secrets, imported, http.StatusUnauthorized)
	want(t, secrets, plain.Reveal(), http.StatusUnauthorized)
}

// Where imported secrets are accepted, what could be one is looked for, and
// what could not is not: secrets of ours with a typo, above all. T2
func TestImportedLookups(t *testing.T) {
	st := &faulty{Memory: store.NewMemory()}
	secrets := newSecrets(t, secret.Config{Store: st, AcceptImported: true})
	ours, _ := issue(t, secrets, secret.Request{Subject: "ada"})
	for _, tt := range []struct {
		name, plaintext string
		finds           int64
	}{
		{"of that form", imported, 1},
		{"of another kind", "pat_" + imported, 1},
		{"ours", ours, 1},
		{"ours, with a typo", ours[:len(ours)-1] + "_", 0},
		{"ours, shortened", ours[:40], 0},
		{"ours, lengthened", ours + "0", 0},
		{"too short", imported[1:], 0},
		{"too long", strings.Repeat("x", 256), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st.finds.Store(0)
			status := http.StatusUnauthorized
			if tt.plaintext == ours {
				status = http.StatusOK
			}
			want(t, secrets, tt.plaintext, status)
			if n := st.finds.Load(); n != tt.finds {
				t.Errorf("the store was asked %d times, want %d", n, tt.finds)
			}
		})
	}
}
