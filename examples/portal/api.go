package main

import (
	"fmt"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/keystile/keystile/auth"
)

const (
	maxTitle   = 200 // characters
	maxReports = 1000
)

// whoami tells a client what its credential is.
func (a *app) whoami(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	writeJSON(w, http.StatusOK, struct {
		Subject    string    `json:"subject"`
		Scheme     string    `json:"scheme"`
		Credential string    `json:"credential"`
		Scopes     []string  `json:"scopes"`
		IssuedAt   time.Time `json:"issued_at"`
		ExpiresAt  time.Time `json:"expires_at,omitzero"`
	}{id.Subject, id.Scheme, id.Credential, id.Scopes, id.IssuedAt, id.ExpiresAt})
}

// reports is the resource that the API is about. The last maxReports are kept.
type reports struct {
	mu   sync.Mutex
	last int
	list []report // oldest first
}

type report struct {
	ID        int       `json:"id"`
	Title     string    `json:"title"`
	Author    string    `json:"author"`
	CreatedAt time.Time `json:"created_at"`
}

func (rs *reports) add(title, author string) report {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.last++
	r := report{rs.last, title, author, time.Now().UTC().Truncate(time.Second)}
	rs.list = append(rs.list, r)
	if len(rs.list) > maxReports {
		rs.list = append([]report{}, rs.list[1:]...)
	}
	return r
}

func (rs *reports) all() []report {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return append([]report{}, rs.list...)
}

func (a *app) listReports(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string][]report{"reports": a.reports.all()})
}

func (a *app) addReport(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Title string `json:"title"`
	}
	if status, err := readJSON(w, r, &in); err != nil {
		problem(w, status, err.Error())
		return
	}
	if n := utf8.RuneCountInString(in.Title); n == 0 || n > maxTitle {
		problem(w, http.StatusBadRequest, fmt.Sprintf("title: %d characters: must be 1 to %d", n, maxTitle))
		return
	}
	id, _ := auth.FromContext(r.Context())
	writeJSON(w, http.StatusCreated, a.reports.add(in.Title, id.Subject))
}
