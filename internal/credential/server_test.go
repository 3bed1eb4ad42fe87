package credential_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/keystile/keystile/auth"
)

// The one real server of these tests: each mounts its handler at a path of its
// own.
var (
	server  *httptest.Server
	mounted sync.Map // path to http.Handler
)

func TestMain(m *testing.M) {
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, ok := mounted.Load(r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		h.(http.Handler).ServeHTTP(w, r)
	}))
	code := m.Run()
	server.Close()
	os.Exit(code)
}

// mount serves h until the test ends, and returns its path.
func mount(t *testing.T, h http.Handler) string {
	path := "/" + strings.ReplaceAll(t.Name(), " ", "_")
	mounted.Store(path, h)
	t.Cleanup(func() { mounted.Delete(path) })
	return path
}

var date = regexp.MustCompile(`(?m)^Date: .*\r\n`)

// raw returns the server's answer byte for byte, but for its date.
func raw(t *testing.T, path string, lines ...string) string {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lines = append([]string{"GET " + path + " HTTP/1.1", "Host: example.com", "Connection: close"}, lines...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !date.Match(answer) {
		t.Errorf("no date in %q", answer)
	}
	return string(date.ReplaceAll(answer, nil))
}

// do sends a request to the server, and returns its answer and the body of
// that.
func do(t *testing.T, method, target, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// hello says who is calling, and by which scheme.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	io.WriteString(w, "hello, "+id.Subject+" by "+id.Scheme)
})
