package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/internal/services"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// aging makes tokens old: it lets their lifetime be a second, once that is
// answered. Clients renew a token a few seconds before its end.
type aging struct{ issued int }

func (a *aging) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.URL.Path != "/oauth/token" || res.StatusCode != http.StatusOK {
		return res, err
	}
	a.issued++
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	body = bytes.Replace(body, []byte(`"expires_in":86400`), []byte(`"expires_in":1`), 1)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return res, err
}

// TestClientCredentials lets a client of OAuth that knows nothing of the portal
// get, use and renew tokens, in both styles. M8
func TestClientCredentials(t *testing.T) {
	a := startJSON(t)
	for name, style := range map[string]oauth2.AuthStyle{"header": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams, "by trial": oauth2.AuthStyleAutoDetect} {
		t.Run(name, func(t *testing.T) {
			cfg := &clientcredentials.Config{
				ClientID: a.ClientID, ClientSecret: a.Secret, TokenURL: a.URL + "/oauth/token", Scopes: []string{"reports:read", "reports:write"}, AuthStyle: style,
			}
			token, err := cfg.Token(t.Context())
			if err != nil || token.TokenType != "Bearer" || token.Extra("expires_in") != 86400.0 || token.Extra("scope") != "reports:read reports:write" {
				t.Fatalf("%+v, %v", token, err)
			}
			transport := new(aging)
			client := cfg.Client(context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: transport}))
			for range 3 {
				res, err := client.Get(a.URL + "/api/reports")
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode != http.StatusOK {
					t.Errorf("with the token: %s", res.Status)
				}
			}
			if transport.issued != 3 {
				t.Errorf("%d tokens for three requests, each with the one before at its end", transport.issued)
			}
			cfg.ClientSecret = a.Other.Secret
			if _, err := cfg.Token(t.Context()); !isInvalidClient(err) {
				t.Errorf("another client's secret: %v, want invalid_client", err)
			}
		})
	}
}

func isInvalidClient(err error) bool {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	return ok && e.ErrorCode == "invalid_client"
}

// The metadata lead to where the endpoints are.
func TestMetadata(t *testing.T) {
	a := startJSON(t)
	status, doc := call(t, "GET", a.URL+"/.well-known/oauth-authorization-server", "", "")
	if status != 200 || doc["issuer"] != a.URL {
		t.Fatalf("%d %v, want the issuer %s", status, doc, a.URL)
	}
	for _, name := range []string{"token_endpoint", "introspection_endpoint", "revocation_endpoint"} {
		url, _ := doc[name].(string)
		if status, body := call(t, "GET", url, "", ""); status != http.StatusMethodNotAllowed { // so it is there
			t.Errorf("GET %s: %d %v, want 405", url, status, body)
		}
		if status, body := call(t, "POST", url, "Bearer "+a.Token, ""); status != http.StatusBadRequest {
			t.Errorf("POST %s: %d %v, want 400", url, status, body)
		}
	}
}

// TestGuide pastes the lines of docs/guide.md that are about these endpoints.
func TestGuide(t *testing.T) {
	services.Find(t, "curl")
	text, err := os.ReadFile("../../docs/guide.md")
	if err != nil {
		t.Fatal(err)
	}
	_, lines, found := strings.Cut(string(text), "```sh\nTOKEN=")
	lines, _, closed := strings.Cut(lines, "```")
	if !found || !closed {
		t.Fatal("the guide has no such lines")
	}
	a := startJSON(t)
	cmd := exec.Command("sh", "-c", strings.ReplaceAll("TOKEN="+lines, "http://localhost:8080", a.URL))
	cmd.Env = append(os.Environ(), "CLIENT="+a.ClientID+":"+a.Secret)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`HTTP/1.1 (\d+)`).FindAllStringSubmatch(string(out), -1) {
		got = append(got, m[1])
	}
	if want := []string{"200", "200", "200", "401"}; !slices.Equal(got, want) || !strings.Contains(string(out), `"active":true`) {
		t.Errorf("statuses %s, want %s:\n%s", got, want, out)
	}
}

// On an address that is not this machine's, without TLS, there are no metadata;
// all else works.
func TestWithoutMetadata(t *testing.T) {
	kept, err := openStore(t.Context(), "memory")
	if err != nil {
		t.Fatal(err)
	}
	a, err := newApp(kept, "http://192.0.2.7:8080", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	a.routes().ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/oauth-authorization-server", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("%d %s, want 404", w.Code, w.Body)
	}
}
