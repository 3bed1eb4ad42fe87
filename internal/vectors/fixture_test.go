package vectors_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// A fixture is the service that README.md describes, and what the placeholders
// stand for.
type fixture struct {
	http.Handler
	values map[string]string
}

// failing is a store that does not answer, or panics.
type failing struct {
	store.Store
	panics bool
}

func (f failing) Find(context.Context, store.Kind, store.Digest) (*store.Credential, error) {
	if f.panics {
		panic("store")
	}
	return nil, errors.New("connection refused")
}

type accounts map[string]*auth.Account

func (a accounts) Account(_ context.Context, subject string) (*auth.Account, error) {
	account, ok := a[subject]
	switch {
	case !ok:
		return nil, auth.ErrUnknownAccount
	case account == nil:
		return nil, errors.New("connection refused")
	}
	return account, nil
}

type always time.Duration

func (a always) Wait(*http.Request) time.Duration        { return time.Duration(a) }
func (always) Done(*http.Request, *auth.Identity, error) {}

// must ends the test, and not the program, where there is an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// at calls f at a time that is so far from now.
func at(t *testing.T, offset time.Duration, f func()) {
	t.Helper()
	then := time.Now().Add(offset)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(then))
		f()
	})
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	ctx := t.Context()
	f := &fixture{values: make(map[string]string)}
	st := store.NewMemory()
	tokens := must[*bearer.Tokens](t)(bearer.New(bearer.Config{Store: st, LastUsedInterval: -1}))
	secrets := must[*secret.Secrets](t)(secret.New(secret.Config{Store: st, AcceptImported: true, Limit: -1, LastUsedInterval: -1}))
	key, before := cookie.NewKey(), cookie.NewKey()
	newSessions := func(cfg cookie.Config) *cookie.Sessions {
		return must[*cookie.Sessions](t)(cookie.New(cfg))
	}
	sessions := newSessions(cookie.Config{Keys: []cookie.Key{key, before}, Store: st, TrustedOrigins: []string{"https://app.service.test"}})
	sealed := newSessions(cookie.Config{Keys: []cookie.Key{key}, Name: "__Host-sealed", Codec: cookie.AEAD, IdleTimeout: -1})

	everything := []string{auth.AllScopes}
	host := accounts{
		"ada": {Permissions: everything}, "bob": {Permissions: everything}, "carl": {Permissions: []string{"reports:write"}}, "disabled": {Permissions: everything, Disabled: true},
		"notbefore": {Permissions: everything, NotBefore: time.Now().Add(-10 * time.Minute)}, "flaky": nil,
	}
	guard := func(a accounts, throttle auth.Throttle, schemes ...auth.Authenticator) *auth.Guard {
		return must[*auth.Guard](t)(auth.New(auth.Config{Authenticators: schemes, Accounts: a, Throttle: throttle}))
	}
	down := failing{Store: st}
	api := guard(host, nil, tokens, sessions)
	mux := http.NewServeMux()
	mux.Handle("/api", api.Require()(handler))
	mux.Handle("/reports", api.Require("reports:read")(handler))
	mux.Handle("/optional", api.Optional(handler))
	mux.Handle("/secret", guard(host, nil, secrets).Require()(handler))
	mux.Handle("/sealed", guard(host, nil, sealed).Require()(handler))
	mux.Handle("/throttled", guard(host, always(30*time.Second), tokens).Require()(handler))
	mux.Handle("/down", guard(host, nil, must[*bearer.Tokens](t)(bearer.New(bearer.Config{Store: down})), newSessions(cookie.Config{Keys: []cookie.Key{key}, Store: down})).Require()(handler))
	mux.Handle("/panic", guard(host, nil, must[*bearer.Tokens](t)(bearer.New(bearer.Config{Store: failing{panics: true}}))).Require()(handler))
	f.Handler = mux

	// Tokens and secrets.
	var id string // of the last one
	issue := func(name string, req bearer.Request) {
		if req.Subject == "" {
			req.Subject = "ada"
		}
		plain, c, err := tokens.Issue(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		id, f.values["token."+name] = c.ID, plain.Reveal()
	}
	issueSecret := func(name, subject string, lifetime time.Duration) {
		plain, c, err := secrets.Issue(ctx, secret.Request{Subject: subject, Lifetime: lifetime})
		if err != nil {
			t.Fatal(err)
		}
		id, f.values["secret."+name] = c.ID, plain.Reveal()
	}
	issue("valid", bearer.Request{})
	f.values["token.id"] = id
	for name, scopes := range map[string][]string{"read": {"reports:read"}, "write": {"reports:write"}, "scopeless": {}, "part": {"reports"}, "capitals": {"REPORTS:READ"}, "pattern": {"reports:*"}} {
		issue(name, bearer.Request{Scopes: scopes})
	}
	for _, subject := range []string{"bob", "carl", "disabled", "flaky", "gone"} {
		issue(subject, bearer.Request{Subject: subject})
	}
	issue("network", bearer.Request{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	issue("revoked", bearer.Request{})
	must[int](t)(0, tokens.Revoke(ctx, "ada", id))
	issue("overlap", bearer.Request{})
	plain, _, err := tokens.Rotate(ctx, "ada", id, time.Hour)
	f.values["token.successor"] = must[auth.Plaintext](t)(plain, err).Reveal()

	issueSecret("valid", "ada", 0)
	f.values["secret.id"] = id
	issueSecret("disabled", "disabled", 0)
	issueSecret("revoked", "ada", 0)
	must[int](t)(0, secrets.Revoke(ctx, "ada", id))
	f.values["secret.imported"] = "d0NhbGljZS1pbXBvcnRlZC1zZWNyZXQtMTIzNDU2Nzg="
	must[*store.Credential](t)(secrets.Import(ctx, secret.Request{Subject: "ada"}, f.values["secret.imported"]))

	at(t, -2*time.Hour, func() {
		issue("expired", bearer.Request{Lifetime: time.Hour})
		issue("notbefore", bearer.Request{Subject: "notbefore"})
		issueSecret("expired", "ada", time.Hour)
		issueSecret("rotated", "ada", 0)
		_, _, err := secrets.Rotate(ctx, "ada", id, time.Minute)
		must[int](t)(0, err)
		issue("rotated", bearer.Request{})
		_, _, err = tokens.Rotate(ctx, "ada", id, time.Minute)
		must[int](t)(0, err)
	})
	elsewhere := store.NewMemory()
	unknown, _, err := must[*bearer.Tokens](t)(bearer.New(bearer.Config{Store: elsewhere})).Issue(ctx, bearer.Request{Subject: "ada"})
	f.values["token.unknown"] = must[auth.Plaintext](t)(unknown, err).Reveal()
	unknown, _, err = must[*secret.Secrets](t)(secret.New(secret.Config{Store: elsewhere})).Issue(ctx, secret.Request{Subject: "ada"})
	f.values["secret.unknown"] = must[auth.Plaintext](t)(unknown, err).Reveal()

	// Sessions.
	signIn := func(name string, s *cookie.Sessions, subject string) {
		w := httptest.NewRecorder()
		who := must[*auth.Identity](t)(s.SignIn(w, httptest.NewRequest("POST", "/", nil), cookie.Request{Subject: subject}))
		line, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
		_, f.values[name], _ = strings.Cut(line, "=")
		id = who.Credential
	}
	with := func(keys ...cookie.Key) *cookie.Sessions {
		return newSessions(cookie.Config{Keys: keys, Store: st})
	}
	signIn("cookie.valid", sessions, "ada")
	f.values["cookie.id"] = id
	signIn("cookie.other", sessions, "ada")
	signIn("cookie.carl", sessions, "carl")
	signIn("cookie.disabled", sessions, "disabled")
	signIn("cookie.oldkey", with(before), "ada")
	signIn("cookie.otherkey", with(cookie.NewKey()), "ada")
	signIn("cookie.othername", newSessions(cookie.Config{Keys: []cookie.Key{key}, Store: st, Name: "__Host-other"}), "ada")
	signIn("cookie.othercodec", newSessions(cookie.Config{Keys: []cookie.Key{key}, Store: st, Codec: cookie.AEAD}), "ada")
	signIn("cookie.revoked", sessions, "ada")
	must[int](t)(0, sessions.Revoke(ctx, "ada", id))
	signIn("cookie.signedout", sessions, "ada")
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("Cookie", "__Host-session="+f.values["cookie.signedout"])
	must[int](t)(0, sessions.SignOut(httptest.NewRecorder(), r))
	ses := must[*bearer.Tokens](t)(bearer.New(bearer.Config{Store: st, Prefix: "ses"}))
	inside, _, err := ses.Issue(ctx, bearer.Request{Subject: "ada"})
	f.values["cookie.plain"] = must[auth.Plaintext](t)(inside, err).Reveal()
	signIn("sealed.valid", sealed, "ada")
	signIn("sealed.disabled", sealed, "disabled")
	signIn("sealed.otherkey", newSessions(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Name: "__Host-sealed", Codec: cookie.AEAD}), "ada")
	at(t, -25*time.Hour, func() {
		signIn("cookie.expired", newSessions(cookie.Config{Keys: []cookie.Key{key}, Store: st, IdleTimeout: -1}), "ada")
		signIn("sealed.expired", sealed, "ada")
	})
	at(t, -2*time.Hour, func() { signIn("cookie.idle", sessions, "ada") })
	at(t, -20*time.Minute, func() {
		signIn("cookie.notbefore", sessions, "notbefore")
		signIn("sealed.notbefore", sealed, "notbefore")
	})
	at(t, 30*time.Minute, func() {
		signIn("cookie.future", sessions, "ada")
		signIn("sealed.future", sealed, "ada")
	})
	return f
}

// handler is the host's: it says who asks.
var handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	var who who
	if id, ok := auth.FromContext(r.Context()); ok {
		who.Subject, who.Scheme = id.Subject, id.Scheme
	}
	w.Header().Set("Reached", "the handler")
	if r.Method != http.MethodHead {
		json.NewEncoder(w).Encode(who)
	}
})

type who struct{ Subject, Scheme string }

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// fill replaces the placeholders in s.
func (f *fixture) fill(t testing.TB, s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(p string) string {
		p = p[2 : len(p)-1]
		if parts := strings.Split(p, ":"); parts[0] == "repeat" {
			n, err := strconv.Atoi(parts[len(parts)-1])
			if err != nil {
				t.Fatal(err)
			}
			return strings.Repeat(strings.TrimSuffix(p[len("repeat:"):], ":"+parts[len(parts)-1]), n)
		}
		name, transforms, _ := strings.Cut(p, "|")
		v, ok := f.values[name]
		if !ok {
			t.Fatalf("placeholder %s: unknown", p)
		}
		if transforms == "" {
			return v
		}
		return transform(t, v, transforms)
	})
}

// transform changes v as README.md says.
func transform(t testing.TB, v, how string) string {
	verb, arg, _ := strings.Cut(how, ":")
	if verb == "trim" {
		return strings.Trim(v, arg)
	}
	n := 0
	if arg != "" {
		n = must[int](t)(strconv.Atoi(arg))
	}
	if n < 0 {
		n += len(v)
	}
	if n < 0 || n >= len(v) {
		t.Fatalf("%s of %d characters", how, len(v))
	}
	switch verb {
	case "head":
		return v[:n]
	case "tail", "drop":
		return v[n:]
	case "cut":
		return v[:len(v)-n]
	case "flip":
		c := byte('A')
		if v[n] == 'A' {
			c = 'B'
		}
		return v[:n] + string(c) + v[n+1:]
	case "percent":
		return fmt.Sprintf("%s%%%02X%s", v[:n], v[n], v[n+1:])
	case "upper":
		return strings.ToUpper(v)
	case "lower":
		return strings.ToLower(v)
	case "swap":
		return strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'z':
				return r - 'a' + 'A'
			case r >= 'A' && r <= 'Z':
				return r - 'A' + 'a'
			}
			return r
		}, v)
	case "reverse":
		b := []byte(v)
		slices.Reverse(b)
		return string(b)
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(v))
	}
	t.Fatalf("transform %s: unknown", how)
	return ""
}
