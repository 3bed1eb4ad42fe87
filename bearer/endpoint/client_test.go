package endpoint_test

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/secret"
)

// imported is a secret with characters that a form encodes.
const imported = "wJalrXUtnFEMI/K7MDENG+bPxRfiCY=="

// The ways to authenticate, one in each request: RFC 6749 section 2.3.
func TestClientAuthentication(t *testing.T) {
	f := setup(t, endpoint.Config{})
	c, err := f.secrets.Import(t.Context(), secret.Request{Subject: "ada"}, imported)
	if err != nil {
		t.Fatal(err)
	}
	old := client{c.Family, c.ID, imported}
	other := f.newClient(t, secret.Request{})
	b64 := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	id, plain := "&client_id="+f.id, "&client_secret="+f.secret
	for _, tt := range []struct {
		name, body    string
		authorization []string
		error         string
	}{
		{"basic", grant, []string{f.basic()}, ""},
		{"basic, encoded", grant, []string{old.basic()}, ""},
		{"basic in capitals", grant, []string{strings.Replace(f.basic(), "Basic", "BASIC", 1)}, ""}, // P1
		{"post", grant + id + plain, nil, ""},
		{"post, encoded", grant + "&client_id=" + old.id + "&client_secret=" + url.QueryEscape(imported), nil, ""},
		{"secret", grant, []string{"Secret " + f.secret}, ""},
		{"imported secret", grant, []string{"Secret " + imported}, ""},
		{"JSON", `{"Secret":"` + f.secret + `"}`, nil, ""},
		{"JSON with the header", `{}`, []string{"Secret " + f.secret}, ""},
		{"JSON with basic", `{}`, []string{f.basic()}, ""},
		{"basic, and the same ID", grant + id, []string{f.basic()}, ""},
		{"secret, and its ID", grant + id, []string{"Secret " + f.secret}, ""},
		{"a secret without a value is none", grant + "&client_secret=", []string{f.basic()}, ""},
		{"an empty line is none", grant + id + plain, []string{""}, ""}, // P4

		{"nobody", grant, nil, "invalid_client"},
		{"an empty secret", `{"Secret":""}`, nil, "invalid_client"},
		{"an ID alone", grant + id, nil, "invalid_client"},
		{"post without ID", grant + plain, nil, "invalid_client"},
		{"post with another ID", grant + "&client_id=" + other.id + plain, nil, "invalid_client"},
		{"post with the account", grant + "&client_id=ada" + plain, nil, "invalid_client"},
		{"basic without ID", grant, []string{b64(":" + f.secret)}, "invalid_client"},
		{"basic with another ID", grant, []string{b64(other.id + ":" + f.secret)}, "invalid_client"},
		{"basic without secret", grant, []string{b64(f.id + ":")}, "invalid_client"},
		{"basic, not encoded", grant, []string{b64(old.id + ":" + imported)}, "invalid_client"},
		{"basic, and another ID", grant + "&client_id=" + other.id, []string{f.basic()}, "invalid_client"},
		{"basic with another ID, and its own", grant + id, []string{b64(other.id + ":" + f.secret)}, "invalid_client"},
		{"secret, and another ID", grant + "&client_id=" + other.id, []string{"Secret " + f.secret}, "invalid_client"},
		{"another scheme", grant, []string{"Digest " + f.secret}, "invalid_client"},
		{"bearer", grant, []string{"Bearer " + f.secret}, "invalid_client"},

		{"basic and post", grant + id + plain, []string{f.basic()}, "invalid_request"},
		{"secret and post", grant + id + plain, []string{"Secret " + f.secret}, "invalid_request"},
		{"bearer and post", grant + id + plain, []string{"Bearer a"}, "invalid_request"},
		{"secret and JSON", `{"Secret":"` + f.secret + `"}`, []string{"Secret " + f.secret}, "invalid_request"},
		{"basic and JSON", `{"Secret":"` + f.secret + `"}`, []string{f.basic()}, "invalid_request"},
		{"two secrets", grant + id + plain + plain, nil, "invalid_request"},
		{"two lines", grant, []string{f.basic(), "Secret " + f.secret}, "invalid_request"}, // P5
		{"two lines alike", grant, []string{f.basic(), f.basic()}, "invalid_request"},
		{"an empty line, and another", grant, []string{"", f.basic()}, "invalid_request"},
		{"two joined", grant, []string{f.basic() + ", Secret " + f.secret}, "invalid_request"},
		{"basic without value", grant, []string{"Basic"}, "invalid_request"},
		{"basic, not base64", grant, []string{"Basic a.b"}, "invalid_request"},
		{"basic without colon", grant, []string{b64(f.id)}, "invalid_request"},
		{"basic with a bad escape", grant, []string{b64(f.id + ":%zz")}, "invalid_request"},
		{"basic with a bad escape in the ID", grant, []string{b64("%zz:" + f.secret)}, "invalid_request"},
		{"basic, 5 KiB", grant, []string{b64(strings.Repeat("a", 4000) + ":")}, "invalid_request"}, // P6
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := f.rows(t)
			r := post(typeForm, tt.body)
			if strings.HasPrefix(tt.body, "{") {
				r = post("application/json", tt.body)
			}
			for _, line := range tt.authorization {
				with(r, line)
			}
			checkToken(t, f, serve(f.server.Token, r), before, tt.error)
		})
	}
}

// C7: unknown, wrong, expired, revoked, disabled: the same to the byte, with a
// challenge for each scheme.
func TestClientRefusalsAreAlike_C7(t *testing.T) {
	f := setup(t, endpoint.Config{})
	other := f.newClient(t, secret.Request{})
	revoked := f.newClient(t, secret.Request{})
	if err := f.secrets.Revoke(t.Context(), "ada", revoked.credential); err != nil {
		t.Fatal(err)
	}
	rotated := f.newClient(t, secret.Request{})
	if _, _, err := f.secrets.Rotate(t.Context(), "ada", rotated.credential, 0); err != nil {
		t.Fatal(err)
	}
	disabled := f.newClient(t, secret.Request{Subject: "ben"})
	f.accounts.set("ben", auth.Account{Disabled: true})
	early := f.newClient(t, secret.Request{Subject: "eve"})
	f.accounts.set("eve", auth.Account{NotBefore: time.Now().Add(time.Hour)})
	elsewhere := f.newClient(t, secret.Request{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	unknown := setup(t, endpoint.Config{}).client
	token, _ := f.issue(t, bearer.Request{})

	var want *response
	for _, h := range []http.HandlerFunc{f.server.Token, f.server.Introspect, f.server.Revoke} {
		for name, c := range map[string]client{
			"unknown": unknown, "unknown secret": {f.id, "", unknown.secret}, "unknown client": {"unknown", "", f.secret},
			"another's secret": {f.id, "", other.secret}, "another form": {f.id, "", "hunter2"}, "wrong checksum": {f.id, "", f.secret[:49] + "_"},
			"revoked": revoked, "rotated": rotated, "disabled": disabled, "NotBefore": early, "elsewhere": elsewhere, "nobody": {},
		} {
			params := []string{"grant_type", "client_credentials", "token", token}
			requests := map[string]*http.Request{
				"basic": form(c, params...),
				"post":  plainForm(append(params, "client_id", c.id, "client_secret", c.secret)...),
			}
			if c.secret != "" && c.id != "unknown" && c.secret != other.secret { // it is by its secret alone
				requests["secret"] = with(plainForm(params...), "Secret "+c.secret)
			}
			for way, r := range requests {
				got := serve(h, r)
				if want == nil {
					want = &got
				}
				if !reflect.DeepEqual(got, *want) {
					t.Errorf("%s, %s: %v, want %v", name, way, got, *want)
				}
			}
		}
	}
	challenges := []string{`Basic realm="api"`, `Secret realm="api"`}
	if want.status != 401 || !slices.Equal(want.header["Www-Authenticate"], challenges) || want.field(t, "error") != "invalid_client" {
		t.Errorf("%v, want 401 and %q", *want, challenges)
	}
	if f.rows(t) != 1 || !f.works(t, token) {
		t.Error("a refusal had an effect")
	}
}

// R7: a disabled account, or NotBefore, holds from the next request on, for every
// way to authenticate, and ends with it.
func TestAccountHoldsAtOnce_R7(t *testing.T) {
	f := setup(t, endpoint.Config{})
	token := f.exchange(t, f.client, "")
	for _, step := range []struct {
		name    string
		account auth.Account
		status  int
	}{
		{"disabled", auth.Account{Permissions: []string{"*"}, Disabled: true}, 401},
		{"enabled", auth.Account{Permissions: []string{"*"}}, 200},
		{"signed out everywhere", auth.Account{NotBefore: time.Now().Add(time.Hour)}, 401},
		{"without permissions", auth.Account{}, 200},
	} {
		f.accounts.set("ada", step.account)
		params := []string{"grant_type", "client_credentials", "token", token}
		for way, r := range map[string]func() *http.Request{
			"basic": func() *http.Request { return form(f.client, params...) },
			"post": func() *http.Request {
				return plainForm(append(params, "client_id", f.id, "client_secret", f.secret)...)
			},
			"secret": func() *http.Request { return with(plainForm(params...), "Secret "+f.secret) },
		} {
			for name, h := range map[string]http.HandlerFunc{"token": f.server.Token, "introspect": f.server.Introspect} {
				if got := serve(h, r()); got.status != step.status {
					t.Errorf("%s, %s, %s: %v, want %d", step.name, way, name, got, step.status)
				}
			}
		}
		json := post("application/json", `{"Secret":"`+f.secret+`"}`)
		if got := serve(f.server.Token, json); got.status != step.status {
			t.Errorf("%s, JSON: %v, want %d", step.name, got, step.status)
		}
	}
}

// Where a secret is bound to networks, proxies count in every way. B7
func TestClientAddress(t *testing.T) {
	f := setup(t, endpoint.Config{})
	secrets, err := secret.New(secret.Config{Store: f.store, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	server, err := endpoint.New(endpoint.Config{Tokens: f.tokens, Secrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	c := f.newClient(t, secret.Request{Networks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}})
	for _, tt := range []struct {
		forwarded string
		status    int
	}{{"", 200}, {"10.1.2.3", 200}, {"203.0.113.7", 401}, {"10.1.2.3, 203.0.113.7", 401}} {
		for way, r := range map[string]*http.Request{
			"basic":  form(c, "grant_type", "client_credentials"),
			"secret": with(plainForm("grant_type", "client_credentials"), "Secret "+c.secret),
			"JSON":   post("application/json", `{"Secret":"`+c.secret+`"}`),
		} {
			r.RemoteAddr = "10.1.0.1:1234"
			r.Header.Set("X-Forwarded-For", tt.forwarded)
			if tt.forwarded == "" {
				r.Header.Del("X-Forwarded-For")
			}
			if got := serve(server.Token, r); got.status != tt.status {
				t.Errorf("%s from %q: %v, want %d", way, tt.forwarded, got, tt.status)
			}
		}
	}
}

// Observe is told who was let in, and who was not and why.
func TestEvents(t *testing.T) {
	f := setup(t, endpoint.Config{})
	revoked := f.newClient(t, secret.Request{})
	if err := f.secrets.Revoke(t.Context(), "ada", revoked.credential); err != nil {
		t.Fatal(err)
	}
	ben := f.newClient(t, secret.Request{Subject: "ben"})
	f.accounts.set("ben", auth.Account{Disabled: true})
	for _, tt := range []struct {
		name          string
		authorization string
		want          auth.Event
		cause         string
	}{
		{"in", f.basic(), auth.Event{Type: auth.Authenticated, Scheme: "Secret", Subject: "ada", Credential: f.credential}, ""},
		{"revoked", revoked.basic(), auth.Event{Type: auth.Refused, Scheme: "Secret", Subject: "ada", Credential: revoked.credential}, "revoked"},
		{"disabled", "Secret " + ben.secret, auth.Event{Type: auth.Refused, Scheme: "Secret", Subject: "ben", Credential: ben.credential}, "disabled"},
		{"form", "Secret hunter2", auth.Event{Type: auth.Refused, Scheme: "Secret"}, "not of the form"},
		{"malformed", "Basic a", auth.Event{Type: auth.Refused, Scheme: "Secret"}, "malformed"},
		{"nobody", "Bearer a", auth.Event{Type: auth.Refused}, "required"},
	} {
		f.events.take()
		serve(f.server.Token, with(plainForm("grant_type", "client_credentials"), tt.authorization))
		got := f.events.take()
		if len(got) != 1 {
			t.Fatalf("%s: events %+v, want one", tt.name, got)
		}
		ev := got[0]
		if ev.Type != tt.want.Type || ev.Scheme != tt.want.Scheme || ev.Subject != tt.want.Subject || ev.Credential != tt.want.Credential ||
			(ev.Err == nil) != (tt.cause == "") || ev.Err != nil && !strings.Contains(ev.Err.Error(), tt.cause) || ev.Outage() {
			t.Errorf("%s: event %+v, want %+v, %s", tt.name, ev, tt.want, tt.cause)
		}
	}
}

// checkOutage checks an answer to an outage: 503, and an event for the operator.
// C6, B4
func checkOutage(t *testing.T, f *fixture, got response) {
	t.Helper()
	if got.status != 503 || got.header.Get("Retry-After") == "" || got.header["Www-Authenticate"] != nil ||
		got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%v, want 503", got)
	}
	list := f.events.take()
	if !slices.ContainsFunc(list, auth.Event.Outage) {
		t.Errorf("events %+v, want an outage", list)
	}
}
