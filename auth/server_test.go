package auth_test

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// The one real server of these tests: each mounts its handler at a path of its
// own.
var (
	server  *httptest.Server
	mounted sync.Map // path to http.Handler
)

func TestMain(m *testing.M) {
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, ok := mounted.Load(r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		h.(http.Handler).ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	code := m.Run()
	server.Close()
	os.Exit(code)
}

// mount serves h until the test ends, and returns its path.
func mount(t *testing.T, h http.Handler) string {
	path := "/" + strings.NewReplacer(" ", "_", "#", "_").Replace(t.Name())
	mounted.Store(path, h)
	t.Cleanup(func() { mounted.Delete(path) })
	return path
}

// dial opens a connection to the server and writes a request to it, byte for
// byte.
func dial(t *testing.T, method, path string, lines ...string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(10 * time.Second)) // fail rather than hang
	lines = append([]string{method + " " + path + " HTTP/1.1", "Host: example.com", "Connection: close"}, lines...)
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// exchange returns the server's answer, as far as the connection's end.
func exchange(t *testing.T, method, path string, lines ...string) (status int, header http.Header, body string) {
	t.Helper()
	conn := dial(t, method, path, lines...)
	defer conn.Close()
	answer := bufio.NewReader(conn)
	resp, err := http.ReadResponse(answer, nil) // a nil request: that of HEAD would hide a body
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}
