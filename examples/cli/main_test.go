package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// A server has one client, and counts the tokens that it has issued.
type server struct {
	*httptest.Server
	tokens     *bearer.Tokens
	id, secret string
	issued     atomic.Int32
}

func serve(t *testing.T, lifetime time.Duration) *server {
	t.Helper()
	s := new(server)
	st := store.NewMemory()
	var err error
	s.tokens, err = bearer.New(bearer.Config{Store: st, Observe: func(_ context.Context, ev auth.Event) {
		if ev.Type == auth.Issued {
			s.issued.Add(1)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := secret.New(secret.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	oauth, err := endpoint.New(endpoint.Config{Tokens: s.tokens, Secrets: secrets, DefaultLifetime: lifetime})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{s.tokens}})
	if err != nil {
		t.Fatal(err)
	}
	plain, c, err := secrets.Issue(t.Context(), secret.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	s.id, s.secret = c.Family, plain.Reveal()
	mux := http.NewServeMux()
	mux.HandleFunc("/oauth/token", oauth.Token)
	mux.Handle("GET /api/whoami", guard.Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		w.Write([]byte(id.Subject))
	})))
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// TestMain lets the test's own program be the command, in processes that ask for
// that: so a change of the command is a change of the test.
func TestMain(m *testing.M) {
	if os.Getenv("BE_THE_COMMAND") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// A machine is where the command runs.
type machine struct{ bin, home string }

func newMachine(t *testing.T) machine {
	t.Helper()
	bin, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return machine{bin, t.TempDir()}
}

// run runs the command in an environment that has what is given and no more.
func (m machine) run(url string, env ...string) (stdout, stderr string, err error) {
	cmd := exec.Command(m.bin, "-server", url)
	cmd.Env = append([]string{"BE_THE_COMMAND=1", "HOME=" + m.home, "XDG_CACHE_HOME=" + filepath.Join(m.home, "Library", "Caches")}, env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// files returns the tokens that are kept.
func (m machine) files(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(m.home, "Library", "Caches", "keystile-cli", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// works checks that the command is let in, and how many tokens there have been.
func (m machine) works(t *testing.T, s *server, name string, issued int32, env ...string) {
	t.Helper()
	out, errs, err := m.run(s.URL, env...)
	if err != nil || out != "ada" {
		t.Errorf("%s: %q, %v, %s", name, out, err, errs)
	}
	if n := s.issued.Load(); n != issued {
		t.Errorf("%s: %d tokens were issued, want %d", name, n, issued)
	}
}

func TestCLI(t *testing.T) {
	s, m := serve(t, time.Hour), newMachine(t)
	id, sec := "CLIENT_ID="+s.id, "CLIENT_SECRET="+s.secret
	m.works(t, s, "first", 1, id, sec)
	m.works(t, s, "second", 1, id, "CLIENT_SECRET=not-used")

	files := m.files(t)
	if len(files) != 1 {
		t.Fatalf("files: %q", files)
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || strings.Contains(string(text), s.secret) {
		t.Errorf("the file has %s, %v", text, err)
	}

	if _, err := s.tokens.RevokeAll(t.Context(), "ada"); err != nil {
		t.Fatal(err)
	}
	m.works(t, s, "after it was revoked", 2, id, sec)
	m.works(t, s, "and again", 2, id, sec)

	edit(t, files[0], func(token *oauth2.Token) { token.Expiry = time.Now().Add(margin + 10*time.Second) })
	m.works(t, s, "before its last minute", 2, id, sec)
	edit(t, files[0], func(token *oauth2.Token) { token.Expiry = time.Now().Add(margin - time.Second) })
	m.works(t, s, "in its last minute", 3, id, sec)
	if err := os.WriteFile(files[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.works(t, s, "damaged", 4, id, sec)

	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(s.secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	os.Remove(files[0])
	m.works(t, s, "from a file", 5, id, "CLIENT_SECRET_FILE="+name)

	var seen atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer") {
			seen.Store(true)
		}
		http.NotFound(w, r)
	}))
	defer other.Close()
	if out, errs, err := m.run(other.URL, id, sec); err == nil || seen.Load() {
		t.Errorf("another server: %q, %s; it has seen a token: %t", out, errs, seen.Load())
	}
	m.works(t, s, "this one, still", 5, id, sec)

	if err := os.Chmod(m.files(t)[0], 0o644); err != nil {
		t.Fatal(err)
	}
	if out, errs, err := m.run(s.URL, id, sec); err == nil || !strings.Contains(errs, "others can read it") {
		t.Errorf("readable: %q, %s", out, errs)
	}
}

// edit changes the token in a file.
func edit(t *testing.T, name string, change func(*oauth2.Token)) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var token oauth2.Token
	if err := json.Unmarshal(text, &token); err != nil {
		t.Fatal(err)
	}
	change(&token)
	if text, err = json.Marshal(token); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	s, m := serve(t, time.Hour), newMachine(t)
	dead := httptest.NewServer(nil)
	dead.Close()
	moved := httptest.NewServer(http.RedirectHandler(s.URL+"/oauth/token", http.StatusTemporaryRedirect))
	defer moved.Close()
	id, sec := "CLIENT_ID="+s.id, "CLIENT_SECRET="+s.secret
	for _, c := range []struct {
		name, url string
		env       []string
		want      string
	}{
		{"wrong secret", s.URL, []string{id, "CLIENT_SECRET=wrong"}, "invalid_client"},
		{"no secret", s.URL, []string{id}, "must be set"},
		{"no ID", s.URL, []string{sec}, "must be set"},
		{"no file", s.URL, []string{id, "CLIENT_SECRET_FILE=none"}, "no such file"},
		{"not https", "http://api.example.com", []string{id, sec}, "must be https"},
		{"moved", moved.URL, []string{id, sec}, "307"},
		{"dead", dead.URL, []string{id, sec}, "refused"},
	} {
		out, errs, err := m.run(c.url, c.env...)
		if err == nil || out != "" || !strings.Contains(errs, c.want) || strings.Contains(errs, s.secret) {
			t.Errorf("%s: %q, %v, %s", c.name, out, err, errs)
		}
	}
	// What follows the server must not change which one it is.
	asked := false
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer thief.Close()
	for _, path := range []string{"@" + thief.Listener.Addr().String() + "/", ".example.com/", "api/whoami"} {
		cmd := exec.Command(m.bin, "-server", s.URL, path)
		cmd.Env = []string{"BE_THE_COMMAND=1", "HOME=" + m.home, "XDG_CACHE_HOME=" + filepath.Join(m.home, "Library", "Caches"), id, sec}
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "must begin with /") || asked {
			t.Errorf("%q: %v, %s, another server was asked: %v", path, err, out, asked)
		}
	}
	if files := m.files(t); len(files) != 0 {
		t.Errorf("it keeps %q", files)
	}
}
