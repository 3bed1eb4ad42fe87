package auth_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/keystile/keystile/auth"
)

// A scheme of the host's own, "Authorization: ApiKey ...", before a handler.
func Example() {
	// Digests, so that a look into the map or its timing tells nobody a key.
	owners := map[[sha256.Size]byte]string{
		sha256.Sum256([]byte("mE7tq0VvXc2hRkLd9sJpY4wG")): "ada",
	}
	apiKeys := auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
		key, err := auth.HeaderCredentials(r.Header, "ApiKey")
		if err != nil {
			return nil, err // ErrNoCredentials or ErrMalformed
		}
		owner, ok := owners[sha256.Sum256([]byte(key))]
		if !ok {
			return nil, auth.ErrInvalidCredentials
		}
		return &auth.Identity{Subject: owner, Scheme: "ApiKey", Scopes: []string{"reports:read"}}, nil
	})
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{apiKeys},
	})
	if err != nil {
		log.Fatal(err)
	}

	reports := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintf(w, "The reports of %s.\n", id.Subject)
	})
	mux := http.NewServeMux()
	mux.Handle("GET /reports", guard.Require("reports:read")(reports))
	mux.Handle("POST /reports", guard.Require("reports:write")(reports))

	show := func(method, authorization string) {
		r := httptest.NewRequest(method, "/reports", nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	show("GET", "ApiKey mE7tq0VvXc2hRkLd9sJpY4wG")
	show("POST", "ApiKey mE7tq0VvXc2hRkLd9sJpY4wG")
	show("GET", "ApiKey ooooooooooooooooooooooooo")
	show("GET", "ApiKey")
	show("GET", "")
	// Output:
	// 200 The reports of ada.
	// 403 {"type":"about:blank","title":"Forbidden","status":403,"detail":"The credentials do not allow this."}
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credentials are not valid."}
	// 400 {"type":"about:blank","title":"Bad Request","status":400,"detail":"The credentials are malformed."}
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"Authentication is required."}
}

// exampleGuard returns a Guard of one scheme with one valid credential.
func exampleGuard() *auth.Guard {
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{auth.AuthenticatorFunc(exampleScheme)},
	})
	if err != nil {
		log.Fatal(err)
	}
	return guard
}

func exampleScheme(r *http.Request) (*auth.Identity, error) {
	switch key, err := auth.HeaderCredentials(r.Header, "ApiKey"); {
	case err != nil:
		return nil, err
	case key != "letmein":
		return nil, auth.ErrInvalidCredentials
	}
	return &auth.Identity{Subject: "ada", Scheme: "ApiKey", Scopes: []string{"reports:read"}}, nil
}

// A page for everybody, that greets those whom it knows. Credentials that are
// wrong are refused here too: whoever sends them does not want to be a stranger.
func ExampleGuard_Optional() {
	page := exampleGuard().Optional(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := auth.FromContext(r.Context()); ok {
			fmt.Fprintf(w, "Hello %s.", id.Subject)
			return
		}
		fmt.Fprint(w, "Hello stranger.")
	}))

	for _, authorization := range []string{"", "ApiKey letmein", "ApiKey guess"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 Hello stranger.
	// 200 Hello ada.
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credentials are not valid."}
}

// A handler that asks by itself, and so needs neither middleware nor context.
func ExampleGuard_Authenticate() {
	guard := exampleGuard()
	handler := func(w http.ResponseWriter, r *http.Request) {
		id, err := guard.Authenticate(r, "reports:read")
		if e, refused := errors.AsType[*auth.Error](err); refused {
			auth.WriteProblem(w, r, e)
			return
		}
		fmt.Fprintf(w, "The reports of %s.", id.Subject)
	}

	for _, authorization := range []string{"ApiKey letmein", "ApiKey guess"} {
		r := httptest.NewRequest("GET", "/reports", nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		handler(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 The reports of ada.
	// 401 {"type":"about:blank","title":"Unauthorized","status":401,"detail":"The credentials are not valid."}
}

func ExampleHeaderCredentials() {
	for _, line := range []string{"ApiKey letmein", "apikey   letmein", "Basic eDp5", "ApiKey", "Basic eDp5, ApiKey letmein"} {
		key, err := auth.HeaderCredentials(http.Header{"Authorization": {line}}, "ApiKey")
		fmt.Printf("%q %v\n", key, err)
	}
	// Output:
	// "letmein" <nil>
	// "letmein" <nil>
	// "" auth: authentication is required
	// "" auth: the credentials are malformed
	// "" auth: the credentials are malformed
}

// A line in the log for every decision, with the cause that clients are not
// told.
func ExampleConfig_observe() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" { // never the same twice
			return slog.Attr{}
		}
		return a
	}}))
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{auth.AuthenticatorFunc(exampleScheme)},
		Observe: func(ctx context.Context, ev auth.Event) {
			logger.InfoContext(ctx, "authentication", "auth", ev)
		},
	})
	if err != nil {
		log.Fatal(err)
	}

	for _, authorization := range []string{"ApiKey letmein", "ApiKey guess"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", authorization)
		guard.Authenticate(r)
	}
	// Output:
	// level=INFO msg=authentication auth.type=authenticated auth.scheme=ApiKey auth.subject=ada
	// level=INFO msg=authentication auth.type=refused auth.err="auth: the credentials are not valid"
}
