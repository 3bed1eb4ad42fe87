package way

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

// sessionLibraries returns the ways of the libraries for sessions. They keep
// data, so each gets the few lines that every application has, which read from
// it who is signed in.
func sessionLibraries() ([]*Way, error) {
	a, err1 := scsSessions()
	b, err2 := gorillaSessions()
	return append(a, b...), errors.Join(err1, err2)
}

type userKey struct{}

func newSessionInner() *inner {
	return &inner{subject: func(r *http.Request) string { return r.Context().Value(userKey{}).(string) }}
}

// signedIn calls next where there is a user.
func signedIn(w http.ResponseWriter, r *http.Request, user string, next http.Handler) {
	if user == "" {
		http.Error(w, "unauthorized", http.StatusUnauthorized)
		return
	}
	next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, user)))
}

// scsSessions: the README, "Basic Use", with its default store.
func scsSessions() ([]*Way, error) {
	sm := scs.New()
	sm.Lifetime = 24 * time.Hour
	in := newSessionInner()
	handler := sm.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signedIn(w, r, sm.GetString(r.Context(), "user"), in)
	}))
	ctx, err := sm.Load(context.Background(), "")
	if err != nil {
		return nil, err
	}
	sm.Put(ctx, "user", "ada")
	token, expires, err := sm.Commit(ctx)
	if err != nil {
		return nil, err
	}
	data, _, err := sm.Store.Find(token)
	expired, unknown := "expired"+token[7:], "unknown"+token[7:]
	if err := cmp.Or(err, sm.Store.Commit(expired, data, expires.Add(-48*time.Hour))); err != nil {
		return nil, err
	}
	header := func(value string) string { return cookieHeader(sm.Cookie.Name, value) }
	w := &Way{Name: "alexedwards/scs", Via: "github.com/alexedwards/scs/v2", Status: 200, handler: handler, inner: in,
		header: "Cookie", values: []credential{{header(token), "ada"}}}
	return []*Way{w,
		w.refused("no cookie", 401),
		w.refused("garbage", 401, header(strings.Repeat("a", len(token)))),
		w.refused("unknown", 401, header(unknown)),
		w.refused("expired", 401, header(expired)),
	}, nil
}

// gorillaSessions: the README's example, with a key for authentication and one
// for encryption, as the documentation of NewCookieStore recommends.
func gorillaSessions() ([]*Way, error) {
	const name = "session-name"
	keys := [][]byte{securecookie.GenerateRandomKey(32), securecookie.GenerateRandomKey(32)}
	in := newSessionInner()
	serve := func(st *sessions.CookieStore) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// Get changes the request: it keeps the session in there. So it is
			// given one of its own, or all but the first would be answered
			// from that. The copy is a hundredth of what follows.
			r = r.WithContext(r.Context())
			session, _ := st.Get(r, name)
			user, _ := session.Values["user"].(string)
			signedIn(w, r, user, in)
		})
	}
	cookieOf := func(st *sessions.CookieStore) (string, error) {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		session, err := st.Get(r, name)
		if err != nil {
			return "", err
		}
		session.Values["user"] = "ada"
		if err := session.Save(r, w); err != nil {
			return "", err
		}
		return cookieHeader(name, w.Result().Cookies()[0].Value), nil
	}
	st := sessions.NewCookieStore(keys...)
	impatient := sessions.NewCookieStore(keys...)
	for _, codec := range impatient.Codecs {
		codec.(*securecookie.SecureCookie).MaxAge(-1) // everything has expired
	}
	good, err1 := cookieOf(st)
	foreign, err2 := cookieOf(sessions.NewCookieStore(securecookie.GenerateRandomKey(32), securecookie.GenerateRandomKey(32)))
	if err := cmp.Or(err1, err2); err != nil {
		return nil, err
	}
	w := &Way{Name: "gorilla/sessions", Via: "github.com/gorilla/sessions", Status: 200, handler: serve(st), inner: in,
		header: "Cookie", values: []credential{{good, "ada"}}}
	expired := w.refused("expired", 401, good)
	expired.handler = serve(impatient)
	return []*Way{w,
		w.refused("no cookie", 401),
		w.refused("garbage", 401, cookieHeader(name, strings.Repeat("a", len(good)))),
		w.refused("unknown", 401, foreign),
		expired,
	}, nil
}
