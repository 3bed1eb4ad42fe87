package operations_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/examples/operations"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// Every kind of event revokes what it names, and nothing of anybody else.
func TestRevokeAgain(t *testing.T) {
	tests := []struct {
		name   string
		event  func(token, client *store.Credential) auth.Event
		status [3]int // of the first of a chain, its successor, a token of the client
	}{
		{"one", func(c, _ *store.Credential) auth.Event {
			return auth.Event{Type: auth.Revoked, Scheme: "Bearer", Subject: "ada", Credential: c.ID}
		}, [3]int{401, 401, 200}},
		{"reused", func(c, _ *store.Credential) auth.Event {
			return auth.Event{Type: auth.Reused, Scheme: "Bearer", Subject: "ada", Credential: c.ID}
		}, [3]int{401, 401, 200}},
		{"those of a client", func(_, client *store.Credential) auth.Event {
			return auth.Event{Type: auth.Revoked, Scheme: "Bearer", Subject: "ada", Credential: client.Family}
		}, [3]int{200, 200, 401}},
		{"all", func(_, _ *store.Credential) auth.Event {
			return auth.Event{Type: auth.Revoked, Scheme: "Bearer", Subject: "ada"}
		}, [3]int{401, 401, 401}},
		{"another account's", func(c, _ *store.Credential) auth.Event {
			return auth.Event{Type: auth.Revoked, Scheme: "Bearer", Subject: "ben", Credential: c.ID}
		}, [3]int{200, 200, 200}},
		{"another kind", func(c, _ *store.Credential) auth.Event {
			return auth.Event{Type: auth.Revoked, Scheme: "Secret", Subject: "ada", Credential: c.ID}
		}, [3]int{200, 200, 200}},
		{"no revocation", func(c, _ *store.Credential) auth.Event {
			return auth.Event{Type: auth.Issued, Scheme: "Bearer", Subject: "ada", Credential: c.ID}
		}, [3]int{200, 200, 200}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := store.NewMemory()
			n := newNode(t, config{store: st})
			first, c := n.issue(t)
			next, nextRow, err := n.tokens.Rotate(t.Context(), "ada", c.ID, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			plain, client, err := n.secrets.Issue(t.Context(), secret.Request{Subject: "ada"})
			if err != nil {
				t.Fatal(err)
			}
			exchanged := exchange(t, n, plain.Reveal(), client.Family)
			if _, err := operations.RevokeAgain(t.Context(), st, []auth.Event{tt.event(nextRow, client)}); err != nil {
				t.Fatal(err)
			}
			got := [3]int{n.call("Bearer " + first), n.call("Bearer " + next.Reveal()), n.call("Bearer " + exchanged)}
			if got != tt.status {
				t.Errorf("%v, want %v", got, tt.status)
			}
			if n.call("Secret "+plain.Reveal()) != http.StatusOK {
				t.Error("the secret is refused")
			}
		})
	}
	if _, err := operations.RevokeAgain(t.Context(), store.NewMemory(), []auth.Event{{Type: auth.Revoked, Scheme: "Bearer"}}); err == nil {
		t.Error("an event without a subject: no error")
	}
}
