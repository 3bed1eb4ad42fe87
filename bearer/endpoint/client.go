package endpoint

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/keystile/keystile/auth"
)

// A client is how a client authenticates itself.
type client struct {
	secret string // "": not in this way
	id     string
	named  bool // whether id counts: OAuth's own ways demand it, RFC 6749 section 2.3.1
}

// Why a client is refused, for Observe.
var (
	errOtherClient = fmt.Errorf("%w: the header and the body name different clients", auth.ErrInvalidCredentials)
	errForm        = fmt.Errorf("%w: not of the form of a secret", auth.ErrInvalidCredentials)
)

// authenticate returns who r is from: a client whose account may sign in.
// body is the client that the body names.
func (s *Server) authenticate(r *http.Request, body client) (*auth.Identity, error) {
	c, err := headerClient(r.Header)
	switch inHeader := r.Header.Get("Authorization") != ""; {
	case inHeader && body.secret != "":
		return nil, invalidRequest("The client must authenticate in one way only.")
	case !inHeader && err == auth.ErrNoCredentials && body.secret != "":
		c, err = body, nil
	case err == nil && body.named && c.named && body.id != c.id:
		err = errOtherClient
	case err == nil && body.named:
		c.id, c.named = body.id, true
	}
	var id *auth.Identity
	if err == nil {
		id, err = s.verify(r.Context(), c, s.cfg.Secrets.ClientAddr(r))
	}
	return s.clients.Check(r.Context(), id, err)
}

func (s *Server) verify(ctx context.Context, c client, addr netip.Addr) (*auth.Identity, error) {
	if c.named {
		return s.cfg.Secrets.AuthenticateClient(ctx, c.id, c.secret, addr)
	}
	id, err := s.cfg.Secrets.Verify(ctx, c.secret, addr)
	if errors.Is(err, auth.ErrNoCredentials) {
		err = errForm
	}
	return id, err
}

// headerClient returns the client that the Authorization header names, or
// auth.ErrNoCredentials if it is of another scheme.
func headerClient(h http.Header) (client, error) {
	secret, err := auth.HeaderCredentials(h, "Secret")
	if !errors.Is(err, auth.ErrNoCredentials) {
		return client{secret: secret}, err
	}
	credentials, err := auth.HeaderCredentials(h, "Basic")
	if err != nil {
		return client{}, err
	}
	return basicClient(credentials)
}

// basicClient decodes the credentials of client_secret_basic: each part is
// encoded as a form is, before it is as RFC 7617 has it.
func basicClient(credentials string) (client, error) {
	pair, err := base64.StdEncoding.DecodeString(credentials)
	id, secret, found := strings.Cut(string(pair), ":")
	id, idErr := url.QueryUnescape(id)
	secret, secretErr := url.QueryUnescape(secret)
	if !found || err != nil || idErr != nil || secretErr != nil {
		return client{}, auth.ErrMalformed // the causes quote the secret
	}
	return client{secret: secret, id: id, named: true}, nil
}
