package guardian_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
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
	"github.com/keystile/keystile/examples/migrating/internal/walk"
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

func TestMove(t *testing.T) {
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	db := new(table)
	db.users.Store("first", "ada")
	cache := libcache.LRU.New(100)
	strategy := token.New(db.lookup, cache)
	s := walk.Start(t)
	with := func(plaintext string) *walk.Client { return s.Client("Authorization", "Bearer "+plaintext) }

	s.Deploy(guardian.Before(strategy, http.HandlerFunc(db.issue)), nil)
	with("first").Want(200, "GET", "/me", "")
	with("unknown").Want(401, "GET", "/me", "")
	second := with("first").Want(200, "POST", "/tokens", "name=ci")

	// Machines with the old program may still serve: nothing new is made.
	during := func(issue http.Handler) {
		s.Deploy(guardian.During(guardian.Legacy{Strategy: strategy}, tokens, issue, s.Observe))
	}
	during(http.HandlerFunc(db.issue))
	with("first").Want(200, "GET", "/me", "")
	s.By("go-guardian")
	third := with(second).Want(200, "POST", "/tokens", "name=ci")
	if strings.HasPrefix(third, "pat_") {
		t.Error("a token that machines with the old program do not know")
	}

	during(guardian.Issue(tokens))
	plain := with(third).Want(200, "POST", "/tokens", "name=ci")
	if got := with(plain).Want(200, "GET", "/me", ""); got != "ada" {
		t.Errorf("authenticated as %q", got)
	}
	s.By("Bearer")
	for _, bad := range []string{"unknown", "pat_" + strings.Repeat("A", 46), "a.b.c"} {
		with(bad).Want(401, "GET", "/me", "")
	}
	s.Client().Want(401, "GET", "/me", "")

	// An outage signs nobody out; new tokens are in another store.
	db.down = true
	cache.Purge()
	with("first").Want(503, "GET", "/me", "")
	with(plain).Want(200, "GET", "/me", "")
	db.down = false
	with("first").Want(200, "GET", "/me", "")

	s.Deploy(guardian.After(tokens, s.Observe))
	with(plain).Want(200, "GET", "/me", "")
	with("first").Want(401, "GET", "/me", "")
}
