package main

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/keystile/keystile/cookie"
)

type loginPage struct {
	frame
	Login string // the email that was typed
	resume
}

func (a *app) loginForm(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, http.StatusOK, "login.html", loginPage{
		frame:  frame{Title: "Sign in", Notice: notices[r.URL.Query().Get("done")]},
		resume: resume{Next: local(r.URL.Query().Get("next"), "")},
	})
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	form := loginPage{frame{Title: "Sign in"}, r.PostFormValue("email"), resumeFrom(r)}
	again := func(status int, why string) {
		form.Error = why
		a.show(w, r, status, "login.html", form)
	}

	if wait := a.throttle.try(form.Login, clientAddr(r.Context())); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		again(http.StatusTooManyRequests, fmt.Sprintf("Too many wrong passwords for this account from where you are. Try again in %s.", roughly(wait)))
		return
	}
	user, err := a.accounts.signIn(r.Context(), form.Login, r.PostFormValue("password"))
	if errors.Is(err, errWrongPassword) {
		a.activity.wrongPassword(r.Context(), user.subject)
		again(http.StatusUnprocessableEntity, "The email or the password is not right.")
		return
	} else if err != nil {
		a.failed(w, r, err)
		return
	}
	a.throttle.forget(form.Login, clientAddr(r.Context()))
	if now, err := a.accounts.Account(r.Context(), user.subject); err != nil {
		a.failed(w, r, err)
		return
	} else if now.Disabled { // for who knows the password alone
		again(http.StatusForbidden, "This account is disabled. Ask an administrator to enable it.")
		return
	}
	req := cookie.Request{Subject: user.subject, Addr: clientAddr(r.Context()), UserAgent: r.UserAgent()}
	if _, err = a.sessions.SignIn(w, r, req); err != nil {
		a.failed(w, r, err)
		return
	}
	if len(form.Carried) > 0 {
		a.show(w, r, http.StatusOK, "continue.html", form)
		return
	}
	http.Redirect(w, r, local(form.Next, "/profile"), http.StatusSeeOther)
}

// roughly says how long d is, never less.
func roughly(d time.Duration) string {
	if d <= time.Second {
		return "1 second"
	} else if d <= time.Minute {
		return fmt.Sprintf("%.0f seconds", math.Ceil(d.Seconds()))
	}
	return fmt.Sprintf("%.0f minutes", math.Ceil(d.Minutes()))
}

func (a *app) logout(w http.ResponseWriter, r *http.Request) {
	if err := a.sessions.SignOut(w, r); err != nil {
		a.failed(w, r, err)
		return
	}
	done(w, r, "/login", "bye", "")
}
