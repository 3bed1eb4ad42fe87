package endpoint

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/grammar"
	"github.com/keystile/keystile/store"
)

// Introspect tells a client what a token may do: RFC 7662. The request is a form
// with the token; a token_type_hint is of no use here and ignored. The answer is
// {"active":false}, and no more, for a token that is not valid, not ours, or not
// for this client to inspect ([Config.MayInspect]).
//
// The scope in the answer is what the token may do at the moment: with
// [Config.Accounts] it is confined to the permissions of the account. It may be
// "*", auth.AllScopes.
//
// A token that is bound to networks is never active: where it was presented, only
// the resource server has seen. Inspecting a valid one counts as a use of it.
func (s *Server) Introspect(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.introspect) }

// Revoke revokes a token: RFC 7009. The request is a form with the token; a
// token_type_hint is of no use here and ignored. Where there is nothing that
// this client may revoke ([Config.MayRevoke]), the answer is 200 as well.
func (s *Server) Revoke(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.revoke) }

// An introspection is the answer of RFC 7662 section 2.2. The zero one is that
// of a token that is not active.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Subject   string `json:"sub,omitempty"`
	ExpiresAt int64  `json:"exp,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
	TokenType string `json:"token_type,omitempty"`
}

func (s *Server) introspect(r *http.Request) (any, error) {
	plaintext, token, err := s.theToken(r, s.cfg.MayInspect)
	if err != nil {
		return nil, err
	}
	if token == nil {
		return &introspection{}, nil
	}
	id, err := s.cfg.Tokens.Verify(r.Context(), plaintext, netip.Addr{})
	id, err = s.bearers.Check(r.Context(), id, err)
	switch {
	case errors.Is(err, auth.ErrInvalidCredentials):
		return &introspection{}, nil
	case err != nil:
		return nil, err
	}
	return &introspection{
		Active:    true,
		Scope:     strings.Join(effective(id), " "),
		ClientID:  id.Client,
		Subject:   id.Subject,
		ExpiresAt: unix(id.ExpiresAt),
		IssuedAt:  unix(id.IssuedAt),
		TokenType: "Bearer",
	}, nil
}

func (s *Server) revoke(r *http.Request) (any, error) {
	_, token, err := s.theToken(r, s.cfg.MayRevoke)
	if err != nil || token == nil {
		return nil, err
	}
	err = s.cfg.Tokens.Revoke(r.Context(), token.Subject, token.ID)
	if errors.Is(err, store.ErrNotFound) { // pruned a moment ago
		err = nil
	}
	return nil, err
}

// theToken returns the token that r is about, valid or not, if there is one and
// the client may.
func (s *Server) theToken(r *http.Request, may func(context.Context, *auth.Identity, *store.Credential) bool) (string, *store.Credential, error) {
	f, err := readForm(r)
	if err != nil {
		return "", nil, err
	}
	client, err := s.authenticate(r, f.client())
	if err != nil {
		return "", nil, err
	}
	plaintext := f["token"]
	if plaintext == "" {
		return "", nil, invalidRequest("The parameter token is missing.")
	}
	token, err := s.cfg.Tokens.Lookup(r.Context(), plaintext)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil, nil
	case err != nil:
		return "", nil, err
	case !may(r.Context(), client, token):
		return "", nil, nil
	}
	return plaintext, token, nil
}

// effective returns the scopes of id that its account allows too, without those
// permissions of the account that cannot be written as a scope.
func effective(id *auth.Identity) []string {
	scopes := id.Scopes
	if id.Account != nil && slices.Contains(scopes, auth.AllScopes) {
		scopes = id.Account.Permissions
	}
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return !grammar.IsScope(scope) || !id.Has(scope) })
}

// unix returns t in seconds, 0 for never.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
