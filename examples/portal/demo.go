package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"text/template"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/secret"
)

// about is what a user, or a program, needs to know to try the portal.
type about struct {
	URL string `json:"url"`
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
		of := a.accounts[i]
		token, _, err := a.tokens.Issue(ctx, bearer.Request{Subject: of.subject, Name: "demo"})
		if err != nil {
			return nil, err
		}
		secret, cred, err := a.secrets.Issue(ctx, secret.Request{Subject: of.subject, Name: "demo"})
		if err != nil {
			return nil, err
		}
		*user = demoUser{of.email, a.passwords[i], token.Reveal(), cred.Family, secret.Reveal()}
	}
	return about, nil
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
Everything is kept in memory: these credentials end with the program.

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

{{.Other.Email}} may only read, so this is refused, with 403:

  curl -i {{.URL}}/api/reports -H 'Authorization: Bearer {{.Other.Token}}' -H 'Content-Type: application/json' -d '{"title": "Q3"}'

A browser's session works on the same API. Here curl is the browser:

  curl -i {{.URL}}/login -c cookies.txt -d 'email={{.Email}}' -d 'password={{.Password}}'
  curl -i {{.URL}}/api/whoami -b cookies.txt

This is refused, with 401: a secret is not a token.

  curl -i {{.URL}}/api/whoami -H 'Authorization: Bearer {{.Secret}}'

`))
