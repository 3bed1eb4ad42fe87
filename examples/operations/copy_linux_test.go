package operations_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/examples/operations"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// A service moves from one engine to the next, and nobody notices but those who
// want to be issued something meanwhile: what is valid stays valid, what has ended
// stays ended, and rows are the same to the last field.
func TestCopy(t *testing.T) {
	file, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "credentials.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rdb, _ := openRedis(t, services.StartRedis(t))
	back, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "again.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	stores := []struct {
		name string
		scannable
	}{
		{"SQLite", file},
		{"PostgreSQL", openPostgres(t, services.StartPostgres(t).DSN("postgres"))},
		{"Redis", rdb},
		{"SQLite again", back},
	}

	cfg := config{store: file, keys: []cookie.Key{cookie.NewKey()}}
	n := newNode(t, cfg)
	valid, validRow := n.issue(t)
	if err := file.Touch(t.Context(), []store.Use{{ID: validRow.ID, At: time.Now(), Addr: netip.MustParseAddr("192.0.2.7")}}); err != nil {
		t.Fatal(err)
	}
	revoked, row := n.issue(t)
	if err := n.tokens.Revoke(t.Context(), "ada", row.ID); err != nil {
		t.Fatal(err)
	}
	rotated, row := n.issue(t)
	if _, _, err := n.tokens.Rotate(t.Context(), "ada", row.ID, 0); err != nil {
		t.Fatal(err)
	}
	session, _ := n.signIn(t)
	plain, _, err := n.secrets.Issue(t.Context(), secret.Request{Subject: "ada", Data: []byte("client")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1001 { // more than a page
		if _, err := file.Insert(t.Context(), plainRow(i), store.Limits{}); err != nil {
			t.Fatal(err)
		}
	}

	for i, to := range stores[1:] {
		from := stores[i]
		t.Run("from "+from.name+" to "+to.name, func(t *testing.T) {
			// 1. The nodes verify, and change nothing any more.
			cfg.store = store.FindOnly(from)
			frozen := newNode(t, cfg)
			serves := func(what string, n *node) {
				t.Helper()
				visitor := session
				got := []int{n.call("Bearer " + valid), n.call("Secret " + plain.Reveal()), n.visit(&visitor), n.call("Bearer " + revoked), n.call("Bearer " + rotated)}
				if diff := cmp.Diff([]int{200, 200, 200, 401, 401}, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
			serves("frozen", frozen)
			if _, _, err := frozen.tokens.Issue(t.Context(), bearer.Request{Subject: "ada"}); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("frozen, issue: %v", err)
			}
			if _, err := frozen.sessions.SignIn(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil), cookie.Request{Subject: "ada"}); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("frozen, sign in: %v", err)
			}
			if err := frozen.tokens.Revoke(t.Context(), "ada", validRow.ID); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("frozen, revoke: %v", err)
			}

			// 2. Copy, and compare.
			want := 1001 + 6 + i // one more each time, see below
			if copied, err := operations.Copy(t.Context(), to, from); err != nil || copied != want {
				t.Fatalf("%d copied, %v, want %d", copied, err, want)
			}
			if diff := cmp.Diff(rows(t, from), rows(t, to)); diff != "" {
				t.Errorf("(-from +to):\n%s", diff)
			}
			serves("frozen, after the copy", frozen)

			// 3. The nodes go over to the new one, and still change nothing.
			cfg.store = store.FindOnly(to)
			still := newNode(t, cfg)
			serves("moved, frozen", still)

			// 4. Then one after the other does everything. Those that have
			// the new one, frozen, know of it; those with the old one would not.
			cfg.store = to
			n := newNode(t, cfg)
			serves("moved", n)
			token, c := n.issue(t)
			wants(t, "issued on the new one", http.StatusOK, token, n, still)
			wants(t, "issued on the new one, asked at the old one", http.StatusUnauthorized, token, frozen)
			if _, err := n.tokens.RevokeFamily(t.Context(), "ada", c.Family); err != nil {
				t.Fatal(err)
			}
			wants(t, "revoked on the new one", http.StatusUnauthorized, token, n, still)
		})
	}
}

// plainRow returns one of many rows.
func plainRow(i int) *store.Credential {
	now := time.Now().Add(time.Duration(i) * time.Microsecond)
	c := &store.Credential{ID: fmt.Sprintf("many-%04d", i), Kind: store.KindToken, Subject: "many", CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour)}
	copy(c.Digest[:], c.ID)
	return c
}

// scannable is a store that can be copied from.
type scannable interface {
	store.Store
	store.Scanner
}

// rows returns all rows, with the digests as bytes: a Digest prints as "[digest]".
func rows(t *testing.T, st store.Scanner) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for c, err := range st.Scan(t.Context(), store.ScanFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		c := c.Clone()
		if c.Kind == store.KindSession { // an earlier node may just be writing it
			c.LastUsedAt, c.LastUsedAddr = time.Time{}, netip.Addr{}
		}
		rows[c.ID] = fmt.Sprintf("%x %q %+v", c.Digest[:], c.Data, *c)
	}
	return rows
}

// What is there already is not written over: a copy begins with an empty store.
func TestCopyNotEmpty(t *testing.T) {
	from, to := store.NewMemory(), store.NewMemory()
	newNode(t, config{store: from}).issue(t)
	if n, err := operations.Copy(t.Context(), to, from); n != 1 || err != nil {
		t.Fatalf("%d copied, %v", n, err)
	}
	if _, err := operations.Copy(t.Context(), to, from); !errors.Is(err, store.ErrExists) {
		t.Errorf("again: %v, want %v", err, store.ErrExists)
	}
}
