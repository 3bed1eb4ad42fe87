package endpoint_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/store"
)

// fuzz sends a body and an Authorization header, in which SECRET and ID stand for
// ada's: no panic and no 5xx; what is not a token stores nothing.
func (f *fixture) fuzz(t *testing.T, h http.HandlerFunc, contentType, authorization, body string) {
	fill := strings.NewReplacer("SECRET", f.secret, "ID", f.id, "BASIC", f.basic()).Replace
	r := post(contentType, fill(body))
	if authorization != "" {
		with(r, fill(authorization))
	}
	before := f.rows(t)
	got := serve(h, r)
	stored := f.rows(t) - before
	switch {
	case got.status != 200 && got.status != 400 && got.status != 401:
		t.Errorf("%v", got)
	case got.status != 200 && (stored != 0 || strings.Contains(got.body, f.secret)):
		t.Errorf("%v, and %d stored", got, stored)
	case strings.Contains(got.body, "access_token") && (stored != 1 || !f.works(t, got.field(t, "access_token").(string))):
		t.Errorf("%v, and %d stored", got, stored)
	}
	if stored > 0 { // to stay within the limit
		if _, err := f.tokens.RevokeAll(t.Context(), "ada"); err != nil {
			t.Fatal(err)
		}
		if _, err := f.store.Prune(t.Context(), store.PruneBefore{Ended: time.Now().Add(time.Hour), Rotated: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzTokenJSON(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"Secret":"SECRET"}`, `{"secret":"SECRET","LIFETIME":3600,"Scopes":["a"]}`, `{"Secret":"SECRET","Lifetime":3.6e3}`,
		`{"Secret":"a","secret":"SECRET"}`, `{"Secret":null,"Scopes":[]}`, `{"Lifetime":18446744073709555216}`, `[{}]`, `{"a":{"b":[1,2,{"c":"d"}]}}`, "{\"\xff\":1}",
	} {
		f.Add("", body)
		f.Add("Secret SECRET", body)
	}
	for _, tt := range tokenJSONTests {
		if len(tt.body) < 1024 {
			f.Add("Secret SECRET", tt.body)
		}
	}
	fix := setup(f, endpoint.Config{})
	f.Fuzz(func(t *testing.T, authorization, body string) {
		fix.fuzz(t, fix.server.Token, "application/json", authorization, body)
	})
}

func FuzzTokenForm(f *testing.F) {
	for _, body := range []string{
		"", grant, grant + "&scope=a+b", grant + "&client_id=ID&client_secret=SECRET", grant + "&" + grant, grant + ";a=b", "grant_type=password", "=%zz&&", grant + "&scope=%00",
	} {
		f.Add("", body)
		f.Add("BASIC", body)
		f.Add("Basic Og==", body)
		f.Add("Secret SECRET", body)
	}
	fix := setup(f, endpoint.Config{})
	f.Fuzz(func(t *testing.T, authorization, body string) {
		fix.fuzz(t, fix.server.Token, typeForm, authorization, body)
	})
}

func FuzzInspect(f *testing.F) {
	for _, body := range []string{"", "token=a", "token=a&token=b", "token=%zz", "token=SECRET&token_type_hint=access_token", "client_id=ID&client_secret=SECRET&token=a"} {
		f.Add("", body)
		f.Add("BASIC", body)
	}
	fix := setup(f, endpoint.Config{})
	token, _ := fix.issue(f, bearer.Request{Subject: "ben"})
	f.Fuzz(func(t *testing.T, authorization, body string) {
		fix.fuzz(t, fix.server.Introspect, typeForm, authorization, body)
		fix.fuzz(t, fix.server.Revoke, typeForm, authorization, body)
		if !fix.works(t, token) {
			t.Error("another account's token was revoked")
		}
	})
}

// Whatever the Content-Type.
func FuzzContentType(f *testing.F) {
	for _, contentType := range []string{"", typeForm, "application/json", "application/json; charset=utf-8", "a/b; c", ";", "multipart/form-data; boundary=a"} {
		f.Add(contentType, grant)
		f.Add(contentType, "{}")
	}
	fix := setup(f, endpoint.Config{})
	f.Fuzz(func(t *testing.T, contentType, body string) {
		fix.fuzz(t, fix.server.Token, contentType, "BASIC", body)
	})
}
