package cookie_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// K15: beyond the limit, the oldest session of the account ends, and no other's.
func TestLimit(t *testing.T) {
	for configured, limit := range map[int]int{0: 100, 3: 3} {
		synctest.Test(t, func(t *testing.T) {
			var told []auth.EventType
			s := newSite(t, cookie.Config{
				Keys: []cookie.Key{cookie.NewKey()}, Store: store.NewMemory(), Limit: configured, Observe: collect(&told),
			})
			other, _ := s.signInAs(t, "bob", nil)
			var cookies []*http.Cookie
			for range limit + 2 {
				c, _ := s.signIn(t, nil)
				cookies = append(cookies, c)
				time.Sleep(time.Second)
			}
			for i, c := range cookies {
				if i < 2 {
					s.wants(t, http.StatusUnauthorized, c)
				} else {
					s.wants(t, http.StatusOK, c)
				}
			}
			s.wants(t, http.StatusOK, other)
			ended := 0
			for _, what := range told {
				if what == auth.Revoked {
					ended++
				}
			}
			if ended != 2 {
				t.Errorf("%d ends were reported, want 2", ended)
			}
		})
	}
}

// B14: an account signs in at most so often within an hour.
func TestHourlyLimit(t *testing.T) {
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Store: store.NewMemory(), HourlyLimit: 2})
	first, _ := s.signIn(t, nil)
	s.signIn(t, nil)
	w := httptest.NewRecorder()
	id, err := s.SignIn(w, request("POST"), cookie.Request{Subject: "ada"})
	if !errors.Is(err, store.ErrLimit) || id != nil || len(w.Result().Cookies()) > 0 {
		t.Errorf("SignIn: %v, %v, want the limit and no cookie", id, err)
	}
	s.wants(t, http.StatusOK, first)
	s.signInAs(t, "bob", nil)
}
