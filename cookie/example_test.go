package cookie_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// send sends a request to a handler, with a cookie unless that is nil.
func send(h http.Handler, method, path string, c *http.Cookie) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://app.example.com"+path, nil)
	if c != nil {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func Example() {
	sessions, err := cookie.New(cookie.Config{
		Keys:  []cookie.Key{cookie.NewKey()}, // a service reads it with cookie.ParseKey
		Store: store.NewMemory(),
	})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{sessions}})
	if err != nil {
		log.Fatal(err)
	}

	mux := http.NewServeMux()
	mux.Handle("POST /login", sessions.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// ... check the password ...
		if _, err := sessions.SignIn(w, r, cookie.Request{Subject: "ada", UserAgent: r.UserAgent()}); err != nil {
			http.Error(w, "cannot sign in", http.StatusServiceUnavailable)
		}
	})))
	mux.Handle("GET /profile", guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintf(w, "Hello, %s.", id.Subject)
	})))
	mux.Handle("POST /logout", sessions.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := sessions.SignOut(w, r); err != nil {
			http.Error(w, "cannot sign out", http.StatusServiceUnavailable)
		}
	})))

	login := send(mux, "POST", "/login", nil)
	c := login.Result().Cookies()[0]
	fmt.Println("login:", login.Code, c.Name)
	profile := send(mux, "GET", "/profile", c)
	fmt.Println("profile:", profile.Code, profile.Body)
	fmt.Println("logout:", send(mux, "POST", "/logout", c).Code)
	fmt.Println("profile:", send(mux, "GET", "/profile", c).Code)
	// Output:
	// login: 200 __Host-session
	// profile: 200 Hello, ada.
	// logout: 200
	// profile: 401
}

func ExampleSessions_SignIn() {
	sessions, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}})
	if err != nil {
		log.Fatal(err)
	}
	login := func(w http.ResponseWriter, r *http.Request) {
		// ... check the password ...
		id, err := sessions.SignIn(w, r, cookie.Request{Subject: "ada", Scopes: []string{"reports:read"}})
		switch {
		case errors.Is(err, auth.ErrCrossOrigin):
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		case err != nil: // an outage of the store; nothing was set
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		fmt.Println(id.Subject, id.Scopes, id.ExpiresAt.Sub(id.IssuedAt))
		http.Redirect(w, r, "/profile", http.StatusSeeOther)
	}
	w := send(http.HandlerFunc(login), "POST", "/login", nil)
	c := w.Result().Cookies()[0]
	fmt.Println(w.Code, c.Name, c.Secure, c.HttpOnly, c.SameSite == http.SameSiteLaxMode, c.MaxAge)
	// Output:
	// ada [reports:read] 1h0m0s
	// 303 __Host-session true true true 3600
}

func ExampleSessions_Protect() {
	sessions, err := cookie.New(cookie.Config{
		Keys:           []cookie.Key{cookie.NewKey()},
		TrustedOrigins: []string{"https://front.example.net"},
	})
	if err != nil {
		log.Fatal(err)
	}
	login := sessions.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		// ... check the password, call sessions.SignIn ...
	}))
	for _, origin := range []string{"https://app.example.com", "https://front.example.net", "https://evil.example"} {
		r := httptest.NewRequest("POST", "https://app.example.com/login", nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		login.ServeHTTP(w, r)
		fmt.Println(origin, w.Code)
	}
	// Output:
	// https://app.example.com 200
	// https://front.example.net 200
	// https://evil.example 403
}

func ExampleParseKey() {
	// Made once, with cookie.NewKey().Reveal(), and kept with the secrets of the
	// service: in a variable of its environment, for instance.
	const kept = "dGhpcy1pcy1ub3QtYS1yYW5kb20ta2V5LWF0LWFsbC4"

	key, err := cookie.ParseKey(kept)
	fmt.Println(key, err)

	_, err = cookie.ParseKey("a password")
	fmt.Println(err)
	// Output:
	// [redacted] <nil>
	// cookie: key: must be base64url without padding, as Key.Reveal returns it
}

// To change the key, put the new one first. Sessions of the old one go on, and
// are sealed under the new one when they are used; when those of before have
// ended, the old one can go.
func ExampleConfig_keyRotation() {
	profile := func(keys ...cookie.Key) (*cookie.Sessions, http.Handler) {
		sessions, err := cookie.New(cookie.Config{Keys: keys})
		if err != nil {
			log.Fatal(err)
		}
		guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{sessions}})
		if err != nil {
			log.Fatal(err)
		}
		return sessions, guard.Require()(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	}
	older, newer := cookie.NewKey(), cookie.NewKey()
	sessions, _ := profile(older)
	w := httptest.NewRecorder()
	if _, err := sessions.SignIn(w, httptest.NewRequest("POST", "/login", nil), cookie.Request{Subject: "ada"}); err != nil {
		log.Fatal(err)
	}
	before := w.Result().Cookies()[0]

	_, both := profile(newer, older)
	w = send(both, "GET", "/profile", before)
	after := w.Result().Cookies()[0]
	fmt.Println("both keys:", w.Code, "sealed anew:", before.Value != after.Value)

	_, alone := profile(newer)
	fmt.Println("the new key alone, the old cookie:", send(alone, "GET", "/profile", before).Code)
	fmt.Println("the new key alone, the new cookie:", send(alone, "GET", "/profile", after).Code)
	// Output:
	// both keys: 200 sealed anew: true
	// the new key alone, the old cookie: 401
	// the new key alone, the new cookie: 200
}
