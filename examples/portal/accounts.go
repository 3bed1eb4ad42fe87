package main

import (
	"context"

	"github.com/keystile/keystile/auth"
)

// An account is a user of the portal.
type account struct {
	subject     string
	email       string
	permissions []string
}

// accounts is what a service has in its own database: the Guard asks it on
// every request what the account behind a credential may do at that moment.
type accounts []account

var demoAccounts = accounts{
	{subject: "ada", email: "ada@example.com", permissions: []string{auth.AllScopes}},
	{subject: "ben", email: "ben@example.com", permissions: []string{"reports:read"}},
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
