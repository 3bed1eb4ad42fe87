package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/keystile/keystile/internal/services"
)

// start runs the portal with args until the test ends and returns what it
// prints as it starts. Unless args say otherwise it has a SQLite file of its own.
func start(t *testing.T, args ...string) *bufio.Reader {
	t.Helper()
	out, _ := startUntil(t, args...)
	return out
}

// startUntil is start, and returns what ends the portal before the test does.
func startUntil(t *testing.T, args ...string) (*bufio.Reader, func()) {
	t.Helper()
	args = append([]string{"-addr", "localhost:0", "-store", "sqlite:" + filepath.Join(t.TempDir(), "portal.db")}, args...)
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	var log lockedBuffer
	go func() {
		err := run(ctx, args, in, &log)
		in.CloseWithError(errors.Join(err, io.EOF))
		done <- err
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if t.Failed() {
			t.Logf("log:\n%s", log.String())
		}
	})
	t.Cleanup(stop)
	return bufio.NewReaderSize(out, 64<<10), stop // takes in all that is printed at once
}

// startJSON runs the portal and returns what -json says of it.
func startJSON(t *testing.T, args ...string) about {
	t.Helper()
	a, _ := startJSONUntil(t, args...)
	return a
}

func startJSONUntil(t *testing.T, args ...string) (about, func()) {
	t.Helper()
	out, stop := startUntil(t, append(args, "-json")...)
	line, err := out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var a about
	if err := json.Unmarshal(line, &a); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return a, stop
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// call makes a request and returns the status and the decoded body.
func call(t testing.TB, method, url, authorization, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var v map[string]any
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		t.Fatalf("%s %s: %s: body: %v", method, url, res.Status, err)
	}
	return res.StatusCode, v
}

func TestAPI(t *testing.T) {
	a := startJSON(t)
	ada, ben, adasSecret := "Bearer "+a.Token, "Bearer "+a.Other.Token, "Secret "+a.Secret
	for _, tt := range []struct {
		name, method, path, authorization, body string
		status                                  int
		want                                    string // in the body
	}{
		{"who am I", "GET", "/api/whoami", ada, "", 200, `"subject":"ada"`},
		{"who is ben", "GET", "/api/whoami", ben, "", 200, `"scheme":"Bearer"`},
		{"nobody", "GET", "/api/whoami", "", "", 401, "Authentication is required."},
		{"a secret is not a token", "GET", "/api/whoami", "Bearer " + a.Secret, "", 401, "not valid"}, // P10
		{"a secret is for few endpoints", "GET", "/api/whoami", adasSecret, "", 401, "required"},
		{"read", "GET", "/api/reports", ben, "", 200, `"reports":[]`},
		{"write", "POST", "/api/reports", ada, `{"title":"Q3"}`, 201, `"title":"Q3"`},
		{"read it", "GET", "/api/reports", ben, "", 200, `"author":"ada"`},
		{"ben may not write", "POST", "/api/reports", ben, `{"title":"Q3"}`, 403, "do not allow"},
		{"no title", "POST", "/api/reports", ada, `{}`, 400, "title: 0 characters"},
		{"long title", "POST", "/api/reports", ada, `{"title":"` + strings.Repeat("é", 201) + `"}`, 400, "title: 201 characters"},
		{"title of another type", "POST", "/api/reports", ada, `{"title":3}`, 400, "title: cannot be a number"},
		{"unknown field", "POST", "/api/reports", ada, `{"titel":"Q3"}`, 400, "unknown field"},
		{"not JSON", "POST", "/api/reports", ada, `title=Q3`, 400, "one JSON object"},
		{"two objects", "POST", "/api/reports", ada, `{"title":"a"}{"title":"b"}`, 400, "one JSON object"},
		{"too large", "POST", "/api/reports", ada, `{"title":"` + strings.Repeat("a", maxBody) + `"}`, 413, "at most 65536 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := call(t, tt.method, a.URL+tt.path, tt.authorization, tt.body)
			text, _ := json.Marshal(body)
			if status != tt.status || !strings.Contains(string(text), tt.want) {
				t.Errorf("%d %s, want %d and %q", status, text, tt.status, tt.want)
			}
		})
	}
	if status, _ := call(t, "GET", a.URL+"/api/whoami?access_token="+a.Token, "", ""); status != 401 { // P7
		t.Errorf("token in the query: %d, want 401", status)
	}
}

func TestGenerateToken(t *testing.T) {
	a := startJSON(t)
	url := a.URL + "/api/security/tokens/generate"
	inHeader := "Secret " + a.Secret
	for _, tt := range []struct {
		name, authorization, body string
		status                    int
		want                      string
	}{
		{"header", inHeader, `{}`, 200, `"expires_in":86400`},
		{"lifetime", inHeader, `{"Lifetime":60}`, 200, `"expires_in":60`}, // M8, T5
		{"a year", inHeader, `{"lifetime":31536000}`, 200, `"expires_in":31536000`},
		{"body", "", `{"Secret":"` + a.Secret + `","Lifetime":3600}`, 200, `"token_type":"Bearer"`},
		{"narrower", inHeader, `{"Scopes":["reports:read"]}`, 200, `"scope":"reports:read"`}, // R9
		{"no scopes", inHeader, `{"Scopes":[]}`, 200, `"scope":""`},
		{"none", "", `{}`, 401, "invalid_client"},
		{"empty secret", "", `{"Secret":""}`, 401, "invalid_client"},
		{"unknown secret", "", `{"Secret":"` + a.Secret[:40] + `"}`, 401, "invalid_client"},
		{"malformed secret", "", `{"Secret":"a b"}`, 401, "invalid_client"},
		{"a token is no secret", "Secret " + a.Token, `{}`, 401, "invalid_client"}, // P10, R9
		{"a token does not issue tokens", "Bearer " + a.Token, `{}`, 401, "invalid_client"},
		{"twice", inHeader, `{"Secret":"` + a.Secret + `"}`, 400, "one way only"},
		{"59 seconds", inHeader, `{"Lifetime":59}`, 400, "from 60 to 31536000"},
		{"a second more than a year", inHeader, `{"Lifetime":31536001}`, 400, "from 60 to 31536000"},
		{"a fraction", inHeader, `{"Lifetime":60.5}`, 400, "an integer"},
		{"a bad scope", inHeader, `{"Scopes":["a b"]}`, 400, "invalid_scope"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := call(t, "POST", url, tt.authorization, tt.body)
			text, _ := json.Marshal(body)
			if status != tt.status || !strings.Contains(string(text), tt.want) {
				t.Errorf("%d %s, want %d and %q", status, text, tt.status, tt.want)
			}
			if status != 200 {
				return
			}
			token := "Bearer " + body["access_token"].(string)
			if status, who := call(t, "GET", a.URL+"/api/whoami", token, ""); status != 200 || who["subject"] != "ada" {
				t.Errorf("the new token: %d %v", status, who)
			}
		})
	}
}

func TestHealthzAndIndex(t *testing.T) {
	a := startJSON(t)
	for path, want := range map[string]int{"/healthz": 204, "/": 200, "/login": 200, "/style.css": 200} {
		res, err := http.Get(a.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, res.Status, want)
		}
	}
}

// TestCurlLines pastes every line that the portal prints into a shell.
func TestCurlLines(t *testing.T) {
	services.Find(t, "curl")
	out, dir := start(t), t.TempDir()
	want := []string{"200", "201", "200", "200", "200", "200", "200", "200", "403", "303", "200", "401", "200"}
	for n := 0; n < len(want); {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatalf("after %d curl lines: %v", n, err)
		}
		if !strings.HasPrefix(line, "  curl ") {
			continue
		}
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = dir // where the cookie jar goes
		got, err := cmd.Output()
		if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 "+want[n]) {
			t.Errorf("%s%s\nerr %v, want status %s", line, got, err, want[n])
		}
		n++
	}
}

func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = run(t.Context(), []string{"-store", "memory", "-addr", l.Addr().String()}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "choose another port") {
		t.Errorf("error %v, want one that says how to choose another port", err)
	}
}

func TestUnexpectedArgument(t *testing.T) {
	err := run(t.Context(), []string{"serve"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), `unexpected argument "serve"`) {
		t.Errorf("error %v, want one that names the argument", err)
	}
}

// TestSignals ends the real program as a service manager and a terminal do.
func TestSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGTERM")
	}
	bin := filepath.Join(t.TempDir(), "portal")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		cmd := exec.Command(bin, "-store", "memory", "-addr", "localhost:0", "-json")
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(out).ReadBytes('\n'); err != nil {
			t.Fatal(err)
		}
		cmd.Process.Signal(sig)
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v, want exit status 0", sig, err)
		}
	}
}
