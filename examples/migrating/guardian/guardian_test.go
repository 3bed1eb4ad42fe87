package guardian_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	old "github.com/shaj13/go-guardian/v2/auth"
	"github.com/shaj13/go-guardian/v2/auth/strategies/token"
	"github.com/shaj13/libcache"
	_ "github.com/shaj13/libcache/lru" // registers libcache.LRU

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/examples/migrating/guardian"
	"github.com/keystile/keystile/store"
)

// A table is where the service keeps its tokens. It can be made to fail.
type table struct {
	users sync.Map
	down  bool
}

func (t *table) lookup(_ context.Context, _ *http.Request, plaintext string) (old.Info, time.Time, error) {
	if t.down {
		return nil, time.Time{}, errors.New("connection refused")
	}
	user, ok := t.users.Load(plaintext)
	if !ok {
		return nil, time.Time{}, guardian.ErrUnknown
	}
	return old.NewDefaultUser("Ada", user.(string), nil, nil), time.Now().Add(time.Minute), nil
}

// issue makes old tokens.
func (t *table) issue(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	plaintext := rand.Text()
	t.users.Store(plaintext, id.Subject)
	fmt.Fprintln(w, plaintext)
}

// A service is deployed anew while its clients stay.
type service struct {
	t       *testing.T
	handler http.Handler
	event   auth.Event // the last one
}

func (s *service) observe(_ context.Context, ev auth.Event) { s.event = ev }

func (s *service) deploy(h http.Handler, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	s.handler = h
}

// by wants the last request to have been authenticated by that scheme.
func (s *service) by(scheme string) {
	s.t.Helper()
	if s.event.Type != auth.Authenticated || s.event.Scheme != scheme {
		s.t.Errorf("the last event is %+v, want one that was authenticated by %q", s.event, scheme)
	}
}

type client struct {
	s             *service
	authorization string
}

// want sends a request, wants this status, and returns the body.
func (c client) want(status int, method, path string) string {
	c.s.t.Helper()
	r, w := httptest.NewRequest(method, path, nil), httptest.NewRecorder()
	r.Header.Set("Authorization", c.authorization)
	c.s.handler.ServeHTTP(w, r)
	if w.Code != status {
		c.s.t.Errorf("%s %s: %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	return strings.TrimSpace(w.Body.String())
}

func TestMove(t *testing.T) {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	db := new(table)
	db.users.Store("first", "ada")
	cache := libcache.LRU.New(100)
	strategy := token.New(db.lookup, cache)
	s := &service{t: t}
	with := func(plaintext string) client { return client{s, "Bearer " + plaintext} }

	s.deploy(guardian.Before(strategy, http.HandlerFunc(db.issue)), nil)
	with("first").want(200, "GET", "/me")
	with("unknown").want(401, "GET", "/me")
	second := with("first").want(200, "POST", "/tokens")

	// Machines with the old program may still serve: nothing new is made.
	during := func(issue http.Handler) {
		s.deploy(guardian.During(guardian.Legacy{Strategy: strategy}, tokens, issue, s.observe))
	}
	during(http.HandlerFunc(db.issue))
	with("first").want(200, "GET", "/me")
	s.by("go-guardian")
	third := with(second).want(200, "POST", "/tokens")
	if strings.HasPrefix(third, "pat_") {
		t.Error("a token that machines with the old program do not know")
	}

	during(guardian.Issue(tokens))
	plain := with(third).want(200, "POST", "/tokens")
	if got := with(plain).want(200, "GET", "/me"); got != "ada" {
		t.Errorf("authenticated as %q", got)
	}
	s.by("Bearer")
	for _, bad := range []string{"unknown", "pat_" + strings.Repeat("A", 46), "a.b.c"} {
		with(bad).want(401, "GET", "/me")
	}
	client{s, ""}.want(401, "GET", "/me")

	// An outage signs nobody out; new tokens are in another store.
	db.down = true
	cache.Purge()
	with("first").want(503, "GET", "/me")
	with(plain).want(200, "GET", "/me")
	db.down = false
	with("first").want(200, "GET", "/me")

	s.deploy(guardian.After(tokens, s.observe))
	with(plain).want(200, "GET", "/me")
	with("first").want(401, "GET", "/me")
}
