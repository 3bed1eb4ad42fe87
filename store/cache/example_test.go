package cache_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
)

// slow stands for a store on a server. It counts lookups.
type slow struct {
	store.Store
	finds int
}

func (s *slow) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	s.finds++
	return s.Store.Find(ctx, k, d)
}

// Use a Cache in place of its store. A token that is revoked through the Cache is
// refused from that moment on.
func Example() {
	ctx := context.Background()
	db := &slow{Store: store.NewMemory()}

	c, err := cache.New(cache.Config{Store: db})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	tokens, err := bearer.New(bearer.Config{Store: c})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		log.Fatal(err)
	}
	hello := guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))

	plain, cred, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	request := func() int {
		r := httptest.NewRequest("GET", "/hello", nil)
		r.Header.Set("Authorization", "Bearer "+plain.Reveal())
		w := httptest.NewRecorder()
		hello.ServeHTTP(w, r)
		return w.Code
	}
	for range 100 {
		request()
	}
	fmt.Println(request(), "after", db.finds, "query")

	if err := tokens.Revoke(ctx, "ada", cred.ID); err != nil {
		log.Fatal(err)
	}
	fmt.Println(request())

	// Output:
	// 200 after 1 query
	// 401
}

// table stands for the accounts in your application's database, and counts queries.
type table struct {
	accounts map[string]auth.Account
	queries  int
}

func (t *table) Account(ctx context.Context, subject string) (*auth.Account, error) {
	t.queries++
	account, ok := t.accounts[subject]
	if !ok {
		return nil, auth.ErrUnknownAccount
	}
	return &account, nil
}

// Accounts takes the place of your application's accounts in a Guard. With the Cache as
// its Store, both share one connection for notifications. An account that is disabled is
// refused as soon as Forget has returned.
func ExampleNewAccounts() {
	ctx := context.Background()
	users := &table{accounts: map[string]auth.Account{"ada": {Permissions: []string{auth.AllScopes}}}}

	st, err := cache.New(cache.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	accounts, err := cache.NewAccounts(cache.AccountsConfig{Accounts: users, Store: st})
	if err != nil {
		log.Fatal(err)
	}
	defer accounts.Close() // before st.Close
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}, Accounts: accounts})
	if err != nil {
		log.Fatal(err)
	}
	hello := guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))

	plain, _, err := tokens.Issue(ctx, bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	request := func() int {
		r := httptest.NewRequest("GET", "/hello", nil)
		r.Header.Set("Authorization", "Bearer "+plain.Reveal())
		w := httptest.NewRecorder()
		hello.ServeHTTP(w, r)
		return w.Code
	}
	for range 100 {
		request()
	}
	fmt.Println(request(), "after", users.queries, "query")

	users.accounts["ada"] = auth.Account{Disabled: true}
	if err := accounts.Forget(ctx, "ada"); err != nil {
		log.Print(err) // other processes know within MaxStale
	}
	fmt.Println(request())

	// Output:
	// 200 after 1 query
	// 401
}

// Whatever is wrong is told at once.
func ExampleNew() {
	_, err := cache.New(cache.Config{MaxStale: time.Hour})
	fmt.Println(err)
	// Output:
	// cache: Config.Store: nil: must be set, to the store that is to be asked less often
	// cache: Config.MaxStale: 1h0m0s: must be at most 10m0s
}

// WatchError receives the reason why revocations by other processes take MaxStale.
func ExampleConfig_watchError() {
	heard := make(chan error, 1)
	c, err := cache.New(cache.Config{
		Store: silent{store.NewMemory()},
		WatchError: func(err error) {
			select {
			case heard <- err:
			default: // reported already
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(<-heard)
	// Output:
	// NOPERM this user has no permissions to run the 'subscribe' command
}

// silent stands for a store that lacks the permission to watch.
type silent struct{ *store.Memory }

func (silent) Watch(context.Context, func(), func(store.Digest)) error {
	return errors.New("NOPERM this user has no permissions to run the 'subscribe' command")
}

// A closed Cache asks the store for everything.
func ExampleCache_Close() {
	ctx := context.Background()
	db := &slow{Store: store.NewMemory()}
	c, err := cache.New(cache.Config{Store: db})
	if err != nil {
		log.Fatal(err)
	}
	token := &store.Credential{ID: "7QZT3NLE", Kind: store.KindToken, Digest: store.Digest{1}, Subject: "ada"}
	if _, err := c.Insert(ctx, token, store.Limits{}); err != nil {
		log.Fatal(err)
	}
	find := func() {
		for range 10 {
			if _, err := c.Find(ctx, store.KindToken, token.Digest); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Println(db.finds)
	}
	find()
	fmt.Println(c.Close())
	find()
	// Output:
	// 1
	// <nil>
	// 11
}
