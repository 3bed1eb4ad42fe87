package endpoint_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

var inactive = response{200, http.Header{"Cache-Control": {"no-store"}, "Pragma": {"no-cache"}, "Content-Type": {"application/json"}}, `{"active":false}`}

// The answer of RFC 7662 section 2.2, to the byte.
func TestIntrospect(t *testing.T) {
	f := setup(t, endpoint.Config{})
	exchanged := f.exchange(t, f.client, "a b")
	own, _ := f.issue(t, bearer.Request{})
	for name, tt := range map[string]struct{ token, want string }{
		"exchanged": {exchanged, `{"active":true,"scope":"a b","client_id":"` + f.id + `","sub":"ada","exp":%d,"iat":%d,"token_type":"Bearer"}`},
		"personal":  {own, `{"active":true,"scope":"*","sub":"ada","exp":%d,"iat":%d,"token_type":"Bearer"}`},
	} {
		row, err := f.tokens.Lookup(t.Context(), tt.token)
		if err != nil {
			t.Fatal(err)
		}
		want := inactive
		want.body = fmt.Sprintf(tt.want, row.ExpiresAt.Unix(), row.CreatedAt.Unix())
		for _, hint := range []string{"", "access_token", "refresh_token", "nonsense"} { // section 2.1: a hint, no more
			got := serve(f.server.Introspect, form(f.client, "token", tt.token, "token_type_hint", hint))
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s, hint %q: got  %v\nwant %v", name, hint, got, want)
			}
		}
	}
}

// inactiveTokens are tokens that ada's client must not be told anything of, or
// that are none.
func inactiveTokens(t *testing.T, f *fixture) map[string]string {
	tokens := map[string]string{"secret": f.secret, "junk": "hunter2", "spaces": " ", "NUL": "\x00", "long": strings.Repeat("a", 60000)}
	tokens["unknown"], _ = setup(t, endpoint.Config{}).issue(t, bearer.Request{})
	tokens["foreign"], _ = f.issue(t, bearer.Request{Subject: "ben"})
	revoked, c := f.issue(t, bearer.Request{})
	if err := f.tokens.Revoke(t.Context(), "ada", c.ID); err != nil {
		t.Fatal(err)
	}
	rotated, c := f.issue(t, bearer.Request{})
	if _, _, err := f.tokens.Rotate(t.Context(), "ada", c.ID, 0); err != nil {
		t.Fatal(err)
	}
	tokens["revoked"], tokens["rotated"] = revoked, rotated
	tokens["checksum"] = revoked[:len(revoked)-1] + "_"
	return tokens
}

// What is not active, or not for this client, is told apart by no byte.
func TestIntrospectInactive(t *testing.T) {
	f := setup(t, endpoint.Config{})
	tokens := inactiveTokens(t, f)
	tokens["bound to networks"], _ = f.issue(t, bearer.Request{Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	for name, token := range tokens {
		r := form(f.client, "token", token)
		r.RemoteAddr = "192.0.2.7:1234" // the resource server's, not the client's
		if got := serve(f.server.Introspect, r); !reflect.DeepEqual(got, inactive) {
			t.Errorf("%s: %v, want %v", name, got, inactive)
		}
	}
}

// A token is active until its end, and no longer. T6
func TestIntrospectExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, endpoint.Config{})
		token, _ := f.issue(t, bearer.Request{Lifetime: time.Minute})
		time.Sleep(time.Minute - time.Microsecond)
		if got := serve(f.server.Introspect, form(f.client, "token", token)); got.field(t, "active") != true {
			t.Errorf("in its last microsecond: %v", got)
		}
		time.Sleep(time.Microsecond)
		if got := serve(f.server.Introspect, form(f.client, "token", token)); !reflect.DeepEqual(got, inactive) {
			t.Errorf("after its end: %v", got)
		}
	})
}

// A token of a disabled account is not active, and what the account may not do
// is no scope. M2, R7
func TestIntrospectAccount(t *testing.T) {
	f := setup(t, endpoint.Config{MayInspect: func(context.Context, *auth.Identity, *store.Credential) bool { return true }})
	all, _ := f.issue(t, bearer.Request{Subject: "ben"})
	some, _ := f.issue(t, bearer.Request{Subject: "ben", Scopes: []string{"a", "b"}})
	for _, tt := range []struct {
		name      string
		account   auth.Account
		all, some any // scope; false: not active
	}{
		{"everything", auth.Account{Permissions: []string{"*"}}, "*", "a b"},
		{"some", auth.Account{Permissions: []string{"b", "c"}}, "b c", "b"},
		{"nothing", auth.Account{}, nil, nil},
		{"permissions that are no scopes", auth.Account{Permissions: []string{"may read", "", "b"}}, "b", "b"},
		{"disabled", auth.Account{Permissions: []string{"*"}, Disabled: true}, false, false},
		{"NotBefore", auth.Account{Permissions: []string{"*"}, NotBefore: time.Now().Add(time.Hour)}, false, false},
	} {
		f.accounts.set("ben", tt.account)
		for token, want := range map[string]any{all: tt.all, some: tt.some} {
			got := serve(f.server.Introspect, form(f.client, "token", token))
			if want == false {
				if !reflect.DeepEqual(got, inactive) {
					t.Errorf("%s: %v, want %v", tt.name, got, inactive)
				}
			} else if got.field(t, "active") != true || got.field(t, "scope") != want {
				t.Errorf("%s: %v, want the scope %v", tt.name, got, want)
			}
		}
	}
}

// The policies decide, by client and token, and each for its own endpoint.
func TestPolicies(t *testing.T) {
	var allowed, asked string
	may := func(_ context.Context, client *auth.Identity, token *store.Credential) bool {
		asked = client.Client + " " + token.ID
		return client.Client == allowed
	}
	f := setup(t, endpoint.Config{MayInspect: may, MayRevoke: may})
	auditor := f.newClient(t, secret.Request{Subject: "auditor"})
	allowed = auditor.id
	token, c := f.issue(t, bearer.Request{})
	for _, tt := range []struct {
		client client
		active bool
	}{{f.client, false}, {auditor, true}} {
		got := serve(f.server.Introspect, form(tt.client, "token", token))
		if got.field(t, "active") != tt.active || asked != tt.client.id+" "+c.ID {
			t.Errorf("%v, policy asked for %s", got, asked)
		}
		got = serve(f.server.Revoke, form(tt.client, "token", token))
		if got.status != 200 || f.works(t, token) == tt.active {
			t.Errorf("Revoke: %v, the token works: %t", got, f.works(t, token))
		}
	}
}

// What a client may inspect it may not revoke for that, nor the other way.
func TestPoliciesApart(t *testing.T) {
	yes := func(context.Context, *auth.Identity, *store.Credential) bool { return true }
	no := func(context.Context, *auth.Identity, *store.Credential) bool { return false }
	for _, inspect := range []bool{true, false} {
		cfg := endpoint.Config{MayInspect: no, MayRevoke: yes}
		if inspect {
			cfg = endpoint.Config{MayInspect: yes, MayRevoke: no}
		}
		f := setup(t, cfg)
		token, _ := f.issue(t, bearer.Request{})
		if got := serve(f.server.Introspect, form(f.client, "token", token)); got.field(t, "active") != inspect {
			t.Errorf("Introspect: %v, want active %t", got, inspect)
		}
		serve(f.server.Revoke, form(f.client, "token", token))
		if f.works(t, token) != inspect {
			t.Errorf("after Revoke the token works: %t, want %t", !inspect, inspect)
		}
	}
}

// RFC 7009: 200 and no body, whatever the token was, and only what may be
// revoked is. R6
func TestRevoke(t *testing.T) {
	f := setup(t, endpoint.Config{})
	want := response{200, http.Header{"Cache-Control": {"no-store"}, "Pragma": {"no-cache"}}, ""}
	tokens := inactiveTokens(t, f)
	valid := map[string]string{}
	valid["personal"], _ = f.issue(t, bearer.Request{})
	valid["exchanged"] = f.exchange(t, f.client, "")
	valid["kept"], _ = f.issue(t, bearer.Request{})
	bound, c := f.issue(t, bearer.Request{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}})
	tokens["bound to networks"] = bound
	for name, token := range valid {
		if name != "kept" {
			tokens[name] = token
		}
	}
	for name, token := range tokens {
		for _, hint := range []string{"refresh_token", ""} { // twice: section 2.1, and once more
			if got := serve(f.server.Revoke, form(f.client, "token", token, "token_type_hint", hint)); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
	}
	for name, works := range map[string]bool{"personal": false, "exchanged": false, "kept": true} {
		if got := f.works(t, valid[name]); got != works {
			t.Errorf("%s works: %t, want %t", name, got, works)
		}
	}
	if !f.works(t, tokens["foreign"]) {
		t.Error("a client revoked a token of another account")
	}
	if row, err := f.store.Get(t.Context(), c.ID); err != nil || row.RevokedAt.IsZero() {
		t.Errorf("a token that is bound to networks: %+v, %v, want it revoked", row, err)
	}
	if got := serve(f.server.Token, form(f.client, "grant_type", "client_credentials")); got.status != 200 {
		t.Errorf("the client's own secret, sent as a token: %v", got)
	}
}

// What both refuse, with nothing done.
func TestInspectRefusals(t *testing.T) {
	f := setup(t, endpoint.Config{})
	token, _ := f.issue(t, bearer.Request{})
	for _, tt := range []struct{ name, contentType, body, authorization, error string }{
		{"no token", typeForm, "token_type_hint=access_token", f.basic(), "invalid_request"},
		{"token without a value", typeForm, "token=", f.basic(), "invalid_request"},
		{"repeated", typeForm, "token=" + token + "&token=" + token, f.basic(), "invalid_request"},
		{"JSON", "application/json", `{"token":"` + token + `"}`, f.basic(), "invalid_request"},
		{"no type", "", "token=" + token, f.basic(), "invalid_request"},
		{"too long", typeForm, "token=" + token + "&a=" + strings.Repeat("a", 64<<10), f.basic(), "invalid_request"},
		{"nobody", typeForm, "token=" + token, "", "invalid_client"},
		{"the token itself", typeForm, "token=" + token, "Bearer " + token, "invalid_client"},
		{"nobody, no token", typeForm, "", "", "invalid_client"},
	} {
		for name, h := range map[string]http.HandlerFunc{"introspect": f.server.Introspect, "revoke": f.server.Revoke} {
			r := post(tt.contentType, tt.body)
			if tt.authorization != "" {
				with(r, tt.authorization)
			}
			got := serve(h, r)
			if got.field(t, "error") != tt.error || got.status != map[string]int{"invalid_request": 400, "invalid_client": 401}[tt.error] {
				t.Errorf("%s, %s: %v, want %s", name, tt.name, got, tt.error)
			}
		}
	}
	if !f.works(t, token) {
		t.Error("a refusal revoked the token")
	}
}

// Of a foreign token nothing happens but the lookup: it is not used, and nobody
// is told.
func TestIntrospectForeignLeavesNoTrace(t *testing.T) {
	f := setup(t, endpoint.Config{})
	token, _ := f.issue(t, bearer.Request{Subject: "ben"})
	f.events.take()
	serve(f.server.Introspect, form(f.client, "token", token))
	if got := f.events.take(); len(got) != 1 || got[0].Subject != "ada" {
		t.Errorf("events %+v, want ada's client alone", got)
	}
	token, c := f.issue(t, bearer.Request{})
	serve(f.server.Introspect, form(f.client, "token", token))
	if got := f.events.take(); len(got) != 2 || got[1].Scheme != "Bearer" || got[1].Credential != c.ID {
		t.Errorf("events %+v, want the client and the token", got)
	}
}
