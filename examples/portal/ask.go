package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keystile/keystile/store"
)

// An askPage asks once more, before something ends.
type askPage struct {
	frame
	*store.Credential        // the one that ends; nil for an account
	Account           string // email
	Text              string
	Overlaps          []choice // for how long the old one goes on; empty: not asked
	Overlap           string
	Void              bool   // offer to refuse tokens and secrets too
	Button            string // a verb and what
	Danger            bool
	Action            string // where the form goes; by default to this page's address
	Back              string
}

func (a *app) ask(w http.ResponseWriter, r *http.Request, status int, page askPage) {
	at := "profile"
	if strings.HasPrefix(r.URL.Path, "/admin/") {
		at = "admin"
	}
	f := a.frame(r, at, page.Title)
	f.Error = page.Error
	page.frame = f
	page.Back = "/" + at
	if page.Action == "" {
		page.Action = r.URL.Path
	}
	a.show(w, r, status, "ask.html", page)
}

// readOverlap returns the overlap that was chosen for the credential that is to be
// replaced, or an explanation why it is refused. Only one predecessor may go on
// working: a successor needs no room under the limit of credentials, so without this
// rule an account could have any number.
func (a *app) readOverlap(r *http.Request, from []choice, replaced func(*http.Request) (*store.Credential, error)) (overlap time.Duration, wrong string, err error) {
	chosen, known := r.PostFormValue("overlap"), false
	for _, c := range from {
		if c.Value == chosen || chosen == "" && c.Duration == 0 {
			overlap, known = c.Duration, true
		}
	}
	if !known {
		return 0, "Choose one of the times below.", nil
	}
	if overlap == 0 {
		return 0, "", nil
	}
	old, err := replaced(r)
	if err != nil {
		return 0, "", err
	}
	before, err := a.predecessor(r.Context(), old)
	if err == nil && before != nil {
		wrong = "The one before this still works until " + before.ExpiresAt.Format("2 January, 15:04 UTC") + ". Choose to end this one now, or wait until then."
	}
	return overlap, wrong, err
}

// predecessor returns the credential that c has replaced, if it still works. It is
// older than c, so it is on a page after c.
func (a *app) predecessor(ctx context.Context, c *store.Credential) (*store.Credential, error) {
	q := store.Query{Kind: c.Kind, Subject: c.Subject, ClientID: c.ClientID, Active: true, Limit: 1000}
	for next := store.NewCursor(c); next != ""; {
		var page []*store.Credential
		var err error
		q.After = next
		if page, next, err = a.store.List(ctx, q); err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(page, func(p *store.Credential) bool { return p.Family == c.Family }); i >= 0 {
			return page[i], nil
		}
	}
	return nil, nil
}
