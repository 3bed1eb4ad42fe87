package main

import (
	"net/http"
	"slices"
	"strings"
)

// A resume is what to go on with after signing in: the page that was asked for,
// or a form that was sent when the session had ended.
type resume struct {
	Next    string  // the page, or where the form goes; "" if none
	Carried []field // of the form; empty if there was none
}

type field struct{ Name, Value string }

// carried are the fields of forms that are worth keeping. They travel to the
// sign-in page and back, so no password and no credential is among them.
var carried = []string{"name", "access", "scope", "lifetime", "amount", "unit", "overlap", "id", "void"}

// signInAndResume answers a form that was sent without a session by the sign-in
// page, which keeps what was typed.
func (a *app) signInAndResume(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	page := loginPage{frame: frame{Title: "Sign in", Error: "Your session has ended. Sign in, and go on where you were."}}
	if r.ParseForm() == nil {
		for _, name := range carried {
			for _, value := range r.PostForm[name] {
				page.Carried = append(page.Carried, field{name, value})
			}
		}
	}
	page.Next = r.URL.Path
	if len(page.Carried) == 0 { // nothing typed: back to where the button is
		page.Next = "/profile"
		if strings.HasPrefix(r.URL.Path, "/admin") {
			page.Next = "/admin"
		}
	} else {
		page.Error = "Your session has ended. Sign in, and nothing that you typed is lost."
	}
	a.show(w, r, http.StatusUnauthorized, "login.html", page)
}

// resumeFrom reads back what the sign-in page has kept. Nobody but that page can
// have sent it: Protect refuses what other sites send.
func resumeFrom(r *http.Request) resume {
	to := resume{Next: local(r.PostFormValue("next"), "")}
	for _, name := range carried {
		for _, value := range r.PostForm["carried."+name] {
			to.Carried = append(to.Carried, field{name, value})
		}
	}
	if to.Next == "" {
		to.Carried = nil
	}
	return to
}

// Typed returns the carried fields as a person has filled them in: what says
// nothing is left out.
func (to resume) Typed() []field {
	value := func(name string) string {
		i := slices.IndexFunc(to.Carried, func(f field) bool { return f.Name == name })
		if i < 0 {
			return ""
		}
		return to.Carried[i].Value
	}
	var typed []field
	for _, f := range to.Carried {
		switch {
		case f.Value == "":
		case f.Name == "name":
			typed = append(typed, field{"Name", f.Value})
		case f.Name == "access" && f.Value == "all":
			typed = append(typed, field{"Scopes", "All that your account may do"})
		case f.Name == "scope" && value("access") != "all":
			typed = append(typed, field{"Scope", f.Value})
		case f.Name == "lifetime" && f.Value == "custom":
			typed = append(typed, field{"Lifetime", value("amount") + " " + value("unit")})
		case f.Name == "lifetime":
			typed = append(typed, field{"Lifetime", said(tokenForm{}.Lifetimes(), f.Value)})
		case f.Name == "overlap":
			typed = append(typed, field{"The old one", said(slices.Concat(tokenOverlaps(), secretOverlaps()), f.Value)})
		case f.Name == "void":
			typed = append(typed, field{"Tokens and secrets", "Refused too"})
		}
	}
	return typed
}

// said returns what a choice is called on the pages.
func said(choices []choice, value string) string {
	for _, c := range choices {
		if c.Value == value {
			return c.Text
		}
	}
	return value
}
