package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/keystile/keystile/auth"
)

func (a *app) revokeSession(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	if err := a.sessions.Revoke(r.Context(), id.Subject, r.PathValue("id")); err != nil {
		a.failed(w, r, err)
		return
	}
	done(w, r, "/profile", "session-ended", "#sessions")
}

func (a *app) revokeOtherSessions(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	if _, err := a.sessions.RevokeAll(r.Context(), id.Subject, id.Credential); err != nil {
		a.failed(w, r, err)
		return
	}
	done(w, r, "/profile", "sessions-ended", "#sessions")
}

func (a *app) askRevokeEverything(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	a.ask(w, r, http.StatusOK, askPage{
		frame: frame{Title: "Revoke everything"}, Account: id.Account.User.(account).email,
		Text:   "All your tokens and client secrets end, and so do the tokens that they were exchanged for and all other sessions. You stay signed in here. This cannot be undone.",
		Button: "Revoke everything", Danger: true,
	})
}

// revokeEverything ends all credentials of the account but this session: first the
// secrets and sessions, with which a thief could get new tokens, then the tokens.
func (a *app) revokeEverything(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	_, err1 := a.secrets.RevokeAll(r.Context(), id.Subject)
	_, err2 := a.sessions.RevokeAll(r.Context(), id.Subject, id.Credential)
	_, err3 := a.tokens.RevokeAll(r.Context(), id.Subject)
	if err := errors.Join(err1, err2, err3); err != nil {
		a.failed(w, r, err)
		return
	}
	done(w, r, "/profile", "everything-revoked", "#tokens")
}

// client says in words which program sends a User-Agent. It is a guess: what is
// sent can be anything, and browsers claim to be each other.
func client(userAgent string) string {
	find := func(in [][2]string, otherwise string) string {
		for _, known := range in {
			if strings.Contains(userAgent, known[0]) {
				return known[1]
			}
		}
		return otherwise
	}
	browser := find([][2]string{
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	}, "")
	system := find([][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}, "")
	switch {
	case userAgent == "":
		return "Unknown client"
	case browser == "":
		return userAgent
	case system == "":
		return browser
	}
	return browser + " on " + system
}
