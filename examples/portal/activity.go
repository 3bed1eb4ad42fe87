package main

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/keystile/keystile/auth"
)

const (
	maxEntries  = 50    // of one account
	maxAccounts = 1_000 // that are remembered
)

// An entry is a line of an account's recent activity.
type entry struct {
	Text       string
	Bad        bool   // something was refused
	Credential string // public ID; "" where there is none
	Addr       netip.Addr
	At         time.Time
	Times      int // in a row
}

// An activity is what has happened lately to each account, as the Observe hooks
// tell it. It is kept in memory, and bounded. The zero value is ready to use, and
// safe for concurrent use.
type activity struct {
	mu sync.Mutex
	of map[string][]entry // by subject; newest last
}

// observe keeps an event, unless it is of no interest to the account's owner or
// belongs to nobody.
func (a *activity) observe(ctx context.Context, ev auth.Event) {
	text, bad := describe(ev)
	if text == "" || ev.Subject == "" {
		return
	}
	a.add(ev.Subject, entry{Text: text, Bad: bad, Credential: ev.Credential, Addr: clientAddr(ctx)})
}

// wrongPassword keeps that somebody tried to sign in to an account.
func (a *activity) wrongPassword(ctx context.Context, subject string) {
	if subject != "" {
		a.add(subject, entry{Text: "Wrong password", Bad: true, Addr: clientAddr(ctx)})
	}
}

// add appends e. What repeats itself is one entry, so that a client that keeps
// on trying does not push out everything else.
func (a *activity) add(subject string, e entry) {
	e.At, e.Times = time.Now(), 1
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.of[subject]
	if n := len(list); n > 0 && same(list[n-1], e) {
		list[n-1].At = e.At
		list[n-1].Times++
		return
	}
	if len(list) == maxEntries {
		list = append([]entry{}, list[1:]...)
	}
	if a.of == nil {
		a.of = map[string][]entry{}
	}
	for other := range a.of {
		if len(a.of) < maxAccounts || list != nil {
			break
		}
		delete(a.of, other)
	}
	a.of[subject] = append(list, e)
}

func same(a, b entry) bool {
	return a.Text == b.Text && a.Credential == b.Credential && a.Addr == b.Addr
}

// recent returns the latest entries of an account, newest first.
func (a *activity) recent(subject string, n int) []entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	var latest []entry
	for i := len(a.of[subject]) - 1; i >= 0 && len(latest) < n; i-- {
		latest = append(latest, a.of[subject][i])
	}
	return latest
}

// describe says what an event means to the owner of the account, and whether it
// is bad news. Every request that is let through would be too much.
func describe(ev auth.Event) (text string, bad bool) {
	what := map[string]string{"Bearer": "Token", "Secret": "Client secret", "Cookie": "Session"}[ev.Scheme]
	if what == "" {
		what = "Credential"
	}
	switch ev.Type {
	case auth.SignedIn:
		return "Signed in", false
	case auth.SignedOut:
		return "Signed out", false
	case auth.Issued:
		return what + " issued", false
	case auth.Rotated:
		return what + " replaced", false
	case auth.Revoked:
		if ev.Credential == "" {
			return "Several revoked at once: " + what, false
		}
		return what + " revoked", false
	case auth.Reused:
		return what + " used after it was replaced", true
	case auth.Refused:
		return what + " refused: " + reason(ev.Err), !ev.Outage()
	}
	return "", false
}

// reason says why a request was refused, in words that are fit for its owner.
func reason(err error) string {
	switch {
	case errors.Is(err, auth.ErrInsufficientScope):
		return "it may not do that"
	case errors.Is(err, auth.ErrInvalidCredentials):
		return "no longer valid"
	case errors.Is(err, auth.ErrCrossOrigin):
		return "sent by another site"
	}
	return "it could not be checked"
}
