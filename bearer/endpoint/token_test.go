package endpoint_test

import (
	"context"
	"encoding/json"
	"net/http"
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

const (
	typeForm = "application/x-www-form-urlencoded"
	grant    = "grant_type=client_credentials"
)

// The answer of RFC 6749 section 5.1, to the byte. M8, C8
func TestToken(t *testing.T) {
	f := setup(t, endpoint.Config{})
	got := serve(f.server.Token, form(f.client, "grant_type", "client_credentials", "scope", "reports:read"))
	token := got.field(t, "access_token").(string)
	want := response{200, http.Header{"Cache-Control": {"no-store"}, "Pragma": {"no-cache"}, "Content-Type": {"application/json"}},
		`{"access_token":"` + token + `","token_type":"Bearer","expires_in":86400,"scope":"reports:read"}`}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	list, err := f.tokens.ListExchanged(t.Context(), "ada", f.id)
	if err != nil || len(list) != 1 || list[0].ClientID != f.id || !f.works(t, token) {
		t.Errorf("%+v, %v, want one token of the client %s", list, err, f.id)
	}
}

// What may be asked for in JSON, where SECRET stands for the client's own.
var tokenJSONTests = []struct {
	name, body string
	error      string // "": none
	expires    string
	scope      string
}{
	{"nothing", `{}`, "", "86400", "a b"},
	{"shortest", `{"Lifetime":60}`, "", "60", "a b"},
	{"longest", `{"Lifetime":31536000}`, "", "31536000", "a b"},
	{"names in lower case", `{"lifetime":3600,"scopes":["a"]}`, "", "3600", "a"},
	{"names in upper case", `{"LIFETIME":3600,"SCOPES":["a"]}`, "", "3600", "a"},
	{"escaped name", `{"L\u0069fetime":3600}`, "", "3600", "a b"},
	{"white space", " {\n\t\"Lifetime\" : 3600 , \"Scopes\" : [ \"b\" ] } \n", "", "3600", "b"},
	{"no scopes", `{"Scopes":[]}`, "", "86400", ""},

	{"59 s", `{"Lifetime":59}`, "invalid_request", "", ""},
	{"365 d and 1 s", `{"Lifetime":31536001}`, "invalid_request", "", ""},
	{"zero", `{"Lifetime":0}`, "invalid_request", "", ""},
	{"minus zero", `{"Lifetime":-0}`, "invalid_request", "", ""},
	{"negative", `{"Lifetime":-3600}`, "invalid_request", "", ""},
	{"fraction", `{"Lifetime":61.5}`, "invalid_request", "", ""},
	{"fraction of zero", `{"Lifetime":3600.0}`, "invalid_request", "", ""},
	{"exponent", `{"Lifetime":3.6e3}`, "invalid_request", "", ""},
	{"1e400", `{"Lifetime":1e400}`, "invalid_request", "", ""},
	{"MaxInt64", `{"Lifetime":9223372036854775807}`, "invalid_request", "", ""},
	{"MaxInt64 and 1", `{"Lifetime":9223372036854775808}`, "invalid_request", "", ""},
	{"wraps round to an hour in nanoseconds", `{"Lifetime":18446744077}`, "invalid_request", "", ""},
	{"wraps round to an hour", `{"Lifetime":18446744073709555216}`, "invalid_request", "", ""},
	{"string", `{"Lifetime":"3600"}`, "invalid_request", "", ""},
	{"null", `{"Lifetime":null}`, "invalid_request", "", ""},
	{"array", `{"Lifetime":[3600]}`, "invalid_request", "", ""},
	{"repeated", `{"Lifetime":3600,"Lifetime":3600}`, "invalid_request", "", ""},
	{"repeated in another case", `{"Lifetime":60,"lifetime":3600}`, "invalid_request", "", ""},
	{"repeated by an escape", `{"Lifetime":60,"L\u0069fetime":3600}`, "invalid_request", "", ""},
	{"repeated secret", `{"secret":"a","Secret":"SECRET"}`, "invalid_request", "", ""},
	{"unknown member", `{"Lifetmie":3600}`, "invalid_request", "", ""},
	{"long s", `{"ſcopes":["a"]}`, "invalid_request", "", ""},
	{"scopes null", `{"Scopes":null}`, "invalid_request", "", ""},
	{"scopes in a string", `{"Scopes":"a b"}`, "invalid_request", "", ""},
	{"scopes of numbers", `{"Scopes":[1]}`, "invalid_request", "", ""},
	{"secret null", `{"Secret":null}`, "invalid_request", "", ""},
	{"secret of numbers", `{"Secret":[1]}`, "invalid_request", "", ""},
	{"scope beyond", `{"Scopes":["a","c"]}`, "invalid_scope", "", ""},
	{"all scopes", `{"Scopes":["*"]}`, "invalid_scope", "", ""},
	{"null among scopes", `{"Scopes":["a",null]}`, "invalid_scope", "", ""},
	{"scope with a space", `{"Scopes":["a b"]}`, "invalid_scope", "", ""},
	{"101 scopes", `{"Scopes":["a"` + strings.Repeat(`,"a"`, 100) + `]}`, "invalid_scope", "", ""},
	{"empty body", ``, "invalid_request", "", ""},
	{"array", `[]`, "invalid_request", "", ""},
	{"string", `"a"`, "invalid_request", "", ""},
	{"null", `null`, "invalid_request", "", ""},
	{"two objects", `{}{}`, "invalid_request", "", ""},
	{"rest", `{} a`, "invalid_request", "", ""},
	{"half", `{"Lifetime":3600`, "invalid_request", "", ""},
	{"comma", `{"Lifetime":3600,}`, "invalid_request", "", ""},
	{"no comma", `{"Lifetime":3600 "Scopes":[]}`, "invalid_request", "", ""},
	{"no name", `{3600}`, "invalid_request", "", ""},
	{"byte order mark", "\ufeff{}", "invalid_request", "", ""},
	{"form", grant, "invalid_request", "", ""},
	{"64 KiB", `{"Scopes":["a"]` + strings.Repeat(" ", 64<<10-16) + `}`, "", "86400", "a"},
	{"64 KiB and 1", `{"Scopes":["a"]` + strings.Repeat(" ", 64<<10-15) + `}`, "invalid_request", "", ""},
}

// What may be asked for in JSON, and what is refused: then nothing is stored.
// T5, R9
func TestTokenJSON(t *testing.T) {
	f := setup(t, endpoint.Config{})
	c := f.newClient(t, secret.Request{Scopes: []string{"a", "b"}})
	for _, tt := range tokenJSONTests {
		t.Run(tt.name, func(t *testing.T) {
			before := f.rows(t)
			got := serve(f.server.Token, with(post("application/json", strings.ReplaceAll(tt.body, "SECRET", c.secret)), "Secret "+c.secret))
			checkToken(t, f, got, before, tt.error)
			if tt.error == "" && (got.field(t, "expires_in") != json.Number(tt.expires) || got.field(t, "scope") != tt.scope) {
				t.Errorf("%v, want %s seconds, scope %q", got, tt.expires, tt.scope)
			}
		})
	}
}

// checkToken checks an answer of Token: a token that works, or an error of RFC
// 6749 section 5.2 and nothing stored.
func checkToken(t *testing.T, f *fixture, got response, before int, wantError string) {
	t.Helper()
	if wantError == "" {
		if got.status != 200 || !f.works(t, got.field(t, "access_token").(string)) || f.rows(t) != before+1 {
			t.Fatalf("%v, want a token", got)
		}
		return
	}
	status := http.StatusBadRequest
	if wantError == "invalid_client" {
		status = http.StatusUnauthorized
	}
	if got.status != status || got.field(t, "error") != wantError || f.rows(t) != before {
		t.Errorf("%v, %d stored, want %d %s", got, f.rows(t)-before, status, wantError)
	}
	if len(got.header["Www-Authenticate"]) > 0 != (status == 401) { // C1
		t.Errorf("challenges %q", got.header["Www-Authenticate"])
	}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "application/json" { // C8
		t.Errorf("header %v", got.header)
	}
}

// RFC 6749 section 4.4.
func TestTokenForm(t *testing.T) {
	f := setup(t, endpoint.Config{})
	c := f.newClient(t, secret.Request{Scopes: []string{"a", "b"}})
	for _, tt := range []struct{ name, contentType, body, error, scope string }{
		{"no scope", typeForm, grant, "", "a b"},
		{"scope", typeForm, grant + "&scope=a", "", "a"},
		{"scopes", typeForm, grant + "&scope=b+a", "", "b a"},
		{"scope without a value", typeForm, grant + "&scope=", "", "a b"},
		{"parameters of others", typeForm, grant + "&resource=x&lifetime=1", "", "a b"},
		{"charset", typeForm + "; charset=UTF-8", grant, "", "a b"},
		{"type in capitals", strings.ToUpper(typeForm), grant, "", "a b"},
		{"scope beyond", typeForm, grant + "&scope=a+c", "invalid_scope", ""},
		{"all scopes", typeForm, grant + "&scope=*", "invalid_scope", ""},
		{"scope in capitals", typeForm, grant + "&scope=A", "invalid_scope", ""},
		{"two spaces", typeForm, grant + "&scope=a++b", "invalid_scope", ""},
		{"a space alone", typeForm, grant + "&scope=+", "invalid_scope", ""},
		{"a line break", typeForm, grant + "&scope=a%0Ab", "invalid_scope", ""},
		{"no grant", typeForm, "scope=a", "invalid_request", ""},
		{"grant without a value", typeForm, "grant_type=", "invalid_request", ""},
		{"empty", typeForm, "", "invalid_request", ""},
		{"password grant", typeForm, "grant_type=password&username=ada&password=a", "unsupported_grant_type", ""},
		{"grant in capitals", typeForm, "grant_type=CLIENT_CREDENTIALS", "unsupported_grant_type", ""},
		{"repeated grant", typeForm, grant + "&" + grant, "invalid_request", ""},
		{"repeated scope", typeForm, grant + "&scope=a&scope=b", "invalid_request", ""},
		{"repeated, once without a value", typeForm, grant + "&scope=&scope=a", "invalid_request", ""},
		{"repeated parameter of others", typeForm, grant + "&resource=a&resource=b", "invalid_request", ""},
		{"semicolon", typeForm, grant + ";scope=a", "invalid_request", ""},
		{"bad escape", typeForm, grant + "&scope=%zz", "invalid_request", ""},
		{"JSON", typeForm, `{"Lifetime":60}`, "invalid_request", ""},
		{"no type", "", grant, "invalid_request", ""},
		{"text", "text/plain", grant, "invalid_request", ""},
		{"multipart", "multipart/form-data; boundary=a", "--a\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--a--\r\n", "invalid_request", ""},
		{"bad type", typeForm + "; charset", grant, "invalid_request", ""},
		{"64 KiB", typeForm, grant + "&a=" + strings.Repeat("a", 64<<10-len(grant)-3), "", "a b"},
		{"64 KiB and 1", typeForm, grant + "&a=" + strings.Repeat("a", 64<<10-len(grant)-2), "invalid_request", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := f.rows(t)
			got := serve(f.server.Token, with(post(tt.contentType, tt.body), c.basic()))
			checkToken(t, f, got, before, tt.error)
			if tt.error == "" && got.field(t, "scope") != tt.scope {
				t.Errorf("%v, want the scope %q", got, tt.scope)
			}
		})
	}
}

// The host's bounds, and those of one client. T5
func TestTokenLifetimes(t *testing.T) {
	own := map[string]time.Duration{}
	bounds := func(low, high, usual time.Duration) endpoint.Config {
		return endpoint.Config{MinLifetime: low, MaxLifetime: high, DefaultLifetime: usual, MaxLifetimeFor: func(_ context.Context, client *auth.Identity) (time.Duration, error) {
			return own[client.Client], nil
		}}
	}
	for _, tt := range []struct {
		name  string
		cfg   endpoint.Config
		own   time.Duration
		asked string
		want  string // "": refused
	}{
		{"defaults", endpoint.Config{}, 0, ``, "86400"},
		{"the host's default", bounds(0, 0, time.Hour), 0, ``, "3600"},
		{"longest", bounds(0, time.Hour, 0), 0, `"Lifetime":3600`, "3600"},
		{"too long", bounds(0, time.Hour, 0), 0, `"Lifetime":3601`, ""},
		{"the default is within the longest", bounds(0, time.Hour, 0), 0, ``, "3600"},
		{"shortest", bounds(time.Hour, 0, 0), 0, `"Lifetime":3600`, "3600"},
		{"too short", bounds(time.Hour, 0, 0), 0, `"Lifetime":3599`, ""},
		{"the default is within the shortest", bounds(48*time.Hour, 0, 0), 0, ``, "172800"},
		{"the client's longest", bounds(0, 0, 0), time.Hour, `"Lifetime":3600`, "3600"},
		{"too long for the client", bounds(0, 0, 0), time.Hour, `"Lifetime":3601`, ""},
		{"the default is within the client's", bounds(0, 0, 0), time.Hour, ``, "3600"},
		{"whole seconds of the client's", bounds(0, 0, 0), 90500 * time.Millisecond, ``, "90"},
		{"the client's is no wider", bounds(0, time.Hour, 0), 2 * time.Hour, `"Lifetime":3601`, ""},
		{"the client may have none", bounds(0, 0, 0), time.Second, ``, ""},
		{"nor by asking", bounds(0, 0, 0), -1, `"Lifetime":60`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := setup(t, tt.cfg)
			own[f.id] = tt.own
			got := serve(f.server.Token, with(post("application/json", "{"+tt.asked+"}"), "Secret "+f.secret))
			wantError := ""
			if tt.want == "" {
				wantError = "invalid_request"
			}
			checkToken(t, f, got, 0, wantError)
			if tt.want != "" && got.field(t, "expires_in") != json.Number(tt.want) {
				t.Errorf("%v, want %s seconds", got, tt.want)
			}
		})
	}
}

// A policy that does not answer is an outage.
func TestTokenMaxLifetimeForFails(t *testing.T) {
	f := setup(t, endpoint.Config{MaxLifetimeFor: func(context.Context, *auth.Identity) (time.Duration, error) { return time.Hour, errDown }})
	got := serve(f.server.Token, form(f.client, "grant_type", "client_credentials"))
	checkOutage(t, f, got)
}

// The token is good for expires_in seconds, and outlives its secret, which does
// not exchange after its end. M8, T6
func TestTokenExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := setup(t, endpoint.Config{})
		c := f.newClient(t, secret.Request{Lifetime: time.Minute})
		time.Sleep(59 * time.Second)
		got := serve(f.server.Token, post("application/json", `{"Secret":"`+c.secret+`","Lifetime":3600}`))
		token := got.field(t, "access_token").(string)
		row, err := f.tokens.Lookup(t.Context(), token)
		if err != nil || got.field(t, "expires_in") != json.Number("3600") || !row.ExpiresAt.Equal(time.Now().Add(time.Hour)) {
			t.Fatalf("%v, row %+v, %v", got, row, err)
		}
		time.Sleep(time.Second)
		if got := serve(f.server.Token, post("application/json", `{"Secret":"`+c.secret+`"}`)); got.status != 401 {
			t.Errorf("the expired secret: %v", got)
		}
		time.Sleep(time.Hour - time.Second - time.Microsecond)
		if !f.works(t, token) {
			t.Error("refused in its last microsecond")
		}
		time.Sleep(time.Microsecond)
		if f.works(t, token) {
			t.Error("accepted after its end")
		}
	})
}

// An account with as many tokens as it may have is told so.
func TestTokenLimit(t *testing.T) {
	f := setup(t, endpoint.Config{})
	f.store.fault = func(call string, _ store.Kind) error {
		if call == "insert" {
			return store.ErrLimit
		}
		return nil
	}
	checkToken(t, f, serve(f.server.Token, form(f.client, "grant_type", "client_credentials")), 0, "invalid_request")
}

// An answer that is lost costs nothing: whoever asks again gets a token.
func TestTokenRetry(t *testing.T) {
	f := setup(t, endpoint.Config{})
	first, second := f.exchange(t, f.client, ""), f.exchange(t, f.client, "")
	if first == second || !f.works(t, first) || !f.works(t, second) {
		t.Error("two exchanges did not make two tokens")
	}
}

// A revoked secret issues nothing. Its tokens live on until the host revokes
// them. M8
func TestTokenAfterRevocation(t *testing.T) {
	f := setup(t, endpoint.Config{})
	before := f.exchange(t, f.client, "")
	if _, _, err := f.secrets.Rotate(t.Context(), "ada", f.credential, time.Hour); err != nil {
		t.Fatal(err)
	}
	overlap := f.exchange(t, f.client, "")
	if n, err := f.secrets.RevokeFamily(t.Context(), "ada", f.id); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	checkToken(t, f, serve(f.server.Token, form(f.client, "grant_type", "client_credentials")), 2, "invalid_client")
	if !f.works(t, before) || !f.works(t, overlap) {
		t.Error("the tokens ended with the secret")
	}
	if n, err := f.tokens.RevokeExchanged(t.Context(), "ada", f.id); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if f.works(t, before) || f.works(t, overlap) {
		t.Error("a token outlived RevokeExchanged")
	}
}

// What a personal access token may do is of no use here. P10, R9
func TestTokenOfAToken(t *testing.T) {
	f := setup(t, endpoint.Config{})
	token, _ := f.issue(t, bearer.Request{})
	for _, authorization := range []string{"Secret " + token, "Bearer " + token, client{f.id, "", token}.basic(), "Bearer " + f.secret} {
		checkToken(t, f, serve(f.server.Token, with(plainForm("grant_type", "client_credentials"), authorization)), 1, "invalid_client")
	}
}
