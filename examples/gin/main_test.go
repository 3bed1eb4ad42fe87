package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/examples/internal/program"
)

// What the program prints works as pasted.
func TestProgram(t *testing.T) {
	p := program.Start(t)
	p.Want(401, 200, 403)
	if _, body := p.Paste(p.Curl[1]); body != `{"id":"q3","reader":"ada"}` {
		t.Errorf("the handler wrote %q: it wants gin's parameter and the identity", body)
	}
}

// The handler and the middleware after the guard run for who passes, and for
// nobody else, and the response is the Guard's, written once.
func TestRefusalEndsTheChain(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{
		auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
			switch r.Header.Get("Authorization") {
			case "":
				return nil, auth.ErrNoCredentials
			case "reader":
				return &auth.Identity{Subject: "ada", Scopes: []string{"reports:read"}}, nil
			case "idle":
				return &auth.Identity{Subject: "bob"}, nil
			case "outage":
				return nil, errors.New("the store does not answer")
			}
			return nil, auth.ErrInvalidCredentials
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var ran []string
	mark := func(name string) gin.HandlerFunc {
		return func(c *gin.Context) {
			ran = append(ran, name)
			if name == "handler" {
				id, _ := auth.FromContext(c.Request.Context())
				c.JSON(200, gin.H{"status": 200, "reader": id.Subject})
			}
		}
	}
	r := gin.New()
	r.GET("/", require(guard, "reports:read"), mark("middleware"), mark("handler"))
	r.HEAD("/", require(guard, "reports:read"), mark("middleware"), mark("handler"))
	server := httptest.NewServer(r)
	defer server.Close()

	for _, test := range []struct {
		authorization string
		status, runs  int
	}{
		{"reader", 200, 2},
		{"", 401, 0},
		{"unknown", 401, 0},
		{"idle", 403, 0},
		{"outage", 503, 0},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			t.Run(method+" "+test.authorization, func(t *testing.T) {
				ran = nil
				r, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", test.authorization)
				res, err := server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				if res.StatusCode != test.status {
					t.Errorf("%s, want %d", res.Status, test.status)
				}
				if len(ran) != test.runs {
					t.Errorf("after the guard ran %q, want %d of them", ran, test.runs)
				}
				if got := res.Header.Values("Cache-Control"); len(got) != 1 || got[0] != "no-store" {
					t.Errorf("Cache-Control: %q", got)
				}
				if method == "HEAD" {
					return
				}
				var body struct{ Status int }
				d := json.NewDecoder(res.Body)
				if err := d.Decode(&body); err != nil || body.Status != test.status {
					t.Errorf("body: %v, status %d", err, body.Status)
				}
				if _, err := d.Token(); err != io.EOF {
					t.Errorf("something was written after the body: %v", err)
				}
			})
		}
	}
}
