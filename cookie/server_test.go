package cookie_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/internal/services"
)

// routes is a service as the package comment has it.
func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /whoami", s.guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		io.WriteString(w, id.Subject)
	})))
	mux.Handle("POST /login", s.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("password") != "correct horse" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		if _, err := s.SignIn(w, r, cookie.Request{Subject: r.FormValue("user"), UserAgent: r.UserAgent()}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})))
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := s.SignOut(w, r); errors.Is(err, auth.ErrCrossOrigin) {
			http.Error(w, err.Error(), http.StatusForbidden)
		} else if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return mux
}

// serve starts a TLS server of s; the cookie is Secure. Another site takes over
// when it is stored in the pointer.
func serve(t *testing.T, s *site) (*httptest.Server, *atomic.Pointer[site]) {
	t.Helper()
	var current atomic.Pointer[site]
	current.Store(s)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		current.Load().routes().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server, &current
}

var form = url.Values{"user": {"ada"}, "password": {"correct horse"}}

// TestServer goes through a session with the client and the cookie jar of
// net/http. The renewal is that of a new key, for which nobody has to wait.
func TestServer(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		older, newer := cfg.Keys[0], cookie.NewKey()
		server, current := serve(t, newSite(t, with(cfg, older)))
		client := server.Client()
		var err error
		if client.Jar, err = cookiejar.New(nil); err != nil {
			t.Fatal(err)
		}
		home, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		value := func() string {
			for _, c := range client.Jar.Cookies(home) {
				return c.Name + "=" + c.Value
			}
			return ""
		}
		do := func(method, path, site string, want int, body string) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", site)
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != want || body != "" && string(b) != body {
				t.Errorf("%s %s: status %d, want %d; body %q, error %v", method, path, resp.StatusCode, want, b, err)
			}
		}

		do("GET", "/whoami", "none", http.StatusUnauthorized, "")
		do("POST", "/login", "cross-site", http.StatusForbidden, "") // X5
		if got := value(); got != "" {
			t.Errorf("a cookie before signing in: %q", got)
		}
		do("POST", "/login", "same-origin", http.StatusOK, "")
		do("GET", "/whoami", "same-origin", http.StatusOK, "ada")
		first := value()
		if !strings.HasPrefix(first, "__Host-session=") {
			t.Errorf("cookie %q", first)
		}

		current.Store(newSite(t, with(cfg, newer, older))) // K10
		do("GET", "/whoami", "same-origin", http.StatusOK, "ada")
		if second := value(); second == first || second == "" {
			t.Errorf("cookie %q, then %q", first, second)
		}
		current.Store(newSite(t, with(cfg, newer)))
		do("GET", "/whoami", "same-origin", http.StatusOK, "ada")

		do("POST", "/logout", "cross-site", http.StatusForbidden, "") // X5
		do("GET", "/whoami", "same-origin", http.StatusOK, "ada")
		do("POST", "/logout", "same-origin", http.StatusOK, "")
		if got := value(); got != "" {
			t.Errorf("the jar has %q after signing out", got)
		}
		do("GET", "/whoami", "same-origin", http.StatusUnauthorized, "")
	})
}

// TestCurl goes through a session with curl, whose cookie engine knows __Host-
// and has nothing to do with Go.
func TestCurl(t *testing.T) {
	curl := services.Find(t, "curl")
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		server, _ := serve(t, s)
		jar := filepath.Join(t.TempDir(), "jar")
		run := func(want string, args ...string) {
			t.Helper()
			args = append([]string{"-q", "-sS", "-k", "--noproxy", "*", "--max-time", "20", "-c", jar, "-b", jar, "-w", " %{http_code}"}, args...)
			cmd := exec.CommandContext(t.Context(), curl, args...)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil || !strings.HasSuffix(string(out), want) {
				t.Errorf("curl %q: %q, want %q; error %v", args[len(args)-1], out, want, err)
			}
		}
		run(" 401", server.URL+"/whoami")
		run(" 401", "-d", "user=ada&password=wrong", server.URL+"/login")
		run(" 200", "-d", form.Encode(), server.URL+"/login")
		run("ada 200", server.URL+"/whoami")
		run("ada 200", server.URL+"/whoami")
		kept, err := os.ReadFile(jar)
		if err != nil || !strings.Contains(string(kept), "#HttpOnly_127.0.0.1\tFALSE\t/\tTRUE\t") || !strings.Contains(string(kept), "\t__Host-session\t") {
			t.Errorf("jar %q, error %v", kept, err)
		}
		run(" 403", "-H", "Sec-Fetch-Site: cross-site", "-d", "", server.URL+"/logout")
		run("ada 200", server.URL+"/whoami")
		run(" 200", "-d", "", server.URL+"/logout")
		run(" 401", server.URL+"/whoami")
		kept, err = os.ReadFile(jar)
		if err != nil || strings.Contains(string(kept), "__Host-session") {
			t.Errorf("jar %q after signing out, error %v", kept, err)
		}
	})
}
