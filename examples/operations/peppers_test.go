package operations_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

func newPepper() []byte {
	pepper := make([]byte, 32)
	rand.Read(pepper)
	return pepper
}

// A crowd holds tokens and secrets of every node and every time.
type crowd struct {
	t             *testing.T
	authorization []string
}

// come gives out a token and a secret at each of issuing. Whoever has one visits
// each of nodes.
func (c *crowd) come(issuing, nodes []*node) {
	c.t.Helper()
	for _, n := range issuing {
		token, _ := n.issue(c.t)
		client := fmt.Sprint("client-", len(c.authorization))
		plain, _, err := n.secrets.Issue(c.t.Context(), secret.Request{Subject: client, Lifetime: 30 * 24 * time.Hour})
		if err != nil {
			c.t.Fatal(err)
		}
		c.authorization = append(c.authorization, "Bearer "+token, "Secret "+plain.Reveal())
	}
	for i, authorization := range c.authorization {
		for j, n := range nodes {
			if got := n.call(authorization); got != http.StatusOK {
				c.t.Fatalf("credential %d at node %d: %d, want 200", i, j, got)
			}
		}
	}
}

// gone checks that nobody of before is let in, and forgets them.
func (c *crowd) gone(nodes []*node) {
	c.t.Helper()
	for i, authorization := range c.authorization {
		for j, n := range nodes {
			if got := n.call(authorization); got != http.StatusUnauthorized {
				c.t.Errorf("credential %d at node %d: %d, want 401", i, j, got)
			}
		}
	}
	c.authorization = nil
}

// The pepper is changed on three nodes, and no token is refused: the new one
// second everywhere, then first, then alone when the tokens of before have expired.
func TestRotatePepper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		older, newer, st := newPepper(), newPepper(), store.NewMemory()
		with := func(peppers ...[]byte) config { return config{store: st, peppers: peppers} }
		nodes := []*node{newNode(t, with(older)), newNode(t, with(older)), newNode(t, with(older))}
		c := crowd{t: t}
		everybody := func() { t.Helper(); c.come(nodes, nodes) }
		roll(t, nodes, with(older, newer), everybody)
		roll(t, nodes, with(newer, older), everybody)
		time.Sleep(30 * 24 * time.Hour) // the longest lifetime here
		c.gone(nodes)
		everybody()
		roll(t, nodes, with(newer), everybody)
	})
}

// A token that is rotated goes over to the pepper that is first: so nobody has to
// wait for the end of one that lives for a year.
func TestRotatePepperSooner(t *testing.T) {
	older, newer, st := newPepper(), newPepper(), store.NewMemory()
	_, c := newNode(t, config{store: st, peppers: [][]byte{older}}).issue(t)
	plain, _, err := newNode(t, config{store: st, peppers: [][]byte{newer, older}}).tokens.Rotate(t.Context(), "ada", c.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "rotated", http.StatusOK, plain.Reveal(), newNode(t, config{store: st, peppers: [][]byte{newer}}))
}

// Why the new pepper is second first: a node that does not have it yet refuses
// what was made with it.
func TestRotatePepperTooEarly(t *testing.T) {
	older, newer, st := newPepper(), newPepper(), store.NewMemory()
	token, _ := newNode(t, config{store: st, peppers: [][]byte{newer, older}}).issue(t)
	wants(t, "made with a pepper that is not known yet", http.StatusUnauthorized, token, newNode(t, config{store: st, peppers: [][]byte{older}}))
}

// Peppers are adopted by three nodes that had none, and no token is refused: first
// every node accepts what is made with one, while all go on making tokens without;
// then all make them with it; then those without have expired.
func TestAdoptPepper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pepper, st := newPepper(), store.NewMemory()
		without := config{store: st}
		accepting := config{store: st, peppers: [][]byte{pepper}, also: true}
		nodes := []*node{newNode(t, without), newNode(t, without), newNode(t, without)}
		issuing := append([]*node(nil), nodes...) // a second bearer.Tokens, and secret.Secrets, of each process
		c := crowd{t: t}
		everybody := func() { t.Helper(); c.come(issuing, nodes) }
		roll(t, nodes, accepting, everybody)
		for i := range issuing {
			issuing[i] = nodes[i]
			everybody()
		}
		time.Sleep(30 * 24 * time.Hour)
		c.gone(nodes)
		everybody()
		roll(t, nodes, config{store: st, peppers: [][]byte{pepper}}, func() { t.Helper(); c.come(nodes, nodes) })
	})
}

// While peppers are adopted, the endpoint for tokens issues without one, and takes
// the secrets that other nodes make with it already.
func TestAdoptPepperAtEndpoint(t *testing.T) {
	pepper, st := newPepper(), store.NewMemory()
	without := newNode(t, config{store: st})
	accepting := newNode(t, config{store: st, peppers: [][]byte{pepper}, also: true})
	plain, _, err := accepting.secrets.Issue(t.Context(), secret.Request{Subject: "ada"}) // by a node that is at step 2
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		secrets *secret.Secrets
		status  int
	}{
		{"those that authenticate", accepting.secrets, http.StatusOK},
		{"those that issue", without.secrets, http.StatusUnauthorized},
	} {
		server, err := endpoint.New(endpoint.Config{Tokens: without.tokens, Secrets: tt.secrets})
		if err != nil {
			t.Fatal(err)
		}
		r := authorized("Secret " + plain.Reveal())
		r.Method, r.Body = "POST", io.NopCloser(strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		server.Token(w, r)
		if w.Code != tt.status {
			t.Errorf("%s: %d, want %d", tt.name, w.Code, tt.status)
		}
		if w.Code != http.StatusOK {
			continue
		}
		var got struct {
			Token string `json:"access_token"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		wants(t, "the token", http.StatusOK, got.Token, accepting, without)
	}
}

// Who can write to the database, but does not know the pepper, makes no token once
// AcceptUnpeppered is gone.
func TestAdoptedPepperIsNeeded(t *testing.T) {
	pepper, st := newPepper(), store.NewMemory()
	forged, _ := newNode(t, config{store: st}).issue(t) // a row with the SHA-256 of something
	for also, want := range map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized} {
		n := newNode(t, config{store: st, peppers: [][]byte{pepper}, also: also})
		if got := n.call("Bearer " + forged); got != want {
			t.Errorf("AcceptUnpeppered %v: %d, want %d", also, got, want)
		}
	}
}

// What peppers do not protect from: rows are not signed, so who can write to the
// database can give a token of their own to another account, and undo a revocation.
func TestPeppersDoNotSignRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.db")
	st, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	n := newNode(t, config{store: st, peppers: [][]byte{newPepper()}})
	token, c := n.issue(t)
	if err := n.tokens.Revoke(t.Context(), "ada", c.ID); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `UPDATE keystile_credentials SET subject = 'ben', revoked_at = NULL`); err != nil {
		t.Fatal(err)
	}
	if id, err := n.tokens.Verify(t.Context(), token, netip.Addr{}); err != nil || id.Subject != "ben" {
		t.Errorf("%+v, %v, want ben", id, err)
	}
}
