package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v5"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/examples/internal/program"
	"github.com/keystile/keystile/store"
)

// What the program prints works as pasted.
func TestProgram(t *testing.T) {
	p := program.Start(t)
	p.Want(401, 200, 404, 403)
	if _, body := p.Paste(p.Curl[1]); body != `{"id":"q3","reader":"ada"}`+"\n" {
		t.Errorf("the handler wrote %q: it wants echo's parameter and the identity", body)
	}
}

// A refusal reaches the client byte for byte as the Guard writes it without echo,
// the handler does not run, and echo's error handler is not asked.
func TestRefusals(t *testing.T) {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ada", Scopes: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	var ran, failed int
	e := echo.New()
	e.HTTPErrorHandler = func(*echo.Context, error) { failed++ }
	e.GET("/", func(c *echo.Context) error { ran++; return c.NoContent(http.StatusNoContent) }, require(guard, "reports:read"))
	bare := guard.Require("reports:read")(http.NotFoundHandler())

	for _, test := range []struct {
		name, authorization string
		status              int
	}{
		{"nobody", "", 401},
		{"two words", "Bearer a b", 400},
		{"unknown", "Bearer junk", 401},
		{"no scope", "Bearer " + plain.Reveal(), 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			ask := func(h http.Handler) *httptest.ResponseRecorder {
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("Authorization", test.authorization)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w
			}
			got, want := ask(e), ask(bare)
			if got.Code != test.status {
				t.Errorf("status %d, want %d", got.Code, test.status)
			}
			if diff := cmp.Diff(want.Result().Header, got.Result().Header); diff != "" {
				t.Errorf("header (-net/http +echo):\n%s", diff)
			}
			if diff := cmp.Diff(want.Body.String(), got.Body.String()); diff != "" {
				t.Errorf("body (-net/http +echo):\n%s", diff)
			}
		})
	}
	if ran != 0 || failed != 0 {
		t.Errorf("the handler ran %d times, the error handler %d times: want neither", ran, failed)
	}
}
