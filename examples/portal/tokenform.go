package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
)

const (
	maxName     = 255 // bytes
	minLifetime = time.Minute
	maxLifetime = 365 * 24 * time.Hour
)

// A tokenForm is the form for a new token, as it was filled in.
type tokenForm struct {
	Name     string
	Access   string // "all" that the account may, or "some" scopes
	Scopes   []scopeBox
	Lifetime string // one of lifetimes, or "custom"
	Amount   string // of Unit, where it is custom
	Unit     string // "minutes", "hours" or "days"

	Wrong map[string]string // by field: what is wrong with it
}

type scopeBox struct {
	scope
	Checked bool
}

// A choice is one of a list to choose from.
type choice struct {
	Value, Text string
	Duration    time.Duration
}

// Lifetimes are those that the form offers, besides custom ones.
func (tokenForm) Lifetimes() []choice {
	return []choice{
		{"1h", "1 hour", time.Hour},
		{"24h", "24 hours", 24 * time.Hour},
		{"30d", "30 days", 30 * 24 * time.Hour},
		{"1y", "1 year", maxLifetime},
	}
}

func newTokenForm(id *auth.Identity) tokenForm {
	f := tokenForm{Access: "all", Lifetime: "24h", Unit: "days", Scopes: []scopeBox{}}
	for _, s := range offered(id) {
		f.Scopes = append(f.Scopes, scopeBox{scope: s})
	}
	return f
}

// readTokenForm returns the form as it was sent, and the request that it makes
// unless something is wrong.
func readTokenForm(r *http.Request, id *auth.Identity) (tokenForm, bearer.Request) {
	f := newTokenForm(id)
	f.Wrong = map[string]string{}
	f.Name = strings.TrimSpace(r.PostFormValue("name"))
	f.Amount, f.Unit = r.PostFormValue("amount"), r.PostFormValue("unit")
	if v := r.PostFormValue("lifetime"); v != "" {
		f.Lifetime = v
	}
	req := bearer.Request{Subject: id.Subject, Name: f.Name}

	switch n := len(f.Name); {
	case n == 0:
		f.Wrong["name"] = "Give the token a name, so that you know later what uses it."
	case n > maxName:
		f.Wrong["name"] = fmt.Sprintf("The name is too long: it takes %d bytes, and %d are allowed. Letters other than A to Z take 2 to 4.", n, maxName)
	case !utf8.ValidString(f.Name) || strings.ContainsFunc(f.Name, unicode.IsControl):
		f.Wrong["name"] = "The name has characters that cannot be shown."
	}
	req.Scopes = f.readScopes(r)
	req.Lifetime = f.readLifetime()
	return f, req
}

// readScopes returns nil for all that the account may.
func (f *tokenForm) readScopes(r *http.Request) []string {
	chosen := r.PostForm["scope"]
	f.Access = r.PostFormValue("access")
	if f.Access != "some" && len(chosen) == 0 {
		f.Access = "all"
	}
	if f.Access == "all" {
		return nil
	}
	f.Access = "some"
	for i := range f.Scopes {
		f.Scopes[i].Checked = slices.Contains(chosen, f.Scopes[i].Name)
	}
	scopes := []string{}
	for _, name := range chosen {
		if !slices.ContainsFunc(f.Scopes, func(b scopeBox) bool { return b.Name == name }) {
			f.Wrong["scope"] = fmt.Sprintf("Your account does not have the scope %q, so a token cannot have it.", name)
		}
		scopes = append(scopes, name)
	}
	if len(scopes) == 0 {
		f.Wrong["scope"] = "Choose at least one scope, or all that your account may do."
	}
	return scopes
}

func (f *tokenForm) readLifetime() time.Duration {
	for _, c := range f.Lifetimes() {
		if c.Value == f.Lifetime {
			return c.Duration
		}
	}
	f.Lifetime = "custom"
	unit := map[string]time.Duration{"minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour}[f.Unit]
	n, err := strconv.ParseInt(strings.TrimSpace(f.Amount), 10, 32)
	switch {
	case unit == 0:
		f.Unit = "days"
		f.Wrong["lifetime"] = "Choose minutes, hours or days."
	case err != nil && !errors.Is(err, strconv.ErrRange):
		f.Wrong["lifetime"] = "Write the lifetime as a whole number."
	case err != nil || n < int64(minLifetime/unit) || n > int64(maxLifetime/unit) || n < 1:
		f.Wrong["lifetime"] = "The lifetime must be from 1 minute to 365 days."
	}
	return time.Duration(n) * unit
}
