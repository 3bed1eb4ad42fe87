package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/examples/internal/program"
	"github.com/keystile/keystile/store"
)

// What the program prints works as pasted, and its log names the request.
func TestProgram(t *testing.T) {
	p := program.Start(t)
	p.Want(200, 401, 200, 403)
	if _, body := p.Paste(p.Curl[2]); body != "report \"q3\", for ada\n" {
		t.Errorf("the handler wrote %q: it wants chi's parameter and the identity", body)
	}
	p.WantLog(`request=\S+-\d+ event\.type=refused .*do not allow this`)
}

// A group's scope and a single route's are each asked for on their own, and a
// route without the guard by nobody.
func TestScopes(t *testing.T) {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := routes(tokens)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	token := func(scopes ...string) string {
		plain, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada", Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + plain.Reveal()
	}
	read, write, all := token("reports:read"), token("reports:write"), token(auth.AllScopes)
	for _, test := range []struct {
		name, method, path, authorization string
		status                            int
		challenge                         string
	}{
		{"open", "GET", "/healthz", "", 200, ""},
		{"open, with junk", "GET", "/healthz", "Bearer junk", 200, ""},
		{"nobody in the group", "GET", "/api/reports/q3", "", 401, `Bearer realm="api"`},
		{"reader in the group", "GET", "/api/reports", read, 200, ""},
		{"writer in the group", "GET", "/api/reports", write, 403, `scope="reports:read"`},
		{"nobody on the route", "DELETE", "/api/reports/q3", "", 401, `Bearer realm="api"`},
		{"reader on the route", "DELETE", "/api/reports/q3", read, 403, `scope="reports:write"`},
		{"writer on the route", "DELETE", "/api/reports/q3", write, 204, ""},
		{"all", "DELETE", "/api/reports/q3", all, 204, ""},
		{"no route", "GET", "/api/nothing", "", 404, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, server.URL+test.path, nil)
			r.RequestURI = ""
			if test.authorization != "" {
				r.Header.Set("Authorization", test.authorization)
			}
			res, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != test.status {
				t.Errorf("%s, want %d", res.Status, test.status)
			}
			if got := res.Header.Get("WWW-Authenticate"); !strings.Contains(got, test.challenge) || test.challenge == "" && got != "" {
				t.Errorf("WWW-Authenticate: %s, want %s", got, test.challenge)
			}
		})
	}
}
