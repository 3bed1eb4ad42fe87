package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"text/template"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// about is what a user, or a program, needs to know to try the portal.
type about struct {
	URL  string `json:"url"`
	Kept string `json:"-"`
	demoUser
	Other demoUser `json:"other"`
}

// A demoUser is an account with credentials to try. Only a demo prints those.
type demoUser struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	Token    string `json:"token"`
	ClientID string `json:"client_id"`
	Secret   string `json:"secret"`
}

// demo issues a token and a secret for each of the two accounts.
func (a *app) demo(ctx context.Context, url string) (*about, error) {
	about := &about{URL: url}
	for i, user := range []*demoUser{&about.demoUser, &about.Other} {
		of := a.accounts.all[i]
		token, _, err := fresh(ctx, a.tokens, of.subject, func() (auth.Plaintext, *store.Credential, error) {
			return a.tokens.Issue(ctx, bearer.Request{Subject: of.subject, Name: demoName})
		})
		if err != nil {
			return nil, err
		}
		secret, cred, err := fresh(ctx, a.secrets, of.subject, func() (auth.Plaintext, *store.Credential, error) {
			return a.secrets.Issue(ctx, secret.Request{Subject: of.subject, Name: demoName})
		})
		if err != nil {
			return nil, err
		}
		*user = demoUser{of.email, a.passwords[i], token.Reveal(), cred.Family, secret.Reveal()}
	}
	return about, nil
}

// demoName is the name of the credentials that each start of the portal makes.
const demoName = "demo"

// fresh issues a credential. Where the account has as many as it may, the oldest
// that an earlier start made is revoked for it.
func fresh(ctx context.Context, of manager, subject string, issue func() (auth.Plaintext, *store.Credential, error)) (auth.Plaintext, *store.Credential, error) {
	plain, cred, err := issue()
	if !errors.Is(err, store.ErrLimit) {
		return plain, cred, err
	}
	held, err := of.List(ctx, subject)
	if err != nil {
		return plain, nil, err
	}
	for _, old := range slices.Backward(held) {
		if old.Name == demoName && old.Active(time.Now()) {
			if err := of.Revoke(ctx, subject, old.ID); err != nil {
				return plain, nil, err
			}
			break
		}
	}
	return issue()
}

// A manager manages credentials of one kind.
type manager interface {
	List(ctx context.Context, subject string) ([]*store.Credential, error)
	Revoke(ctx context.Context, subject, id string) error
}

func (a *about) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(a)
	}
	var text bytes.Buffer
	if err := tryIt.Execute(&text, a); err != nil {
		return err
	}
	_, err := text.WriteTo(w)
	return err
}

var tryIt = template.Must(template.New("").Parse(`The keystile portal listens on {{.URL}}. Ctrl-C stops it.
{{.Kept}}

Sign in at {{.URL}}/login:

  {{.Email}}   {{.Password}}
  {{.Other.Email}}   {{.Other.Password}}

Who is calling? {{.Email}}, with a personal access token:

  curl -i {{.URL}}/api/whoami -H 'Authorization: Bearer {{.Token}}'

She may read and write reports:

  curl -i {{.URL}}/api/reports -H 'Authorization: Bearer {{.Token}}' -H 'Content-Type: application/json' -d '{"title": "Q3"}'
  curl -i {{.URL}}/api/reports -H 'Authorization: Bearer {{.Token}}'

A server of hers exchanges its client secret for a token that lives an hour:

  curl -i {{.URL}}/api/security/tokens/generate -H 'Authorization: Secret {{.Secret}}' -H 'Content-Type: application/json' -d '{"Lifetime": 3600}'
  curl -i {{.URL}}/api/security/tokens/generate -H 'Content-Type: application/json' -d '{"Secret": "{{.Secret}}", "Lifetime": 3600, "Scopes": ["reports:read"]}'

The same as OAuth has it, and a look at a token:

  curl -i {{.URL}}/.well-known/oauth-authorization-server
  curl -i {{.URL}}/oauth/token -u '{{.ClientID}}:{{.Secret}}' -d grant_type=client_credentials
  curl -i {{.URL}}/oauth/introspect -u '{{.ClientID}}:{{.Secret}}' -d 'token={{.Token}}'

{{.Other.Email}} may only read, so this is refused, with 403:

  curl -i {{.URL}}/api/reports -H 'Authorization: Bearer {{.Other.Token}}' -H 'Content-Type: application/json' -d '{"title": "Q3"}'

A browser's session works on the same API. Here curl is the browser:

  curl -i {{.URL}}/login -c cookies.txt -d 'email={{.Email}}' -d 'password={{.Password}}'
  curl -i {{.URL}}/api/whoami -b cookies.txt

This is refused, with 401: a secret is not a token.

  curl -i {{.URL}}/api/whoami -H 'Authorization: Bearer {{.Secret}}'

And this revokes the token above:

  curl -i {{.URL}}/oauth/revoke -u '{{.ClientID}}:{{.Secret}}' -d 'token={{.Token}}'

`))
