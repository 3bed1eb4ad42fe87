package way

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// issued is what there is to present: credentials in the order in which they are
// presented, which is not the one in which they were made. The texts are side
// by side in memory: what a server verifies it has just received.
type issued struct {
	credentials []credential
	expires     time.Time
}

// countingStore counts lookups, for refusals that need none.
type countingStore struct {
	store.Store
	finds atomic.Int64
}

func (s *countingStore) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	s.finds.Add(1)
	return s.Store.Find(ctx, k, d)
}

// issuer is what tokens and secrets have in common.
type issuer interface {
	auth.Authenticator
	issue(ctx context.Context, subject string) (auth.Plaintext, *store.Credential, error)
}

type tokens struct{ *bearer.Tokens }

func (t tokens) issue(ctx context.Context, subject string) (auth.Plaintext, *store.Credential, error) {
	return t.Issue(ctx, bearer.Request{Subject: subject})
}

type secrets struct{ *secret.Secrets }

func (s secrets) issue(ctx context.Context, subject string) (auth.Plaintext, *store.Credential, error) {
	return s.Issue(ctx, secret.Request{Subject: subject})
}

func newTokens(st store.Store) (tokens, error) {
	t, err := bearer.New(bearer.Config{Store: st, Limit: -1, HourlyLimit: -1, LastUsedInterval: -1})
	return tokens{t}, err
}

func newSecrets(st store.Store) (secrets, error) {
	s, err := secret.New(secret.Config{Store: st, Limit: -1, HourlyLimit: -1, LastUsedInterval: -1})
	return secrets{s}, err
}

// issue issues n credentials.
func issue(by issuer, scheme string, n int) (*issued, error) {
	s := &issued{credentials: make([]credential, n)}
	for i := range s.credentials {
		subject := fmt.Sprint("account-", i%1000)
		plain, c, err := by.issue(context.Background(), subject)
		if err != nil {
			return nil, err
		}
		s.credentials[i] = credential{scheme + " " + plain.Reveal(), c.Subject}
		s.expires = c.ExpiresAt
	}
	rand.Shuffle(n, func(i, j int) { s.credentials[i], s.credentials[j] = s.credentials[j], s.credentials[i] })
	for i := range s.credentials {
		s.credentials[i].value = strings.Clone(s.credentials[i].value)
	}
	return s, nil
}

// guarded returns the two ways through a guard: its middleware, and Authenticate
// without a context.
func guarded(name, header string, a auth.Authenticator, values []credential) (require, authenticate *Way, err error) {
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{a}})
	if err != nil {
		return nil, nil, err
	}
	in := &inner{subject: func(r *http.Request) string {
		id, _ := auth.FromContext(r.Context())
		return id.Subject
	}}
	require = &Way{Name: "keystile, " + name, Status: 200, handler: guard.Require()(in), inner: in, header: header, values: values}
	authenticate = &Way{Name: require.Name + NoContext, Status: 200, inner: in, header: header, values: values,
		handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, err := guard.Authenticate(r)
			if err != nil {
				var refusal *auth.Error
				errors.As(err, &refusal)
				auth.WriteProblem(w, r, refusal)
				return
			}
			in.serve(id.Subject)
		})}
	return require, authenticate, nil
}

// Bearer returns the floor for bearer tokens, with that many locks, and what
// keystile does: the middleware, and Authenticate without a context.
func Bearer(n, locks int) (floor, require, authenticate *Way, err error) {
	t, err := newTokens(store.NewMemory())
	if err != nil {
		return nil, nil, nil, err
	}
	s, err := issue(t, "Bearer", n)
	if err != nil {
		return nil, nil, nil, err
	}
	require, authenticate, err = guarded("bearer", "Authorization", t.Tokens, s.credentials)
	return newFloor(s, locks), require, authenticate, err
}

// Over returns the way of a bearer token through st and through Memory, with the
// same n tokens in both.
func Over(name string, st store.Store, n int) (memory, over *Way, err error) {
	m := store.NewMemory()
	both := &twice{m, st}
	t, err := newTokens(both)
	if err != nil {
		return nil, nil, err
	}
	s, err := issue(t, "Bearer", n)
	if err != nil {
		return nil, nil, err
	}
	inMemory, err1 := newTokens(m)
	inStore, err2 := newTokens(st)
	memory, _, err3 := guarded("bearer", "Authorization", inMemory.Tokens, s.credentials)
	over, _, err4 := guarded("bearer, "+name, "Authorization", inStore.Tokens, s.credentials)
	return memory, over, cmp.Or(err1, err2, err3, err4)
}

// twice inserts into two stores.
type twice struct {
	store.Store
	other store.Store
}

func (t *twice) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	_, err1 := t.Store.Insert(ctx, c, l)
	_, err2 := t.other.Insert(ctx, c, l)
	return nil, cmp.Or(err1, err2)
}

// Ours returns the ways of keystile with n credentials, and refusals.
func Ours(n int) ([]*Way, error) {
	counting := &countingStore{Store: store.NewMemory()}
	counted, err := newTokens(counting)
	if err != nil {
		return nil, err
	}
	foreign, expired, err := unwelcome(counted, counting)
	if err != nil {
		return nil, err
	}
	floor, bearerWay, bearerPlain, err := Bearer(n, 1)
	if err != nil {
		return nil, err
	}
	sec, err := newSecrets(store.NewMemory())
	if err != nil {
		return nil, err
	}
	issuedSecrets, err := issue(sec, "Secret", n)
	if err != nil {
		return nil, err
	}
	secretWay, secretPlain, err := guarded("secret", "Authorization", sec.Secrets, issuedSecrets.credentials)
	if err != nil {
		return nil, err
	}
	refusing, _, err := guarded("bearer", "Authorization", counted.Tokens, nil)
	if err != nil {
		return nil, err
	}
	digit := "0" // any but the last one
	if strings.HasSuffix(foreign, digit) {
		digit = "1"
	}
	bad := foreign[:len(foreign)-1] + digit
	ways := []*Way{
		floor, bearerWay, bearerPlain, secretWay, secretPlain,
		refusing.refused("no header", 401),
		refusing.refused("malformed", 400, "Bearer a,b"),
		refusing.refused("bad checksum", 401, bad),
		refusing.refused("unknown", 401, foreign),
		refusing.refused("expired", 401, expired),
	}
	before := counting.finds.Load()
	for _, w := range ways[5:8] {
		if err := w.Check(); err != nil {
			return nil, err
		}
	}
	if asked := counting.finds.Load() - before; asked != 0 {
		return nil, fmt.Errorf("way: refusals that need no store asked it %d times", asked)
	}
	cookies, err := ourCookies()
	return append(ways, cookies...), err
}

// unwelcome returns the header of a token that t does not know, and of one in st
// that has expired.
func unwelcome(t tokens, st store.Store) (foreign, expired string, err error) {
	elsewhere := store.NewMemory()
	other, err := newTokens(elsewhere)
	if err != nil {
		return "", "", err
	}
	var headers [2]string
	for i := range headers {
		plain, c, err := other.issue(context.Background(), "account-0")
		if err != nil {
			return "", "", err
		}
		headers[i] = "Bearer " + plain.Reveal()
		if i == 1 {
			c = c.Clone()
			c.Digest = sha256.Sum256([]byte(plain.Reveal()))
			c.CreatedAt, c.ExpiresAt = c.CreatedAt.Add(-time.Hour), c.CreatedAt.Add(-time.Minute)
			if _, err := st.Insert(context.Background(), c, store.Limits{}); err != nil {
				return "", "", err
			}
		}
	}
	return headers[0], headers[1], nil
}
