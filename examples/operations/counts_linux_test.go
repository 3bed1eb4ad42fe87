package operations_test

import (
	"expvar"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keystile/keystile/auth/throttle"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/examples/operations"
	"github.com/keystile/keystile/internal/services"
)

// Each thing to alert on is counted as what it is, and as nothing else: with the
// server down a valid token is an outage, and not invalid.
func TestCount(t *testing.T) {
	server := services.StartPostgres(t)
	limiter, err := throttle.New(throttle.Config{Burst: 3, Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	counts := new(expvar.Map)
	n := newNode(t, config{
		store: openPostgres(t, server.DSN("postgres")), keys: []cookie.Key{cookie.NewKey()},
		throttle: limiter, observe: operations.Count(counts),
	})
	last := map[string]string{}
	counted := func(what string, want map[string]string) {
		t.Helper()
		got := map[string]string{}
		counts.Do(func(kv expvar.KeyValue) {
			if now := kv.Value.String(); now != last[kv.Key] {
				last[kv.Key], got[kv.Key] = now, now
			}
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	want := func(status, got int) {
		t.Helper()
		if got != status {
			t.Errorf("%d, want %d", got, status)
		}
	}

	token, _ := n.issue(t)
	old, c := n.issue(t)
	if _, _, err := n.tokens.Rotate(t.Context(), "ada", c.ID, 0); err != nil {
		t.Fatal(err)
	}
	session, _ := n.signIn(t)
	counted("issued, rotated, signed in", map[string]string{})

	want(200, n.call("Bearer "+token))
	counted("valid", map[string]string{"authenticated": "1"})
	want(401, n.call("Bearer "+old))
	counted("reused", map[string]string{"reused": "1", "invalid": "1"})
	want(401, n.call("Bearer unknown"))
	counted("unknown", map[string]string{"invalid": "2"})
	r := httptest.NewRequest("POST", "/", nil)
	r.AddCookie(session)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	n.handler.ServeHTTP(w, r)
	want(403, w.Code)
	counted("another site", map[string]string{"cross-origin": "1"})
	want(401, n.call(""))
	counted("nobody", map[string]string{"refused": "1"})

	server.Kill()
	want(503, n.call("Bearer "+token))
	counted("the server is down", map[string]string{"outages": "1"})
	server.Start()
	until(t, "it is up", func() bool { return n.call("Bearer "+token) == http.StatusOK })

	want(400, n.call("Bearer a b"))
	want(429, n.call("Bearer a b"))
	if counts.Get("throttled").String() != "1" || counts.Get("refused").String() != "2" {
		t.Errorf("malformed, and throttled: %v", counts)
	}
}
