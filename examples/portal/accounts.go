package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
)

// An account is a user of the portal.
type account struct {
	subject     string
	email       string
	permissions []string
	password    passwordHash
}

// accounts is what a service has in its own database: the Guard asks it on
// every request what the account behind a credential may do at that moment.
// Here who there is never changes, and how they stand is kept in memory. It is
// safe for concurrent use.
type accounts struct {
	all []account

	mu       sync.Mutex
	standing map[string]standing // by subject
}

// A standing is what an administrator can change of an account.
type standing struct {
	disabled  bool
	notBefore time.Time // what was issued earlier is refused
}

// demoAccounts returns two accounts and their passwords, which only a demo
// knows. They are made from the key, so that they stay the same as long as that.
func demoAccounts(key cookie.Key) (*accounts, []string) {
	all := []account{
		{subject: "ada", email: "ada@example.com", permissions: []string{auth.AllScopes}},
		{subject: "ben", email: "ben@example.com", permissions: []string{"reports:read"}},
	}
	var passwords []string
	for i := range all {
		mac := hmac.New(sha256.New, []byte(key.Reveal()))
		io.WriteString(mac, "the demo password of "+all[i].subject)
		password := strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil))[:20])
		all[i].password = hashPassword(password)
		passwords = append(passwords, password)
	}
	return &accounts{all: all, standing: map[string]standing{}}, passwords
}

// Account implements auth.Accounts.
func (as *accounts) Account(_ context.Context, subject string) (*auth.Account, error) {
	for _, a := range as.all {
		if a.subject == subject {
			as.mu.Lock()
			now := as.standing[subject]
			as.mu.Unlock()
			return &auth.Account{Permissions: a.permissions, Disabled: now.disabled, NotBefore: now.notBefore, User: a}, nil
		}
	}
	return nil, auth.ErrUnknownAccount
}

// setDisabled shuts an account out, with everything that was issued to it, or
// lets it in again.
func (as *accounts) setDisabled(subject string, disabled bool) {
	as.mu.Lock()
	defer as.mu.Unlock()
	s := as.standing[subject]
	s.disabled = disabled
	as.standing[subject] = s
}

// voidIssued has everything refused that was issued to the account until now.
func (as *accounts) voidIssued(subject string, now time.Time) {
	as.mu.Lock()
	defer as.mu.Unlock()
	s := as.standing[subject]
	s.notBefore = now
	as.standing[subject] = s
}

// byEmail returns the account with this email. It takes for the same what the
// throttle counts as the same: strings.EqualFold would take more.
func (as *accounts) byEmail(email string) (account, bool) {
	email = strings.ToLower(email)
	for _, a := range as.all {
		if strings.ToLower(a.email) == email {
			return a, true
		}
	}
	return account{}, false
}

var errWrongPassword = errors.New("the email or the password is not right")

// signIn returns the account with this email and password. It takes as long for
// an email that nobody has.
func (as *accounts) signIn(ctx context.Context, email, password string) (account, error) {
	found, known := as.byEmail(email)
	hash := found.password
	if !known {
		hash = as.all[0].password
	}
	ok, err := hash.matches(ctx, password)
	if err == nil && (!ok || !known) {
		err = errWrongPassword
	}
	return found, err
}
