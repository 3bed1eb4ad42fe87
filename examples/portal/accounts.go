package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"io"
	"strings"

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
type accounts []account

// demoAccounts returns two accounts and their passwords, which only a demo
// knows. They are made from the key, so that they stay the same as long as that.
func demoAccounts(key cookie.Key) (accounts, []string) {
	as := accounts{
		{subject: "ada", email: "ada@example.com", permissions: []string{auth.AllScopes}},
		{subject: "ben", email: "ben@example.com", permissions: []string{"reports:read"}},
	}
	var passwords []string
	for i := range as {
		mac := hmac.New(sha256.New, []byte(key.Reveal()))
		io.WriteString(mac, "the demo password of "+as[i].subject)
		password := strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil))[:20])
		as[i].password = hashPassword(password)
		passwords = append(passwords, password)
	}
	return as, passwords
}

// Account implements auth.Accounts.
func (as accounts) Account(_ context.Context, subject string) (*auth.Account, error) {
	for _, a := range as {
		if a.subject == subject {
			return &auth.Account{Permissions: a.permissions, User: a}, nil
		}
	}
	return nil, auth.ErrUnknownAccount
}

var errWrongPassword = errors.New("the email or the password is not right")

// signIn returns the account with this email and password. It takes as long for
// an email that nobody has.
func (as accounts) signIn(ctx context.Context, email, password string) (account, error) {
	var found account
	hash := as[0].password
	for _, a := range as {
		if a.email == email {
			found, hash = a, a.password
		}
	}
	ok, err := hash.matches(ctx, password)
	if err == nil && (!ok || found.subject == "") {
		err = errWrongPassword
	}
	return found, err
}
