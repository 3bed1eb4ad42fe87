package endpoint_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

func handlers(s *endpoint.Server) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{"token": s.Token, "introspect": s.Introspect, "revoke": s.Revoke}
}

func TestMethods(t *testing.T) {
	f := setup(t, endpoint.Config{})
	for name, h := range handlers(f.server) {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "post"} {
			r := form(f.client, "grant_type", "client_credentials")
			r.Method = method
			got := serve(h, r)
			if got.status != 405 || got.header.Get("Allow") != "POST" || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: %v, want 405", method, name, got)
			}
		}
	}
	if n := f.rows(t); n != 0 {
		t.Errorf("%d tokens stored", n)
	}
}

// P7: what is in the query is refused, be it complete, and be the body good.
func TestQuery(t *testing.T) {
	f := setup(t, endpoint.Config{})
	token, _ := f.issue(t, bearer.Request{})
	good := url.Values{"grant_type": {"client_credentials"}, "client_id": {f.id}, "client_secret": {f.secret}, "token": {token}}.Encode()
	for name, h := range handlers(f.server) {
		for _, tt := range []struct{ query, body string }{
			{good, ""}, {good, good}, {"client_secret=" + f.secret, good}, {"token=" + token, good}, {"a", good}, {"&", good},
		} {
			r := post(typeForm, tt.body)
			r.URL.RawQuery = tt.query
			if got := serve(h, r); got.status != 400 || got.field(t, "error") != "invalid_request" {
				t.Errorf("%s?%s: %v, want 400", name, tt.query, got)
			}
		}
	}
	if n := f.rows(t); n != 1 || !f.works(t, token) {
		t.Errorf("%d tokens, want the one from before, valid", n)
	}
}

// C6, B4: what does not answer is never the client's fault.
func TestOutages(t *testing.T) {
	f := setup(t, endpoint.Config{})
	token, _ := f.issue(t, bearer.Request{})
	at := func(call string, kind store.Kind, err error) func() {
		return func() {
			f.store.fault = func(c string, k store.Kind) error {
				if c != call || k != kind {
					return nil
				}
				if err == nil {
					panic("a bug in the store")
				}
				return err
			}
		}
	}
	for _, tt := range []struct {
		name     string
		begin    func()
		handlers []http.HandlerFunc
	}{
		{"secrets", at("find", store.KindSecret, errDown), []http.HandlerFunc{f.server.Token, f.server.Introspect, f.server.Revoke}},
		{"secrets panic", at("find", store.KindSecret, nil), []http.HandlerFunc{f.server.Token, f.server.Introspect, f.server.Revoke}}, // B2
		{"tokens", at("find", store.KindToken, errDown), []http.HandlerFunc{f.server.Introspect, f.server.Revoke}},
		{"tokens panic", at("find", store.KindToken, nil), []http.HandlerFunc{f.server.Introspect, f.server.Revoke}},
		{"exchange", at("insert", store.KindToken, errDown), []http.HandlerFunc{f.server.Token}},
		{"exchange panics", at("insert", store.KindToken, nil), []http.HandlerFunc{f.server.Token}},
		{"revocation", at("revoke", store.KindToken, errDown), []http.HandlerFunc{f.server.Revoke}},
		{"accounts", func() { f.accounts.err = errDown }, []http.HandlerFunc{f.server.Token, f.server.Introspect, f.server.Revoke}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.events.take()
			tt.begin()
			for _, h := range tt.handlers {
				checkOutage(t, f, serve(h, form(f.client, "grant_type", "client_credentials", "token", token)))
			}
			f.store.fault, f.accounts.err = nil, nil
			if got := serve(f.server.Introspect, form(f.client, "token", token)); got.field(t, "active") != true {
				t.Errorf("afterwards: %v", got)
			}
		})
	}
}

// The account of the token may be the one that cannot be told.
func TestIntrospectOutageOfTheTokensAccount(t *testing.T) {
	f := setup(t, endpoint.Config{})
	token, _ := f.issue(t, bearer.Request{})
	lookups := 0
	f.store.fault = func(call string, kind store.Kind) error {
		if kind == store.KindToken {
			if lookups++; lookups == 2 { // of the verification
				return errDown
			}
		}
		return nil
	}
	checkOutage(t, f, serve(f.server.Introspect, form(f.client, "token", token)))
}

func TestBrokenBody(t *testing.T) {
	f := setup(t, endpoint.Config{})
	for name, h := range handlers(f.server) {
		r := form(f.client)
		r.Body = broken("grant_type=client_credentials&token=a")
		if got := serve(h, r); got.status != 400 || got.field(t, "error") != "invalid_request" {
			t.Errorf("%s: %v, want 400", name, got)
		}
	}
}

// The zero Server refuses everything, as the zero Guard does.
func TestZeroServer(t *testing.T) {
	f := setup(t, endpoint.Config{})
	for name, h := range handlers(new(endpoint.Server)) {
		if got := serve(h, form(f.client, "grant_type", "client_credentials")); got.status != 503 {
			t.Errorf("%s: %v, want 503", name, got)
		}
	}
}

// B1, C4: nothing secret, and nothing of the request, is in an event, a header or
// an error; in a body only the new token.
func TestCanary(t *testing.T) {
	f := setup(t, endpoint.Config{})
	token, _ := f.issue(t, bearer.Request{})
	unknown := setup(t, endpoint.Config{}).secret
	const canary = "canary-7f3a9c51e2"
	var seen strings.Builder
	for _, s := range []string{f.secret, token, unknown, canary, imported} {
		c := client{f.id, "", s}
		for name, h := range handlers(f.server) {
			inQuery := form(f.client, "grant_type", "client_credentials")
			inQuery.URL.RawQuery = "client_secret=" + s
			for _, r := range []*http.Request{
				form(c, "grant_type", "client_credentials", "token", s), form(c, "grant_type", s, "token", s), form(f.client, "grant_type", s),
				form(f.client, "grant_type", "client_credentials", "scope", s+`"`), form(f.client, s, s, "token", s+" "),
				with(plainForm("grant_type", "client_credentials"), "Basic "+s), with(plainForm(), "Secret "+s), with(plainForm(), "Bearer "+s), with(plainForm(), s),
				plainForm("client_id", s, "client_secret", s, "grant_type", "client_credentials", "token", s),
				post("application/json", `{"Secret":"`+s+`","`+s+`":1}`), post("application/json", `{"Secret":"`+s+`","Lifetime":"`+s+`"}`),
				post("application/json", `{"Secret":"`+s+`","Scopes":["`+s+` "]}`), post("application/json", s), post(s, s), post(typeForm, s+"=%zz"), inQuery,
			} {
				got := serve(h, r)
				body := got.body
				if got.status == 200 && name == "token" {
					body = strings.Replace(body, got.field(t, "access_token").(string), "", 1)
				}
				fmt.Fprintln(&seen, got.status, got.header, body)
			}
		}
	}
	f.store.fault = func(string, store.Kind) error { return errDown }
	for _, h := range handlers(f.server) {
		fmt.Fprintln(&seen, serve(h, form(f.client, "grant_type", "client_credentials", "token", token)))
	}
	for _, ev := range f.events.take() {
		b, _ := json.Marshal(ev)
		fmt.Fprintf(&seen, "%v %+v %#v %s %v %v\n", ev, ev, ev, b, ev.LogValue(), ev.Err)
	}
	for _, s := range []string{f.secret, token, unknown, canary, imported} {
		for _, piece := range []string{s, s[:12], s[len(s)-12:], hex.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte(s)), url.QueryEscape(s)} {
			if i := strings.Index(seen.String(), piece); i >= 0 {
				t.Errorf("%q is told: %s", piece, seen.String()[max(0, i-200):i+100])
			}
		}
	}
}

// 64 exchanges at once, and a rotation in the middle: every answer is a token
// that works, or a clean refusal. R3
func TestTokenWhileRotating(t *testing.T) {
	for _, overlap := range []time.Duration{0, time.Hour} {
		f := setup(t, endpoint.Config{})
		var tokens, refused atomic.Int64
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range 64 {
			wg.Go(func() {
				<-start
				if i == 32 {
					if _, _, err := f.secrets.Rotate(t.Context(), "ada", f.credential, overlap); err != nil {
						t.Error(err)
					}
				}
				got := serve(f.server.Token, form(f.client, "grant_type", "client_credentials"))
				switch {
				case got.status == 200 && f.works(t, got.field(t, "access_token").(string)):
					tokens.Add(1)
				case got.status == 401 && got.field(t, "error") == "invalid_client" && overlap == 0:
					refused.Add(1)
				default:
					t.Errorf("overlap %v: %v", overlap, got)
				}
			})
		}
		close(start)
		wg.Wait()
		active, _, err := f.store.List(t.Context(), store.Query{Kind: store.KindToken, Subject: "ada", ClientID: f.id, Active: true})
		if err != nil || int64(len(active)) != tokens.Load() {
			t.Errorf("%d active tokens stored, %v, want the %d that were answered", len(active), err, tokens.Load())
		}
		if overlap == 0 && refused.Load() == 0 {
			t.Error("the rotation came after all exchanges")
		}
	}
}

// Over HTTP: the body of a refused upload is not read to its end, and the next
// request is served.
func TestServer(t *testing.T) {
	f := setup(t, endpoint.Config{})
	server := httptest.NewServer(http.HandlerFunc(f.server.Token))
	defer server.Close()
	ask := func(body string) int {
		r, _ := http.NewRequest("POST", server.URL, strings.NewReader(body))
		r.Header.Set("Content-Type", typeForm)
		r.SetBasicAuth(url.QueryEscape(f.id), url.QueryEscape(f.secret))
		res, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if got := ask(grant + "&a=" + strings.Repeat("a", 1<<20)); got != 400 {
		t.Errorf("1 MiB: %d, want 400", got)
	}
	if got := ask(grant); got != 200 {
		t.Errorf("the next: %d, want 200", got)
	}
}

// B8: every mistake is named at once.
func TestConfig(t *testing.T) {
	st := store.NewMemory()
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := secret.New(secret.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	good := endpoint.Config{Tokens: tokens, Secrets: secrets}
	for _, tt := range []struct {
		name  string
		edit  func(*endpoint.Config)
		wrong []string
	}{
		{"enough", func(c *endpoint.Config) {}, nil},
		{"bounds", func(c *endpoint.Config) {
			c.MinLifetime, c.MaxLifetime, c.DefaultLifetime = time.Hour, 2*time.Hour, time.Hour
		}, nil},
		{"one lifetime", func(c *endpoint.Config) { c.MinLifetime, c.MaxLifetime = time.Hour, time.Hour }, nil},
		{"nothing", func(c *endpoint.Config) { *c = endpoint.Config{} }, []string{"Config.Tokens: nil", "Config.Secrets: nil"}},
		{"everything", func(c *endpoint.Config) {
			*c = endpoint.Config{MinLifetime: time.Second, MaxLifetime: 366 * 24 * time.Hour, DefaultLifetime: 90500 * time.Millisecond}
		}, []string{"Tokens", "Secrets", "MinLifetime", "MaxLifetime", "DefaultLifetime: 1m30.5s"}},
		{"negative", func(c *endpoint.Config) { c.MinLifetime, c.MaxLifetime, c.DefaultLifetime = -1, -1, -1 }, []string{"MinLifetime", "MaxLifetime", "DefaultLifetime"}},
		{"crossed", func(c *endpoint.Config) { c.MinLifetime, c.MaxLifetime = 2*time.Hour, time.Hour }, []string{"MinLifetime: 2h0m0s: must not exceed MaxLifetime, 1h0m0s"}},
		{"default too long", func(c *endpoint.Config) { c.MaxLifetime, c.DefaultLifetime = time.Hour, 2*time.Hour }, []string{"DefaultLifetime: 2h0m0s"}},
		{"default too short", func(c *endpoint.Config) { c.MinLifetime, c.DefaultLifetime = 2*time.Hour, time.Hour }, []string{"DefaultLifetime: 1h0m0s"}},
		{"nil accounts", func(c *endpoint.Config) { c.Accounts = (*accounts)(nil) }, []string{"Accounts: a nil *endpoint_test.accounts"}},
	} {
		cfg := good
		tt.edit(&cfg)
		server, err := endpoint.New(cfg)
		if (err == nil) != (tt.wrong == nil) || (server == nil) != (err != nil) {
			t.Errorf("%s: New = %v, %v", tt.name, server, err)
		}
		for _, wrong := range tt.wrong {
			if err != nil && (!strings.Contains(err.Error(), wrong) || !strings.HasPrefix(err.Error(), "endpoint: ")) {
				t.Errorf("%s: New: %v, want %q", tt.name, err, wrong)
			}
		}
	}
}

// Without Accounts nobody is asked, as in an auth.Guard.
func TestWithoutAccounts(t *testing.T) {
	f := setup(t, endpoint.Config{})
	server, err := endpoint.New(endpoint.Config{Tokens: f.tokens, Secrets: f.secrets})
	if err != nil {
		t.Fatal(err)
	}
	f.accounts.set("ada", auth.Account{Disabled: true})
	got := serve(server.Token, form(f.client, "grant_type", "client_credentials"))
	if got.status != 200 {
		t.Fatal(got)
	}
	if got := serve(server.Introspect, form(f.client, "token", got.field(t, "access_token").(string))); got.field(t, "scope") != "*" {
		t.Error(got)
	}
}
