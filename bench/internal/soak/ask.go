package soak

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A doer is an http.Client.
type doer interface {
	Do(*http.Request) (*http.Response, error)
}

// newClient returns a client that is more patient than a service may be.
func newClient() doer {
	return &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 32},
	}
}

// An answer is what a client has seen of a step.
type answer struct {
	began, ended time.Time
	status       int // 0: none came
	retryAfter   string
	body         []byte
	err          error
}

func (a *answer) decode(v any) error {
	if a.status != http.StatusOK {
		return fmt.Errorf("soak: status %d: %s, %w", a.status, a.body, a.err)
	}
	return json.Unmarshal(a.body, v)
}

// ask sends a request, with o in JSON where it is a POST.
func (s *service) ask(method, path, token string, o order) (a answer) {
	a.began = time.Now()
	defer func() { a.ended = time.Now() }()
	var content io.Reader
	if method == "POST" {
		text, err := json.Marshal(o)
		if err != nil {
			a.err = err
			return a
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, s.url+path, content)
	if err != nil {
		a.err = err
		return a
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		a.err = err
		return a
	}
	defer resp.Body.Close()
	if a.body, a.err = io.ReadAll(resp.Body); a.err == nil { // half an answer is none
		a.status, a.retryAfter = resp.StatusCode, resp.Header.Get("Retry-After")
	}
	return a
}

func (s *service) usage() (u usage, err error) {
	a := s.ask("POST", "/usage", "", order{})
	err = a.decode(&u)
	return u, err
}
