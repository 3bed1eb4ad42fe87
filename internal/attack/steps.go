package attack

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// exchange: with a stolen client secret, a thief has fetched n tokens that have
// expired, and keeps fetching. E1 R11
func exchange(v *victim, n int) {
	plain, c, err := v.secrets.Issue(v.Context(), secret.Request{Subject: owner})
	v.must(err)
	from, err := v.secrets.Verify(v.Context(), plain.Reveal(), netip.Addr{})
	v.must(err)
	v.history(n, c.Family)
	var l loot
	step := func() bool {
		token, _, err := v.tokens.Exchange(v.Context(), from, bearer.Request{Lifetime: time.Minute})
		if err == nil {
			l.add(token.Reveal())
		}
		return err == nil
	}
	for range 20 {
		step()
	}
	meanwhile(step, v.revokeAll)
	if len(l.tokens) < 20 {
		v.Errorf("only %d tokens were exchanged", len(l.tokens))
	}
	v.refused(l.last())
	if step() {
		v.Error("the thief exchanges a secret that was revoked")
	}
}

// history adds n credentials that have expired.
func (v *victim) history(n int, client string) {
	for range n {
		now := time.Now()
		id := rand.Text()
		_, err := v.store.Insert(v.Context(), &store.Credential{
			ID: id, Kind: store.KindToken, Digest: sha256.Sum256([]byte(id)), Subject: owner, Family: id, ClientID: client,
			CreatedAt: now.Add(-time.Hour), ExpiresAt: now.Add(-30 * time.Minute),
		}, store.Limits{})
		v.must(err)
	}
}

// rotate: a thief rotates a stolen token n times, and goes on. E1 R13
func rotate(v *victim, n int) {
	_, c, err := v.tokens.Issue(v.Context(), bearer.Request{Subject: owner})
	v.must(err)
	var l loot
	step := func() bool {
		plain, next, err := v.tokens.Rotate(v.Context(), owner, c.ID, time.Second)
		if err == nil {
			c = next
			l.add(plain.Reveal())
		}
		return err == nil
	}
	for range n {
		if !step() {
			v.Fatal("the thief cannot rotate")
		}
	}
	meanwhile(step, v.revokeAll)
	v.refused(l.last())
	if step() {
		v.Error("the thief rotates a token that was revoked")
	}
}

// issueAndRevoke: an account has issued and revoked n tokens. What is live is listed
// and revoked all the same. E2 B9
func issueAndRevoke(v *victim, n int) {
	var l loot
	for range n {
		_, c, err := v.tokens.Issue(v.Context(), bearer.Request{Subject: owner})
		v.must(err)
		v.must(v.tokens.Revoke(v.Context(), owner, c.ID))
	}
	plain, live, err := v.tokens.Issue(v.Context(), bearer.Request{Subject: owner})
	v.must(err)
	l.add(plain.Reveal())
	v.revokes(func(ctx context.Context) error {
		list, err := v.tokens.ListActive(ctx, owner)
		if err == nil && (len(list) != 1 || list[0].ID != live.ID) {
			v.Errorf("%d tokens are listed as active, want the live one", len(list))
		}
		return err
	})
	v.revokeAll()
	v.refused(l.last())
}

// signIn: a thief with the password signs in n times. The owner ends all sessions.
// E1 K15
func signIn(v *victim, n int) {
	sessions, err := cookie.New(cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: v.store, HourlyLimit: -1})
	v.must(err)
	var cookies []*http.Cookie
	for range n {
		w := httptest.NewRecorder()
		_, err := sessions.SignIn(w, httptest.NewRequest("POST", "https://app.example.com/", nil), cookie.Request{Subject: owner})
		v.must(err)
		cookies = append(cookies, w.Result().Cookies()...)
	}
	list, err := sessions.List(v.Context(), owner)
	v.must(err)
	if len(list) > 100 {
		v.Errorf("%d sessions, want at most 100", len(list))
	}
	v.revokes(func(ctx context.Context) error { _, err := sessions.RevokeAll(ctx, owner, ""); return err })
	for _, c := range cookies[max(0, len(cookies)-200):] {
		r := httptest.NewRequest("GET", "https://app.example.com/", nil)
		r.AddCookie(c)
		if _, err := sessions.Authenticate(r); err == nil {
			v.Fatal("the thief's session is still accepted")
		}
	}
}

// limits: a thief is stopped after HourlyLimit, whatever it does, and another account
// is not. B14
func limits(v *victim, _ int) {
	const hourly = 20
	tokens, err := bearer.New(bearer.Config{Store: v.store, HourlyLimit: hourly})
	v.must(err)
	created := 0
	for range 3 * hourly {
		_, c, err := tokens.Issue(v.Context(), bearer.Request{Subject: owner})
		switch {
		case err == nil:
			created++
			v.must(tokens.Revoke(v.Context(), owner, c.ID))
		case !errors.Is(err, store.ErrLimit):
			v.Fatal(err)
		}
	}
	if created != hourly {
		v.Errorf("%d tokens were created within an hour, want %d", created, hourly)
	}
	_, _, err = tokens.Issue(v.Context(), bearer.Request{Subject: "another account"})
	v.must(err)
}
