package secret_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// imported is a secret of an earlier system, as developers have it in their
// configuration.
const imported = "wJalrXUtnFEMI0O6JX5MCkmbs6JqPcx3"

// A secret that was imported goes on working, on the line that it always was
// sent in.
func TestImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []auth.Event
		st := store.NewMemory()
		secrets := newSecrets(t, secret.Config{Store: st, AcceptImported: true, Observe: func(_ context.Context, ev auth.Event) { told = append(told, ev) }})
		c, err := secrets.Import(t.Context(), secret.Request{Subject: "ada", Name: "backend", Scopes: []string{"reports:read"}, Data: []byte("data")}, imported)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now().UTC()
		want := &store.Credential{
			ID: c.ID, Kind: store.KindSecret, Digest: sha256.Sum256([]byte(imported)), Subject: "ada", Name: "backend", Hint: "…Pcx3",
			Scopes: []string{"reports:read"}, Family: c.ID, CreatedAt: now, ExpiresAt: now.Add(90 * 24 * time.Hour), Data: []byte("data"),
		}
		if row, err := st.Get(t.Context(), c.ID); err != nil || !reflect.DeepEqual(row, want) || !reflect.DeepEqual(c, want) {
			t.Errorf("returned %+v, stored %+v, %v, want %+v", c, row, err, want)
		}
		if want := []auth.Event{{Type: auth.Issued, Scheme: "Secret", Subject: "ada", Credential: c.ID}}; !reflect.DeepEqual(told, want) {
			t.Errorf("events %+v, want %+v", told, want)
		}

		r := request("")
		r.Header.Set("Authorization", "Secret wJalrXUtnFEMI0O6JX5MCkmbs6JqPcx3")
		guard := newGuard(t, secrets)
		if id, err := guard.Authenticate(r, "reports:read"); err != nil || id.Subject != "ada" || id.Credential != c.ID || id.Scheme != "Secret" {
			t.Errorf("Authenticate = %+v, %v", id, err)
		}
		time.Sleep(90 * 24 * time.Hour)
		if _, err := guard.Authenticate(r); !errors.Is(err, auth.ErrInvalidCredentials) {
			t.Errorf("after 90 days: %v, want it invalid", err)
		}
	})
}

// every character that an imported secret may have, but for =.
const every = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"

var importForms = []struct {
	name, plaintext string
	ok              bool
}{
	{"32 characters", imported, true},
	{"31 characters", imported[1:], false},
	{"255 characters", strings.Repeat(every, 4)[:255], true},
	{"256 characters", strings.Repeat(every, 4)[:256], false},
	{"very long", strings.Repeat(every, 100), false},
	{"empty", "", false},
	{"every character that may be", every, true},
	{"base64", "d0phbHJYVXRuRkVNSTBPNkpYNU1Da21iczZKcVBjeDM=", true},
	{"two of =", imported[:30] + "==", true},
	{"= within", imported[:20] + "=" + imported[20:], false},
	{"= in front", "=" + imported, false},
	{"a space", imported[:20] + " " + imported[20:], false},
	{"a comma", imported + ",", false},
	{"a quote", imported + `"`, false},
	{"a percent sign", imported + "%20", false},
	{"a line break", imported + "\n", false},
	{"a null", imported + "\x00", false},
	{"beyond ASCII", imported + "é", false},
	{"our prefix", "sec_" + imported, false},
	{"our prefix alone", "sec_", false},
	{"our prefix within", imported + "sec_" + imported, true},
	{"almost our prefix", "sec-" + imported, true},
	{"our prefix in upper case", "SEC_" + imported, true},
	{"another prefix", "pat_" + imported, true},
	{"8 different characters", strings.Repeat("abcdefgh", 4), true},
	{"7 different characters", strings.Repeat("abcdefga", 4), false},
	{"one character", strings.Repeat("x", 64), false},
}

// Its form is that of a token68, its length 32 to 255; and what can be guessed
// is refused.
func TestImportForm(t *testing.T) {
	for _, tt := range importForms {
		t.Run(tt.name, func(t *testing.T) {
			st := &faulty{Memory: store.NewMemory()}
			secrets := newSecrets(t, secret.Config{Store: st, AcceptImported: true})
			c, err := secrets.Import(t.Context(), secret.Request{Subject: "ada"}, tt.plaintext)
			list, listErr := secrets.List(t.Context(), "ada")
			if listErr != nil {
				t.Fatal(listErr)
			}
			if tt.ok {
				if err != nil || len(list) != 1 {
					t.Fatalf("Import: %v, %d stored", err, len(list))
				}
				want(t, secrets, tt.plaintext, http.StatusOK)
				return
			}
			if !errors.Is(err, secret.ErrRequest) || c != nil || len(list) > 0 || st.finds.Load() > 0 {
				t.Errorf("Import = %v, %v, %d stored, want a bad request", c, err, len(list))
			}
			if !strings.HasPrefix(err.Error(), "secret: import: bad request: plaintext") {
				t.Errorf("error %q does not tell what is wrong", err)
			}
		})
	}
}

// The same by a regular expression; and what was imported is accepted, in a
// header and as a client's, and nothing else is.
func FuzzImport(f *testing.F) {
	for _, tt := range importForms {
		if len(tt.plaintext) < 1000 {
			f.Add(tt.plaintext)
		}
	}
	form := regexp.MustCompile(`^[A-Za-z0-9\-._~+/]+=*\z`)
	f.Fuzz(func(t *testing.T, plaintext string) {
		distinct := make(map[byte]bool)
		for _, c := range []byte(plaintext) {
			distinct[c] = true
		}
		ok := len(plaintext) >= 32 && len(plaintext) <= 255 && len(distinct) >= 8 && form.MatchString(plaintext) && !strings.HasPrefix(plaintext, "sec_")
		secrets := newSecrets(t, secret.Config{AcceptImported: true})
		c, err := secrets.Import(t.Context(), secret.Request{Subject: "ada"}, plaintext)
		if ok != (err == nil) || !ok && !errors.Is(err, secret.ErrRequest) {
			t.Fatalf("%q: %v", plaintext, err)
		}
		if !ok {
			return
		}
		want(t, secrets, plaintext, http.StatusOK)
		if _, err := secrets.AuthenticateClient(t.Context(), c.Family, plaintext, netip.Addr{}); err != nil {
			t.Errorf("%q as a client's: %v", plaintext, err)
		}
		want(t, secrets, "x"+plaintext[:len(plaintext)-1], http.StatusUnauthorized)
	})
}

// Without AcceptImported nothing is imported; and what was is not accepted, nor
// looked for. T2
func TestAcceptImported(t *testing.T) {
	st := &faulty{Memory: store.NewMemory()}
	accepting := newSecrets(t, secret.Config{Store: st, AcceptImported: true})
	if _, err := accepting.Import(t.Context(), secret.Request{Subject: "ada"}, imported); err != nil {
		t.Fatal(err)
	}
	want(t, accepting, imported, http.StatusOK)

	secrets := newSecrets(t, secret.Config{Store: st})
	st.finds.Store(0)
	want(t, secrets, imported, http.StatusUnauthorized)
	if _, err := secrets.Verify(t.Context(), imported, netip.Addr{}); !errors.Is(err, auth.ErrNoCredentials) {
		t.Errorf("Verify: %v, want that it has no form of ours", err)
	}
	if err := secrets.RevokeLeaked(t.Context(), imported); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("RevokeLeaked: %v, want not found", err)
	}
	if c, err := secrets.Import(t.Context(), secret.Request{Subject: "ada"}, imported+"x"); c != nil || !errors.Is(err, secret.ErrRequest) || !strings.Contains(err.Error(), "AcceptImported") {
		t.Errorf("Import = %v, %v, want an error that names AcceptImported", c, err)
	}
	if n := st.finds.Load(); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
	want(t, accepting, imported, http.StatusOK)
}
