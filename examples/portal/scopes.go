package main

import "github.com/keystile/keystile/auth"

// The permissions that accounts have, and the scopes of tokens.
const (
	readReports    = "reports:read"
	writeReports   = "reports:write"
	manageAccounts = "accounts:manage" // for people, not for tokens: the API has nothing that needs it
)

// A scope is one that a token can be narrowed to.
type scope struct{ Name, Text string }

// offered returns the scopes that the account may give to a token: those that it
// has itself.
func offered(id *auth.Identity) []scope {
	var of []scope
	for _, s := range []scope{{readReports, "Read reports"}, {writeReports, "Write reports"}} {
		if id.Has(s.Name) {
			of = append(of, s)
		}
	}
	return of
}
