package cookie_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

// TestSlowRequest signs out while a request that renews the cookie is still
// being answered: the cookie it brings is of no use. (K13)
func TestSlowRequest(t *testing.T) {
	for _, codec := range []cookie.Codec{cookie.SecureCookie, cookie.AEAD} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}, Codec: codec, Store: store.NewMemory()})
			c, _ := s.signIn(t, nil)
			time.Sleep(30 * time.Minute)

			release := make(chan bool)
			slow := s.guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				<-release
				io.WriteString(w, "done")
			}))
			w := httptest.NewRecorder()
			go func() { slow.ServeHTTP(w, request("GET", line(c))) }()
			synctest.Wait()
			s.signOut(t, c)
			close(release)
			synctest.Wait()

			renewed := cookieOf(t, w)
			if w.Body.String() != "done" || renewed == nil || renewed.Value == "" || renewed.Value == c.Value {
				t.Fatalf("body %q, Set-Cookie %q: the test needs a renewal", w.Body, w.Header()["Set-Cookie"])
			}
			s.wants(t, http.StatusUnauthorized, renewed)
			s.wants(t, http.StatusUnauthorized, c)
		})
	}
}
