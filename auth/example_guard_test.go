package auth_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
)

// Whatever is wrong is told at once.
func ExampleNew() {
	_, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{
		auth.AuthenticatorFunc(exampleScheme),
		nil,
	}})
	fmt.Println(err)
	_, err = auth.New(auth.Config{})
	fmt.Println(err)
	// Output:
	// auth: Config.Authenticators[1]: nil: look at the error that its constructor has returned
	// auth: Config.Authenticators: empty: at least one is required
}

func ExampleGuard_Require() {
	guard := exampleGuard()
	reports := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintf(w, "the reports of %s", id.Subject)
	})
	mux := http.NewServeMux()
	mux.Handle("GET /reports", guard.Require("reports:read")(reports))
	mux.Handle("DELETE /reports", guard.Require("reports:read", "reports:write")(reports)) // both

	for _, method := range []string{"GET", "DELETE"} {
		r := httptest.NewRequest(method, "/reports", nil)
		r.Header.Set("Authorization", "ApiKey letmein")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(method, w.Code)
	}
	// Output:
	// GET 200
	// DELETE 403
}

// A token that came in a message, and not in a header, gets the same answer as
// one that did.
func ExampleGuard_Check() {
	guard := exampleGuard()
	verify := func(key string) (*auth.Identity, error) { // bearer.Tokens.Verify, for instance
		if key != "letmein" {
			return nil, auth.ErrInvalidCredentials
		}
		return &auth.Identity{Subject: "ada", Scheme: "ApiKey", Scopes: []string{"reports:read"}}, nil
	}

	ctx := context.Background()
	for _, key := range []string{"letmein", "guess"} {
		id, err := verify(key)
		if id, err = guard.Check(ctx, id, err, "reports:read"); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(id.Subject)
	}
	// Output:
	// ada
	// auth: the credentials are not valid
}

// exampleAccounts stands for the database of the host.
type exampleAccounts map[string]*auth.Account

func (a exampleAccounts) Account(_ context.Context, subject string) (*auth.Account, error) {
	if account, ok := a[subject]; ok {
		return account, nil
	}
	return nil, auth.ErrUnknownAccount
}

// What an account may do is asked with every request, and so is whether there is
// one: its credentials end with it.
func ExampleAccounts() {
	accounts := exampleAccounts{"ada": {Permissions: []string{"reports:read"}}}
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{auth.AuthenticatorFunc(exampleScheme)},
		Accounts:       accounts,
	})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "ApiKey letmein")

	_, err = guard.Authenticate(r, "reports:read")
	fmt.Println("may read:", err)
	accounts["ada"] = &auth.Account{}
	_, err = guard.Authenticate(r, "reports:read")
	fmt.Println("permission taken away:", err)
	accounts["ada"] = &auth.Account{Disabled: true}
	_, err = guard.Authenticate(r)
	fmt.Println("disabled:", err)
	// Output:
	// may read: <nil>
	// permission taken away: auth: the credentials do not allow this
	// disabled: auth: the credentials are not valid
}

// A Guard of pages for people, whose refusals are pages too. The headers are set
// already.
func ExampleConfig_refuse() {
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{auth.AuthenticatorFunc(exampleScheme)},
		Refuse: func(w http.ResponseWriter, r *http.Request, e *auth.Error) {
			if errors.Is(e, auth.ErrNoCredentials) {
				http.Redirect(w, r, "/login", http.StatusSeeOther)
				return
			}
			w.WriteHeader(e.Status())
			fmt.Fprintf(w, "<p>%s</p>", html.EscapeString(e.Detail()))
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	page := guard.Require()(http.NotFoundHandler())
	for _, authorization := range []string{"", "ApiKey guess"} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		fmt.Printf("%d %q %q\n", w.Code, w.Header().Get("Location"), w.Body)
	}
	// Output:
	// 303 "/login" ""
	// 401 "" "<p>The credentials are not valid.</p>"
}
