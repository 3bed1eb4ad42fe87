package main

import (
	"net/http"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

// An askPage asks once more, before something ends.
type askPage struct {
	frame
	*store.Credential        // what it is about; nil for an account
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
	if page.Credential == nil {
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

// readOverlap returns the overlap that was chosen for what is to be replaced, or
// what is wrong with it. Only one predecessor may go on working: a successor
// needs no room under the limit of credentials, so without this an account could
// have any number.
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
	id, _ := auth.FromContext(r.Context())
	family, err := a.store.List(r.Context(), store.Filter{Kind: old.Kind, Subject: id.Subject, Family: old.Family, Except: old.ID, Active: true, Limit: 1})
	if err == nil && len(family) > 0 {
		wrong = "The one before this still works until " + family[0].ExpiresAt.Format("2 January, 15:04 UTC") + ". Revoke it first, or end this one now."
	}
	return overlap, wrong, err
}
