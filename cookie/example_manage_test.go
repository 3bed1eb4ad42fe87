package cookie_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// exampleSessions returns Sessions with a store, and a cookie and the ID of a
// session of ada's for each of userAgents.
func exampleSessions(userAgents ...string) (*cookie.Sessions, []*http.Cookie, []string) {
	sessions, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	var cookies []*http.Cookie
	var ids []string
	for _, ua := range userAgents {
		w := httptest.NewRecorder()
		id, err := sessions.SignIn(w, httptest.NewRequest("POST", "/login", nil), cookie.Request{Subject: "ada", UserAgent: ua})
		if err != nil {
			log.Fatal(err)
		}
		cookies, ids = append(cookies, w.Result().Cookies()[0]), append(ids, id.Credential)
	}
	return sessions, cookies, ids
}

// exampleAsk returns the error of a request with a cookie.
func exampleAsk(sessions *cookie.Sessions, c *http.Cookie) error {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(c)
	_, err := sessions.Authenticate(r)
	return err
}

// Whatever is wrong is told at once.
func ExampleNew() {
	_, err := cookie.New(cookie.Config{Domain: "example.com", Name: "__Host-session"})
	fmt.Println(err)
	// Output:
	// cookie: Config.Name: "__Host-session": __Host- needs Secure, the Path / and no Domain: choose another name, or leave InsecureHTTP, Path and Domain out
	// cookie: Config.Keys: empty: cookie.NewKey() makes one, to be kept and read back with cookie.ParseKey
}

// A key is made once, kept with the secrets of the service, and read with ParseKey.
func ExampleNewKey() {
	key := cookie.NewKey()
	again, err := cookie.ParseKey(key.Reveal())
	fmt.Println(key, again.Reveal() == key.Reveal(), err)
	// Output: [redacted] true <nil>
}

// With a store a session ends for every copy of its cookie.
func ExampleSessions_SignOut() {
	sessions, cookies, _ := exampleSessions("Firefox")
	r := httptest.NewRequest("POST", "/logout", nil)
	r.AddCookie(cookies[0])
	w := httptest.NewRecorder()
	if err := sessions.SignOut(w, r); err != nil {
		log.Fatal(err)
	}
	fmt.Println("cleared:", w.Result().Cookies()[0].MaxAge < 0)
	fmt.Println("a copy:", errors.Is(exampleAsk(sessions, cookies[0]), auth.ErrInvalidCredentials))
	// Output:
	// cleared: true
	// a copy: true
}

// A page that shows an account where it is signed in.
func ExampleSessions_List() {
	sessions, _, ids := exampleSessions("Firefox", "curl")
	list, err := sessions.List(context.Background(), "ada")
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range list {
		fmt.Println(s.UserAgent, "this one:", s.ID == ids[0])
	}
	// Unordered output:
	// Firefox this one: true
	// curl this one: false
}

func ExampleSessions_Revoke() {
	ctx := context.Background()
	sessions, cookies, ids := exampleSessions("Firefox")
	fmt.Println("by mallory, not found:", errors.Is(sessions.Revoke(ctx, "mallory", ids[0]), store.ErrNotFound))
	fmt.Println("by ada:", sessions.Revoke(ctx, "ada", ids[0]))
	fmt.Println("ended:", errors.Is(exampleAsk(sessions, cookies[0]), auth.ErrInvalidCredentials))
	// Output:
	// by mallory, not found: true
	// by ada: <nil>
	// ended: true
}

// Sign out everywhere else.
func ExampleSessions_RevokeAll() {
	sessions, cookies, ids := exampleSessions("Firefox", "curl", "Chrome")
	fmt.Println(sessions.RevokeAll(context.Background(), "ada", ids[0]))
	fmt.Println("this one:", exampleAsk(sessions, cookies[0]))
	fmt.Println("another ended:", errors.Is(exampleAsk(sessions, cookies[1]), auth.ErrInvalidCredentials))
	// Output:
	// 2 <nil>
	// this one: <nil>
	// another ended: true
}

// A handler that asks the Guard by itself lets the sessions set their headers.
func ExampleSessions_Respond() {
	sessions, cookies, _ := exampleSessions("Firefox")
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{sessions}})
	if err != nil {
		log.Fatal(err)
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		id, err := guard.Authenticate(r)
		sessions.Respond(w, r, id, err)
		if e, refused := errors.AsType[*auth.Error](err); refused {
			auth.WriteProblem(w, r, e)
			return
		}
		fmt.Fprintf(w, "Hello, %s.", id.Subject)
	}
	fmt.Println(send(http.HandlerFunc(handler), "GET", "/", cookies[0]).Body)

	cookies[0].Value = "forged"
	w := send(http.HandlerFunc(handler), "GET", "/", cookies[0])
	fmt.Println(w.Code, "cleared:", w.Result().Cookies()[0].MaxAge < 0)
	// Output:
	// Hello, ada.
	// 401 cleared: true
}
