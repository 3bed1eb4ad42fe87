// Package service runs a service with a store under load, to test how it answers
// requests when the store fails.
package service

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// A Service authenticates requests by tokens in a store.
type Service struct {
	Tokens *bearer.Tokens
	url    string
	client *http.Client
}

// Start starts a service that ends with the test. Its handler fails the test if it
// runs for another account than ada.
func Start(t testing.TB, st store.Store) *Service {
	t.Helper()
	tokens, err := bearer.New(bearer.Config{Store: st, LastUsedInterval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := auth.FromContext(r.Context()); !ok || id.Subject != "ada" {
			t.Errorf("the handler runs for %+v", id)
		}
	})))
	t.Cleanup(server.Close)
	return &Service{tokens, server.URL, server.Client()}
}

// Issue issues a token to ada.
func (s *Service) Issue(t testing.TB) (string, *store.Credential) {
	t.Helper()
	plain, c, err := s.Tokens.Issue(t.Context(), bearer.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal(), c
}

// Unknown returns a token that the store does not know.
func Unknown(t testing.TB) string {
	t.Helper()
	plaintext, _ := Start(t, store.NewMemory()).Issue(t)
	return plaintext
}

// Status returns the status of a request with a token.
func (s *Service) Status(t testing.TB, plaintext string) int {
	t.Helper()
	r, err := http.NewRequest("GET", s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+plaintext)
	response, err := s.client.Do(r)
	if err != nil {
		t.Error(err)
		return 0
	}
	response.Body.Close()
	if response.StatusCode == http.StatusServiceUnavailable && response.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	return response.StatusCode
}

// A Load sends requests until it is stopped.
type Load struct {
	OK, Refused, Unavailable atomic.Int64 // 200, 401 and 503
	stop                     chan struct{}
	clients                  sync.WaitGroup
}

// Load sends requests with valid tokens and with an unknown one. It fails the test if
// a valid token gets another status than 200 or 503, if the unknown one gets another
// status than 401 or 503, or if an answer takes too long.
func (s *Service) Load(t testing.TB, within time.Duration, valid ...string) *Load {
	l := &Load{stop: make(chan struct{})}
	ask := func(plaintext string, want int, answered *atomic.Int64) {
		for {
			select {
			case <-l.stop:
				return
			case <-time.After(2 * time.Millisecond): // leaves processor time for others
			}
			start := time.Now()
			switch status := s.Status(t, plaintext); status {
			case want:
				answered.Add(1)
			case http.StatusServiceUnavailable:
				l.Unavailable.Add(1)
			default:
				t.Errorf("status %d, want %d or 503", status, want)
			}
			if took := time.Since(start); took > within {
				t.Errorf("a request took %v, want at most %v", took, within)
			}
		}
	}
	for _, plaintext := range valid {
		for range 3 {
			l.clients.Go(func() { ask(plaintext, http.StatusOK, &l.OK) })
		}
	}
	unknown := Unknown(t)
	l.clients.Go(func() { ask(unknown, http.StatusUnauthorized, &l.Refused) })
	t.Cleanup(l.Stop)
	return l
}

// Stop ends the load. Stopping again does nothing.
func (l *Load) Stop() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.clients.Wait()
}

// Until waits for a condition.
func Until(t testing.TB, what string, patience time.Duration, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain for %s", patience, what)
		}
	}
}
