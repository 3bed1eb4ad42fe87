package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
)

// A decision is the answer to one request: an identity, or the class of a
// refusal and its cause.
type decision struct {
	of      Verified // nil: nobody; also set where the account or a scope is what is refused
	account *Account
	by      *scheme // who recognised or refused the request; nil: nobody
	class   *class  // nil: authenticated
	err     error
}

// identity returns who the request is from, or the zero Identity.
func (d *decision) identity() (id Identity) {
	if d.of != nil {
		id = d.of.Identity()
		id.Account = d.account
	}
	return id
}

// kept returns who the request is from, for others to keep, or nil.
func (d *decision) kept() *Identity {
	switch of := d.of.(type) {
	case nil:
		return nil
	case *keptContext: // made for this request
		if of.kept.Account != d.account { // once: a hook may have handed it to another goroutine
			of.kept.Account = d.account
		}
		return (*Identity)(&of.kept)
	}
	id := d.identity()
	return &id
}

// context returns a context that carries who the request is from.
func (d *decision) context(ctx context.Context) context.Context {
	if c, ok := d.of.(*keptContext); ok { // made for it
		c.account = d.account
		return c
	}
	return &identityContext{ctx, d.of, d.account}
}

// lacks reports whether one of scopes is not granted.
func (d *decision) lacks(scopes []string) bool {
	if len(scopes) == 0 {
		return false
	}
	id := d.identity()
	return !id.Has(scopes...)
}

// ask asks the schemes in turn, and then the account, and sets *d. It has no
// other effects.
func (g *Guard) ask(r *http.Request, d *decision) {
	d.class, d.err = noCredentials, ErrNoCredentials
	if len(g.schemes) == 0 {
		d.class, d.err = unavailable, errNotNew
	}
	for _, d.by = range g.schemes {
		of, err := d.by.Identify(r)
		if err == nil && of == nil {
			err = errNoIdentity
		}
		if err == nil {
			d.of = of
			d.class, d.err = g.checkAccount(r.Context(), d)
			return
		}
		d.err = err
		if d.class = classify(d.err); d.class != noCredentials {
			return
		}
	}
	d.by = nil
}

// judge is ask for an identity, or the error that was returned in its place.
func (g *Guard) judge(ctx context.Context, id *Identity, err error, d *decision) {
	defer contain(d)
	switch {
	case len(g.schemes) == 0:
		d.class, d.err = unavailable, errNotNew
	case err != nil:
		if d.class, d.err = classify(err), err; d.class == noCredentials {
			d.by = nil
		}
	case id == nil:
		d.class, d.err = unavailable, errNoIdentity
	case id.Subject == "":
		d.class, d.err = unavailable, errNoSubject
	default:
		d.of = (*kept)(id)
		d.class, d.err = g.checkAccount(ctx, d)
	}
}

// schemeOf returns the scheme of id, or the only one that g has.
func (g *Guard) schemeOf(id *Identity) *scheme {
	if id == nil && len(g.schemes) == 1 {
		return g.schemes[0]
	}
	for _, s := range g.schemes {
		if id != nil && s.name() == id.Scheme {
			return s
		}
	}
	return g.elsewhere
}

// contain makes an outage of a panic, for decide to defer.
func contain(d *decision) {
	if v := recover(); v != nil {
		d.class, d.err = unavailable, fmt.Errorf("auth: panic: %v\n%s", v, debug.Stack())
	}
}

var (
	errNotNew          = errors.New("auth: the Guard was not made by New")
	errUnknownAccount  = fmt.Errorf("%w: unknown account", ErrInvalidCredentials)
	errDisabledAccount = fmt.Errorf("%w: disabled account", ErrInvalidCredentials)
	errNotBefore       = fmt.Errorf("%w: issued before the account's NotBefore", ErrInvalidCredentials)
	errNoSubject       = errors.New("auth: the authenticator returned an identity without a subject")
	errNoAccount       = errors.New("auth: Accounts returned neither an account nor an error")
)

// checkAccount sets the account of who d recognised and returns why he is
// refused, if he is.
func (g *Guard) checkAccount(ctx context.Context, d *decision) (*class, error) {
	if g.accounts == nil {
		return nil, nil
	}
	id := d.of.Identity()
	account, err := g.accounts.Account(ctx, id.Subject)
	switch {
	case errors.Is(err, ErrUnknownAccount):
		return invalidCredentials, errUnknownAccount
	case err != nil:
		if err = fmt.Errorf("auth: account %q: %w", id.Subject, err); classify(err) != unavailable {
			err = errors.New(err.Error()) // Accounts has no such answer: an outage, for Event.Outage and a Throttle too
		}
		return unavailable, err
	case account == nil:
		return unavailable, errNoAccount
	case account.Disabled:
		return invalidCredentials, errDisabledAccount
	case id.IssuedAt.Before(account.NotBefore):
		return invalidCredentials, errNotBefore
	}
	d.account = account
	return nil, nil
}
