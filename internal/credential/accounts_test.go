package credential_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
)

// accounts is an auth.Accounts made of a map; a missing account is unknown.
type accounts map[string]*auth.Account

func (a accounts) Account(_ context.Context, subject string) (*auth.Account, error) {
	if account, ok := a[subject]; ok {
		return account, nil
	}
	return nil, auth.ErrUnknownAccount
}

// R7: what becomes of an account holds from the next request on, for whatever
// it presents, and for no other account.
func TestAccounts(t *testing.T) {
	const ok, refused, forbidden = http.StatusOK, http.StatusUnauthorized, http.StatusForbidden
	tests := []struct {
		name   string
		change func(a accounts)
		status int
	}{
		{"nothing", func(accounts) {}, ok},
		{"disabled", func(a accounts) { a["ada"].Disabled = true }, refused},
		{"deleted", func(a accounts) { delete(a, "ada") }, refused},
		{"signed out everywhere", func(a accounts) { a["ada"].NotBefore = time.Now() }, refused},
		{"signed out everywhere before", func(a accounts) { a["ada"].NotBefore = time.Now().Add(-time.Hour) }, ok},
		{"a permission removed", func(a accounts) { a["ada"].Permissions = []string{"other"} }, forbidden},
		{"narrowed to the permission", func(a accounts) { a["ada"].Permissions = []string{"reports:read"} }, ok},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				st, all := newFaulty(), accounts{}
				for _, subject := range []string{"ada", "adam"} {
					all[subject] = &auth.Account{Permissions: []string{auth.AllScopes}}
				}
				var schemes []auth.Authenticator
				requests := make(map[string][]*http.Request) // by account, of every scheme
				for _, p := range packages {
					f := p.setup(t, credential.Config{Store: st})
					schemes = append(schemes, f.manager)
					for subject := range all {
						for range 2 {
							plaintext, _ := f.issue(t, credential.Request{Subject: subject})
							requests[subject] = append(requests[subject], request(p.scheme, plaintext))
						}
					}
				}
				guard := newGuard(t, auth.Config{Authenticators: schemes, Accounts: all})
				want := func(subject string, status int) {
					t.Helper()
					for _, r := range requests[subject] {
						got := http.StatusOK
						if _, err := guard.Authenticate(r, "reports:read"); err != nil {
							var refusal *auth.Error
							if !errors.As(err, &refusal) {
								t.Fatal(err)
							}
							got = refusal.Status()
						}
						if got != status {
							t.Errorf("%s of %s: status %d, want %d", r.Header["Authorization"], subject, got, status)
						}
					}
				}
				want("ada", ok)
				want("adam", ok)
				time.Sleep(time.Second)
				tt.change(all)
				want("ada", tt.status)
				want("adam", ok)
			})
		})
	}
}

// R7: what is issued after NotBefore is good again, a successor of what was
// issued before it, too.
func TestNotBefore(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		synctest.Test(t, func(t *testing.T) {
			f := p.setup(t, credential.Config{})
			all := accounts{"ada": {Permissions: []string{auth.AllScopes}}}
			f.guard = newGuard(t, auth.Config{Authenticators: []auth.Authenticator{f.manager}, Accounts: all})
			before, old := f.issue(t, credential.Request{})
			time.Sleep(time.Hour)
			all["ada"].NotBefore = time.Now()
			f.want(t, before, http.StatusUnauthorized)
			after, _ := f.issue(t, credential.Request{})
			f.want(t, after, http.StatusOK)
			next, _ := f.rotate(t, old.ID, time.Hour)
			f.want(t, next, http.StatusOK)
			f.want(t, before, http.StatusUnauthorized)
		})
	})
}
