package canary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// subject is whose everything is: a text that is found in the files of a store,
// if they are the right ones.
const subject = "whose-canaries-these-are"

// What a service keeps secret, besides the credentials.
type configured struct {
	codec            cookie.Codec
	keys             []cookie.Key
	pepper, password string
}

// A service is a host with everything that keystile has.
type service struct {
	addr     string
	out      *output
	store    *tapped
	tokens   *bearer.Tokens
	secrets  *secret.Secrets
	sessions *cookie.Sessions
	unused   *cookie.Sessions // the same, to be printed: sessions write last uses meanwhile
	guards   []*auth.Guard
	limiter  *throttle.Limiter
	endpoint *endpoint.Server
	configs  []any
}

func start(t *testing.T, out *output, st store.Store, with configured) *service {
	t.Helper()
	s := &service{out: out, store: &tapped{Store: st, out: out}}
	peppers := [][]byte{[]byte(with.pepper)}
	ofTokens := bearer.Config{Store: s.store, Peppers: peppers, RevokeReused: true, LastUsedInterval: -1, Observe: out.observe}
	ofSecrets := secret.Config{Store: s.store, Peppers: peppers, AcceptImported: true, LastUsedInterval: -1, Limit: -1, Observe: out.observe}
	ofSessions := cookie.Config{Store: s.store, Keys: with.keys, Codec: with.codec, Observe: out.observe}
	var err1, err2, err3, err4 error
	s.tokens, err1 = bearer.New(ofTokens)
	s.secrets, err2 = secret.New(ofSecrets)
	s.sessions, err3 = cookie.New(ofSessions)
	s.unused, _ = cookie.New(ofSessions)
	s.limiter, err4 = throttle.New(throttle.Config{Burst: 3, Interval: time.Hour, Addresses: 100})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	guard := func(limit auth.Throttle, schemes ...auth.Authenticator) *auth.Guard {
		cfg := auth.Config{Authenticators: schemes, Accounts: accounts{}, Throttle: limit, Observe: out.observe}
		g, err := auth.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s.guards, s.configs = append(s.guards, g), append(s.configs, cfg)
		return g
	}
	ofEndpoint := endpoint.Config{Tokens: s.tokens, Secrets: s.secrets, Accounts: accounts{}, Observe: out.observe}
	server, err := endpoint.New(ofEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	s.endpoint = server
	ofTokens.Peppers, ofSecrets.Peppers = nil, nil // plain bytes, which a Config shows to whoever prints it
	s.configs = append(s.configs, ofTokens, ofSecrets, ofSessions, ofEndpoint)

	api := guard(nil, s.sessions, s.tokens)
	mux := http.NewServeMux()
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		out.tell("values", id)
		fmt.Fprintln(out.to("values"), r.Context())
		json.NewEncoder(w).Encode(id)
	})
	mux.Handle("/api", api.Require("read")(hello))
	mux.Handle("/admin", api.Require("admin")(hello))
	mux.Handle("/optional", api.Optional(hello))
	mux.Handle("/limited", guard(s.limiter, s.tokens, passwords(with.password)).Require()(hello))
	mux.Handle("/server", guard(nil, s.secrets).Require()(hello))
	mux.HandleFunc("/token", server.Token)
	mux.HandleFunc("/introspect", server.Introspect)
	mux.HandleFunc("/revoke", server.Revoke)
	mux.Handle("POST /login", s.sessions.Protect(s.handler(func(w http.ResponseWriter, r *http.Request) (any, error) {
		if r.FormValue("password") != with.password {
			return nil, fmt.Errorf("password: %w", auth.ErrInvalidCredentials)
		}
		return s.sessions.SignIn(w, r, cookie.Request{Subject: subject, UserAgent: r.UserAgent()})
	})))
	mux.Handle("POST /logout", s.sessions.Protect(s.handler(func(w http.ResponseWriter, r *http.Request) (any, error) {
		return nil, s.sessions.SignOut(w, r)
	})))
	mux.Handle("POST /manage/{what}", api.Require()(s.handler(s.manage)))
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { // what nobody should do
		w.Header().Set("Echo", r.Header.Get("Authorization"))
	})

	live := httptest.NewUnstartedServer(mux)
	live.Config.ErrorLog = slog.NewLogLogger(slog.Default().Handler(), slog.LevelError)
	live.Start()
	t.Cleanup(live.Close)
	s.addr = live.Listener.Addr().String()
	return s
}

// handler answers with what f returns, or as a Guard would.
func (s *service) handler(f func(http.ResponseWriter, *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := f(w, r)
		if err != nil {
			slog.Error(r.URL.Path, "err", err)
			s.out.failed(err)
			http.Error(w, err.Error(), http.StatusInternalServerError) // more than clients should see
			return
		}
		if _, shows := got.(issued); !shows {
			s.out.tell("values", got)
		}
		json.NewEncoder(w).Encode(got)
	})
}

// Issued is the answer that shows a plaintext.
type issued struct {
	Plain      auth.Plaintext `json:"plain"`
	Reveal     string         `json:"reveal"`
	Credential *store.Credential
}

// manage does what is asked for with the form values id and plain.
func (s *service) manage(w http.ResponseWriter, r *http.Request) (any, error) {
	ctx, id, given := r.Context(), r.FormValue("id"), r.FormValue("plain")
	show := func(plain auth.Plaintext, c *store.Credential, err error) (any, error) {
		s.out.tell("values", plain, &plain, []auth.Plaintext{plain}, struct{ plain auth.Plaintext }{plain}, c)
		if err != nil {
			return nil, err
		}
		w.Header().Set("Credential", c.ID)
		return issued{plain, plain.Reveal(), c}, nil
	}
	switch r.PathValue("what") {
	case "issue":
		return show(s.tokens.Issue(ctx, bearer.Request{Subject: subject, Name: "ci", Scopes: r.Form["scope"]}))
	case "rotate":
		return show(s.tokens.Rotate(ctx, subject, id, 0))
	case "end":
		return nil, s.tokens.Revoke(ctx, subject, id)
	case "leaked":
		return nil, errors.Join(s.tokens.RevokeLeaked(ctx, given), s.secrets.RevokeLeaked(ctx, given))
	case "lookup":
		return s.tokens.Lookup(ctx, given)
	case "issue-secret":
		return show(s.secrets.Issue(ctx, secret.Request{Subject: subject, Name: "backend", Scopes: r.Form["scope"]}))
	case "rotate-secret":
		return show(s.secrets.Rotate(ctx, subject, id, time.Hour))
	case "import":
		return s.secrets.Import(ctx, secret.Request{Subject: subject, Name: "old"}, given)
	case "list":
		tokens, err1 := s.tokens.List(ctx, subject)
		secrets, err2 := s.secrets.List(ctx, subject)
		sessions, err3 := s.sessions.List(ctx, subject)
		return []any{tokens, secrets, sessions}, errors.Join(err1, err2, err3)
	}
	return nil, errors.New("manage what?")
}

type accounts struct{}

func (accounts) Account(context.Context, string) (*auth.Account, error) {
	return &auth.Account{Permissions: []string{auth.AllScopes}, User: "Ada"}, nil
}

// passwords authenticates by a password, as a host's own scheme may.
func passwords(right string) auth.Authenticator {
	return auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
		if _, err := auth.HeaderCredentials(r.Header, "Basic"); err != nil {
			return nil, err
		}
		if _, password, ok := r.BasicAuth(); !ok || password != right {
			return nil, fmt.Errorf("password: %w", auth.ErrInvalidCredentials)
		}
		return &auth.Identity{Subject: subject, Scheme: "Basic", Scopes: []string{auth.AllScopes}, IssuedAt: time.Now()}, nil
	})
}
