package credential_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

func ids(list []*store.Credential) []string {
	var ids []string
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids
}

// A list has all of an account's credentials of the kind, the newest first,
// whatever became of them.
func TestList(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{Limit: -1, HourlyLimit: -1})
			var want []string
			for range 250 { // more than a page
				_, c := f.issue(t, credential.Request{Lifetime: time.Hour})
				want = append(want, c.ID)
				time.Sleep(time.Second)
			}
			f.issue(t, credential.Request{Subject: "adam"})
			f.insert(t, func(c *store.Credential) { c.Kind = store.KindSession })
			if err := f.Revoke(t.Context(), "ada", want[7]); err != nil {
				t.Fatal(err)
			}
			_, next := f.rotate(t, want[8], time.Minute)
			want = append(want, next.ID)
			slices.Reverse(want)
			for _, later := range []time.Duration{0, 1000 * time.Hour} { // valid, and expired
				time.Sleep(later)
				list, err := f.List(t.Context(), "ada")
				if got := ids(list); err != nil || !slices.Equal(got, want) {
					t.Fatalf("%d listed, %v, want %d, newest first", len(got), err, len(want))
				}
			}
			if _, err := f.store.Prune(t.Context(), store.PruneBefore{Ended: time.Now(), Rotated: time.Now()}); err != nil {
				t.Fatal(err)
			}
			if list, err := f.List(t.Context(), "ada"); len(list) != 0 || err != nil {
				t.Errorf("List after all were pruned = %v, %v", list, err)
			}
		})
	})
}

// Nobody has no credentials, and an account that is none has none of others'.
func TestListOfNobody(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		f.issue(t, credential.Request{})
		if list, err := f.List(t.Context(), ""); len(list) > 0 || !errors.Is(err, credential.ErrRequest) {
			t.Errorf("List of nobody = %v, %v, want an error", list, err)
		}
		if list, err := f.List(t.Context(), "adam"); len(list) > 0 || err != nil {
			t.Errorf("List of another account = %v, %v", list, err)
		}
	})
}

// T3 T4: once it is shown, the plaintext is nowhere, and the digest in nothing
// that is shown.
func TestShownOnce(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		f := p.setup(t, credential.Config{})
		plaintext, c := f.issue(t, credential.Request{Name: "ci", Data: []byte("host's own")})
		rotated, next := f.rotate(t, c.ID, time.Hour)
		list, err := f.List(t.Context(), "ada")
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		for _, c := range append(list, c, next, f.row(t, c.ID), f.row(t, next.ID)) {
			asJSON, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			shown := fmt.Sprintf("%s %v %+v %#v %s %q %x", asJSON, *c, *c, *c, *c, *c, c.Data)
			for _, secret := range []string{plaintext, rotated} {
				if strings.Contains(shown, secret) || strings.Contains(shown, secret[len(p.prefix):len(secret)-6]) {
					t.Errorf("the plaintext is in %s", shown)
				}
			}
			for _, digest := range []string{
				hex.EncodeToString(c.Digest[:]), strings.ToUpper(hex.EncodeToString(c.Digest[:])),
				base64.StdEncoding.EncodeToString(c.Digest[:]), base64.RawURLEncoding.EncodeToString(c.Digest[:]),
				string(c.Digest[:]), fmt.Sprint([32]byte(c.Digest))[1:40],
			} {
				if strings.Contains(shown, digest) {
					t.Errorf("the digest is in %s", shown)
				}
			}
			var fields map[string]any
			if err := json.Unmarshal(asJSON, &fields); err != nil {
				t.Fatal(err)
			}
			for name := range fields {
				if strings.EqualFold(name, "digest") || strings.EqualFold(name, "data") {
					t.Errorf("the JSON form %s has %s", asJSON, name)
				}
			}
		}
	})
}
