package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// authenticated issues a secret and returns who presents it, as a handler
// behind a Guard learns it.
func authenticated(t testing.TB, secrets *secret.Secrets, req secret.Request) *auth.Identity {
	t.Helper()
	req.Subject = "ada"
	plain, _, err := secrets.Issue(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	g := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{secrets}})
	id, err := g.Authenticate(request("Secret " + plain.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// R9: a token may do what its secret may, or less.
func TestExchangeScopes(t *testing.T) {
	all := []string{auth.AllScopes}
	tests := []struct {
		name                string
		secret, asked, want []string // want nil: refused
	}{
		{"all of all", nil, nil, all},
		{"some of all", nil, []string{"a"}, []string{"a"}},
		{"all of all, by name", nil, all, all},
		{"none of all", nil, []string{}, []string{}},
		{"its own", []string{"a", "b"}, nil, []string{"a", "b"}},
		{"its own, by name", []string{"a", "b"}, []string{"b", "a"}, []string{"b", "a"}},
		{"one of its own", []string{"a", "b"}, []string{"b"}, []string{"b"}},
		{"none of its own", []string{"a"}, []string{}, []string{}},
		{"another", []string{"a"}, []string{"b"}, nil},
		{"another besides", []string{"a"}, []string{"a", "b"}, nil},
		{"another in capitals", []string{"a"}, []string{"A"}, nil},
		{"a part of one", []string{"reports:read"}, []string{"reports"}, nil},
		{"all of one", []string{"a"}, all, nil},
		{"those of a secret without any", []string{}, nil, []string{}},
		{"none of a secret without any", []string{}, []string{}, []string{}},
		{"one of a secret without any", []string{}, []string{"a"}, nil},
		{"all of a secret without any", []string{}, all, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st := store.NewMemory()
			from := authenticated(t, newSecrets(t, st), secret.Request{Scopes: tt.secret})
			var told []auth.Event
			tokens := newTokens(t, bearer.Config{Store: st, Observe: func(_ context.Context, ev auth.Event) { told = append(told, ev) }})
			plain, c, err := tokens.Exchange(t.Context(), from, bearer.Request{Scopes: tt.asked})
			stored, listErr := tokens.ListExchanged(t.Context(), "ada", from.Client)
			if listErr != nil {
				t.Fatal(listErr)
			}
			if tt.want == nil {
				if !errors.Is(err, auth.ErrInsufficientScope) || c != nil || plain.Reveal() != "" || len(stored) > 0 || len(told) > 0 {
					t.Errorf("Exchange = %v, %v, stored %v, want insufficient scope and nothing stored", c, err, stored)
				}
				return
			}
			if err != nil || !slices.Equal(c.Scopes, tt.want) || len(stored) != 1 || !slices.Equal(stored[0].Scopes, tt.want) {
				t.Fatalf("Exchange = %+v, %v, stored %+v, want scopes %q", c, err, stored, tt.want)
			}
			id, err := tokens.Authenticate(request("Bearer " + plain.Reveal()))
			if err != nil {
				t.Fatal(err)
			}
			for _, scope := range []string{"a", "b", "A", "reports", auth.AllScopes} {
				if id.Has(scope) && !from.Has(scope) {
					t.Errorf("the token may %s, the secret may not", scope)
				}
			}
		})
	}
}

// R9: the token stands for the secret: account and parent are the secret's,
// whatever the request says; all else is the request's.
func TestExchange(t *testing.T) {
	st := store.NewMemory()
	from := authenticated(t, newSecrets(t, st), secret.Request{Name: "backend", Scopes: []string{"a"}})
	before := *from
	before.Scopes = slices.Clone(from.Scopes)
	tokens := newTokens(t, bearer.Config{Store: st})
	plain, c, err := tokens.Exchange(t.Context(), from, bearer.Request{
		Subject: "mallory", ClientID: "another", Name: "hourly", Lifetime: time.Hour, Networks: networks("192.0.2.0/24"), Data: []byte("data"),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &store.Credential{
		ID: c.ID, Kind: store.KindToken, Digest: c.Digest, Subject: "ada", Name: "hourly", Hint: c.Hint, Scopes: []string{"a"}, Family: c.ID,
		ClientID: from.Client, Networks: networks("192.0.2.0/24"), CreatedAt: c.CreatedAt, ExpiresAt: c.CreatedAt.Add(time.Hour), Data: []byte("data"),
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("Exchange = %+v, want %+v", c, want)
	}
	if got := ask(t, tokens, request("Bearer "+plain.Reveal())); got.Code != http.StatusOK || got.Body.String() != "ada" {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	c.Scopes[0] = "z"
	if !reflect.DeepEqual(*from, before) {
		t.Errorf("the secret's identity is now %+v", from)
	}
	if list, err := tokens.List(t.Context(), "mallory"); len(list) > 0 || err != nil {
		t.Errorf("List of mallory = %v, %v", list, err)
	}
}

// A token has the name that it is given, or that of its secret.
func TestExchangeName(t *testing.T) {
	st := store.NewMemory()
	from := authenticated(t, newSecrets(t, st), secret.Request{Name: "backend"})
	tokens := newTokens(t, bearer.Config{Store: st})
	for asked, want := range map[string]string{"": "backend", "hourly": "hourly"} {
		if _, c, err := tokens.Exchange(t.Context(), from, bearer.Request{Name: asked}); err != nil || c.Name != want {
			t.Errorf("Exchange = %+v, %v, want the name %q", c, err, want)
		}
	}
}

// R9: only a client secret is exchanged. A token that could make tokens would
// never end.
func TestExchangeOfOthers(t *testing.T) {
	all := []string{auth.AllScopes}
	for name, from := range map[string]*auth.Identity{
		"nil":        nil,
		"token":      {Subject: "ada", Scheme: "Bearer", Credential: "id", Scopes: all},
		"cookie":     {Subject: "ada", Scheme: "Cookie", Credential: "id", Scopes: all},
		"host's own": {Subject: "ada", Scheme: "ApiKey", Credential: "id", Scopes: all},
		"lower case": {Subject: "ada", Scheme: "secret", Credential: "id", Scopes: all},
		"no scheme":  {Subject: "ada", Credential: "id", Scopes: all},
		"empty":      {},
	} {
		t.Run(name, func(t *testing.T) {
			tokens := newTokens(t, bearer.Config{})
			plain, c, err := tokens.Exchange(t.Context(), from, bearer.Request{Subject: "ada"})
			if !errors.Is(err, auth.ErrInsufficientScope) || c != nil || plain.Reveal() != "" {
				t.Errorf("Exchange = %v, %v, want insufficient scope", c, err)
			}
			if list, err := tokens.List(t.Context(), "ada"); len(list) > 0 || err != nil {
				t.Errorf("List = %v, %v", list, err)
			}
		})
	}
}

// What Issue refuses, Exchange does: bounds and limit.
func TestExchangeRefusals(t *testing.T) {
	st := store.NewMemory()
	from := authenticated(t, newSecrets(t, st), secret.Request{})
	tokens := newTokens(t, bearer.Config{Store: st, Limit: 1})
	if _, _, err := tokens.Exchange(t.Context(), from, bearer.Request{Lifetime: time.Second}); !errors.Is(err, bearer.ErrRequest) {
		t.Errorf("a lifetime of a second: %v, want a bad request", err)
	}
	if _, _, err := tokens.Exchange(t.Context(), &auth.Identity{Scheme: "Secret"}, bearer.Request{Subject: "ada"}); !errors.Is(err, auth.ErrInvalidCredentials) {
		t.Errorf("a secret of nobody: %v, want invalid credentials", err)
	}
	if _, _, err := tokens.Exchange(t.Context(), from, bearer.Request{}); err != nil {
		t.Errorf("the first: %v", err)
	}
	if _, _, err := tokens.Exchange(t.Context(), from, bearer.Request{}); !errors.Is(err, store.ErrLimit) {
		t.Errorf("the second: %v, want the limit reached", err)
	}
}

// passing returns refusals of another service, that it asks itself.
type passing struct {
	*store.Memory
	get, insert error
}

func (s *passing) Get(ctx context.Context, id string) (*store.Credential, error) {
	if s.get != nil {
		return nil, fmt.Errorf("vault: %w", s.get)
	}
	return s.Memory.Get(ctx, id)
}

func (s *passing) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	if s.insert != nil {
		return nil, fmt.Errorf("vault: %w", s.insert)
	}
	return s.Memory.Insert(ctx, c, l)
}

// What a store is refused by another service is an outage here, and says nothing
// of who asks. C6, B4
func TestExchangeOutage(t *testing.T) {
	for _, refusal := range []error{auth.ErrNoCredentials, auth.ErrInvalidCredentials, auth.ErrInsufficientScope, auth.ErrMalformed} {
		for verb, set := range map[string]func(*passing){
			"get":    func(s *passing) { s.get = refusal },
			"insert": func(s *passing) { s.insert = refusal },
		} {
			st := &passing{Memory: store.NewMemory()}
			from := authenticated(t, newSecrets(t, st), secret.Request{})
			set(st)
			if _, _, err := newTokens(t, bearer.Config{Store: st}).Exchange(t.Context(), from, bearer.Request{}); err == nil || errors.Is(err, refusal) || !strings.Contains(err.Error(), "vault: ") {
				t.Errorf("%s: %v, want an outage that says why", verb, err)
			}
		}
	}
}

// R9: the account's permissions hold when the token is used, not when it is
// made.
func TestExchangeAndPermissions(t *testing.T) {
	st := store.NewMemory()
	from := *authenticated(t, newSecrets(t, st), secret.Request{Scopes: []string{"a", "b"}})
	from.Account = &auth.Account{Permissions: []string{"a"}}
	tokens := newTokens(t, bearer.Config{Store: st})
	plain, _, err := tokens.Exchange(t.Context(), &from, bearer.Request{Scopes: []string{"b"}})
	if err != nil {
		t.Fatal(err)
	}
	account := &auth.Account{Permissions: []string{"a"}}
	g := newGuard(t, auth.Config{Authenticators: []auth.Authenticator{tokens}, Accounts: oneAccount{account}})
	if _, err := g.Authenticate(request("Bearer "+plain.Reveal()), "b"); !errors.Is(err, auth.ErrInsufficientScope) {
		t.Errorf("without the permission: %v, want insufficient scope", err)
	}
	account.Permissions = []string{"b"}
	if _, err := g.Authenticate(request("Bearer "+plain.Reveal()), "b"); err != nil {
		t.Errorf("with the permission: %v", err)
	}
}

// A token outlives its secret, be that expired or revoked, until the host
// revokes what the client got. M8
func TestExchangedTokenOutlivesSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := store.NewMemory()
		secrets, tokens := newSecrets(t, st), newTokens(t, bearer.Config{Store: st})
		brief := authenticated(t, secrets, secret.Request{Lifetime: time.Hour})
		revoked := authenticated(t, secrets, secret.Request{})
		var requests []*http.Request
		for _, from := range []*auth.Identity{brief, revoked} {
			plain, _, err := tokens.Exchange(t.Context(), from, bearer.Request{})
			if err != nil {
				t.Fatal(err)
			}
			requests = append(requests, request("Bearer "+plain.Reveal()))
		}
		if err := secrets.Revoke(t.Context(), "ada", revoked.Credential); err != nil {
			t.Fatal(err)
		}
		time.Sleep(23 * time.Hour)
		for _, r := range requests {
			want(t, tokens, r, http.StatusOK)
		}
		if n, err := tokens.RevokeExchanged(t.Context(), "ada", revoked.Client); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		want(t, tokens, requests[0], http.StatusOK)
		want(t, tokens, requests[1], http.StatusUnauthorized)
		time.Sleep(time.Hour)
		want(t, tokens, requests[0], http.StatusUnauthorized)
	})
}

// A secret that the host made may have no family. Its client is its ID.
func TestExchangeWithoutFamily(t *testing.T) {
	st := store.NewMemory()
	plain, c, err := newSecrets(t, store.NewMemory()).Issue(t.Context(), secret.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	c.Family = ""
	if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	from, err := newSecrets(t, st).Authenticate(request("Secret " + plain.Reveal()))
	if err != nil || from.Client != c.ID {
		t.Fatalf("%+v, %v, want the client %s", from, err, c.ID)
	}
	tokens := newTokens(t, bearer.Config{Store: st})
	if _, token, err := tokens.Exchange(t.Context(), from, bearer.Request{}); err != nil || token.ClientID != c.ID {
		t.Errorf("Exchange = %+v, %v, want the parent %s", token, err, c.ID)
	}
}

// RevokeExchanged finds what a client got before and after its secret was
// rotated, and nothing else. M8, R6
func TestRevokeExchanged(t *testing.T) {
	st := store.NewMemory()
	secrets := newSecrets(t, st)
	var told []auth.Event
	tokens := newTokens(t, bearer.Config{Store: st, Observe: func(_ context.Context, ev auth.Event) {
		if ev.Type == auth.Revoked {
			told = append(told, ev)
		}
	}})
	exchange := func(from *auth.Identity) *http.Request {
		t.Helper()
		plain, c, err := tokens.Exchange(t.Context(), from, bearer.Request{})
		if err != nil {
			t.Fatal(err)
		}
		r := request("Bearer " + plain.Reveal())
		if id, err := tokens.Authenticate(r); err != nil || id.Client != from.Client || c.ClientID != from.Client {
			t.Fatalf("%+v, %v, want the client %s", id, err, from.Client)
		}
		return r
	}
	before, other := authenticated(t, secrets, secret.Request{}), authenticated(t, secrets, secret.Request{})
	kept := []*http.Request{exchange(other)}
	ended := []*http.Request{exchange(before)}
	plain, next, err := secrets.Rotate(t.Context(), "ada", before.Credential, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ended = append(ended, exchange(before)) // in the overlap
	after, err := secrets.Authenticate(request("Secret " + plain.Reveal()))
	if err != nil || after.Client != before.Client || after.Credential != next.ID {
		t.Fatalf("%+v, %v, want the client %s", after, err, before.Client)
	}
	ended = append(ended, exchange(after))
	own, c := issue(t, tokens, bearer.Request{})
	kept = append(kept, request("Bearer "+own))

	for _, nobody := range [][2]string{{"mallory", before.Client}, {"ada", next.ID}, {"ada", c.ID}} {
		if n, err := tokens.RevokeExchanged(t.Context(), nobody[0], nobody[1]); n != 0 || err != nil {
			t.Errorf("RevokeExchanged%q = %d, %v, want 0", nobody, n, err)
		}
	}
	for _, unset := range [][2]string{{"", before.Client}, {"ada", ""}} {
		if n, err := tokens.RevokeExchanged(t.Context(), unset[0], unset[1]); n != 0 || !errors.Is(err, bearer.ErrRequest) {
			t.Errorf("RevokeExchanged%q = %d, %v, want a bad request", unset, n, err)
		}
	}
	if n, err := secrets.RevokeFamily(t.Context(), "ada", before.Client); n != 2 || err != nil {
		t.Errorf("RevokeFamily = %d, %v, want 2", n, err)
	}
	for _, n := range []int{3, 0} {
		if got, err := tokens.RevokeExchanged(t.Context(), "ada", before.Client); got != n || err != nil {
			t.Errorf("RevokeExchanged = %d, %v, want %d", got, err, n)
		}
	}
	for _, r := range ended {
		want(t, tokens, r, http.StatusUnauthorized)
	}
	for _, r := range kept {
		want(t, tokens, r, http.StatusOK)
	}
	if wantEvents := []auth.Event{{Type: auth.Revoked, Scheme: "Bearer", Subject: "ada", Credential: before.Client}}; !reflect.DeepEqual(told, wantEvents) {
		t.Errorf("events %+v, want %+v", told, wantEvents)
	}
}
