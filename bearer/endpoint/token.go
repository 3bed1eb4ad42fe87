package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// Token exchanges the secret of a client for an access token: RFC 6749 section
// 4.4, a form with grant_type=client_credentials and perhaps scope. It also
// takes a JSON object, whose names may be written in any case and whose members
// may all be left out:
//
//	{"Secret": "sec_...", "Lifetime": 3600, "Scopes": ["reports:read"]}
//
// Lifetime is in seconds, written as a JSON integer: 3600.0 and 3.6e3 are
// refused, as is what is out of bounds. Without scopes the token gets all those
// of the secret, with "Scopes": [] none; it cannot get others. Members that are
// repeated or unknown are refused, so that a typo is not taken for a default.
//
// Every exchange makes another token: if an answer is lost, ask again.
func (s *Server) Token(w http.ResponseWriter, r *http.Request) { s.serve(w, r, s.token) }

// An accessToken is a successful response: RFC 6749 section 5.1.
type accessToken struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	Scope       string `json:"scope"` // also where it is what was asked for, and where it is empty
}

func (s *Server) token(r *http.Request) (any, error) {
	ask, err := readExchange(r)
	if err != nil {
		return nil, err
	}
	client, err := s.authenticate(r, ask.client)
	if err != nil {
		return nil, err
	}
	lifetime, err := s.lifetime(r.Context(), client, ask.lifetime)
	if err != nil {
		return nil, err
	}
	plain, token, err := s.cfg.Tokens.Exchange(r.Context(), client, bearer.Request{Scopes: ask.scopes, Lifetime: lifetime})
	switch {
	case errors.Is(err, auth.ErrInsufficientScope), errors.Is(err, bearer.ErrRequest): // all else was checked
		return nil, &refusal{"invalid_scope", "The scope is malformed, or exceeds that of the client."}
	case errors.Is(err, store.ErrLimit):
		return nil, invalidRequest("The account holds as many tokens as it may.")
	case err != nil:
		return nil, err
	}
	return &accessToken{
		AccessToken: plain.Reveal(),
		TokenType:   "Bearer",
		ExpiresIn:   seconds(token.ExpiresAt.Sub(token.CreatedAt)),
		Scope:       strings.Join(token.Scopes, " "),
	}, nil
}

// lifetime returns the lifetime of a token for client, which asks for so many
// seconds.
func (s *Server) lifetime(ctx context.Context, client *auth.Identity, asked *int64) (time.Duration, error) {
	lowest, highest := seconds(s.cfg.MinLifetime), seconds(s.cfg.MaxLifetime)
	if s.cfg.MaxLifetimeFor != nil {
		own, err := s.cfg.MaxLifetimeFor(ctx, client)
		if err != nil {
			return 0, fmt.Errorf("endpoint: MaxLifetimeFor: %w", err)
		}
		if own != 0 {
			highest = min(highest, seconds(own))
		}
	}
	n := min(seconds(s.cfg.DefaultLifetime), highest)
	if asked != nil {
		n = *asked
	}
	if n < lowest || n > highest {
		return 0, invalidRequest(fmt.Sprintf("Lifetime must be from %d to %d seconds.", lowest, highest))
	}
	return time.Duration(n) * time.Second, nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// An exchange is what a client asks Token for.
type exchange struct {
	client   client   // as the body has it
	scopes   []string // nil: those of the secret
	lifetime *int64   // in seconds; nil: the default
}

// readExchange reads the body of a request to Token.
func readExchange(r *http.Request) (*exchange, error) {
	switch mediaType(r) {
	case typeForm:
		return readGrant(r)
	case typeJSON:
		return readJSON(r)
	}
	return nil, invalidRequest("The Content-Type must be " + typeForm + " or " + typeJSON + ".")
}

// readGrant reads a request of RFC 6749 section 4.4.2.
func readGrant(r *http.Request) (*exchange, error) {
	f, err := readForm(r)
	if err != nil {
		return nil, err
	}
	switch f["grant_type"] {
	case "client_credentials":
	case "":
		return nil, invalidRequest("The parameter grant_type is missing.")
	default:
		return nil, &refusal{"unsupported_grant_type", "The grant type must be client_credentials."}
	}
	ask := &exchange{client: f.client()}
	if scope := f["scope"]; scope != "" {
		ask.scopes = strings.Split(scope, " ") // exactly one space: section 3.3
	}
	return ask, nil
}

// readJSON reads a request in JSON.
func readJSON(r *http.Request) (*exchange, error) {
	members, err := readObject(r)
	if err != nil {
		return nil, err
	}
	ask := new(exchange)
	for name, value := range members {
		switch {
		case name == "secret" && value[0] == '"': // and not null, which Unmarshal would take
			err = json.Unmarshal(value, &ask.client.secret)
		case name == "scopes" && value[0] == '[':
			err = json.Unmarshal(value, &ask.scopes)
		case name == "lifetime":
			ask.lifetime = new(int64)
			*ask.lifetime, err = strconv.ParseInt(string(value), 10, 64)
		default:
			err = errors.ErrUnsupported
		}
		if err != nil {
			return nil, invalidRequest("The members may be Secret, a string; Lifetime, an integer in seconds; and Scopes, an array of strings.")
		}
	}
	return ask, nil
}
