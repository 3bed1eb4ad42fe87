package vectors_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestVectors sends every case over every transport that can carry it: a call of
// the handler, a socket to an HTTP/1.1 server, and a client of an HTTP/2 server.
func TestVectors(t *testing.T) {
	cases := load(t).Cases
	f := newFixture(t)
	quiet := log.New(io.Discard, "", 0)

	one := httptest.NewUnstartedServer(f)
	one.Config.ErrorLog = quiet
	one.Start()
	defer one.Close()
	two := httptest.NewUnstartedServer(f)
	two.EnableHTTP2 = true
	two.Config.ErrorLog = quiet
	two.StartTLS()
	defer two.Close()
	client := two.Client()
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, two.Listener.Addr().String())
	}
	client.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true // the names are those of the vectors

	transports := map[string]func(t *testing.T, m message) *http.Response{
		"direct": func(t *testing.T, m message) *http.Response {
			r := newRequest(t, m)
			r.RemoteAddr = "127.0.0.1:1234"
			w := httptest.NewRecorder()
			f.ServeHTTP(w, r)
			return w.Result()
		},
		"http1": func(t *testing.T, m message) *http.Response { return overSocket(t, one.Listener.Addr().String(), m) },
		"http2": func(t *testing.T, m message) *http.Response {
			r := newRequest(t, m)
			r.RequestURI = ""
			r.URL.Scheme, r.URL.Host = "https", "service.test"
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if resp.ProtoMajor != 2 {
				t.Fatalf("spoken: %s", resp.Proto)
			}
			return resp
		},
	}
	for _, name := range everywhere {
		t.Run(name, func(t *testing.T) {
			for _, c := range cases {
				carries, refuses := slices.Contains(c.Transports, name), slices.Contains(c.ServerRefuses, name)
				if !carries && !refuses {
					continue
				}
				t.Run(c.Name, func(t *testing.T) {
					sent := c.Request
					sent.Path, sent.Body = f.fill(t, sent.Path), f.fill(t, sent.Body)
					sent.Headers = nil
					for _, h := range c.Request.Headers {
						sent.Headers = append(sent.Headers, [2]string{h[0], raw(f.fill(t, h[1]))})
					}
					resp := transports[name](t, sent)
					defer resp.Body.Close()
					body, err := io.ReadAll(resp.Body)
					if err != nil {
						t.Fatal(err)
					}
					if refuses {
						if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Reached") != "" {
							t.Errorf("%d, want the server to refuse it with 400", resp.StatusCode)
						}
						return
					}
					check(t, c, sent, resp, string(body))
				})
			}
		})
	}
}

func newRequest(t *testing.T, m message) *http.Request {
	u, err := url.Parse(m.Path)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Method: m.Method, URL: u, RequestURI: m.Path, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Host: "service.test"}
	if m.Body != "" {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(m.Body)), int64(len(m.Body))
	}
	for _, h := range m.Headers {
		name := textproto.CanonicalMIMEHeaderKey(h[0])
		r.Header[name] = append(r.Header[name], h[1])
	}
	return r.WithContext(t.Context())
}

// overSocket writes the request as it is, which net/http's client would not.
func overSocket(t *testing.T, addr string, m message) *http.Response {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: service.test\r\n", m.Method, m.Path)
	closes := true
	for _, h := range m.Headers {
		closes = closes && h[0] != "Connection"
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	if closes {
		b.WriteString("Connection: close\r\n")
	}
	if m.Body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(m.Body))
	}
	b.WriteString("\r\n" + m.Body)
	go io.WriteString(conn, b.String()) // an answer may come before all is sent
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: m.Method})
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// check compares a response with what the case says, and with what holds for all.
func check(t *testing.T, c *vector, sent message, resp *http.Response, body string) {
	t.Helper()
	want := c.Response
	if resp.StatusCode != want.Status {
		t.Fatalf("status %d, want %d (%s: %s)", resp.StatusCode, want.Status, c.Section, c.Reason)
	}
	for name, lines := range want.Headers {
		got := resp.Header.Values(name)
		if name == "Set-Cookie" && lines == nil && want.Status < 400 {
			continue // a session may be renewed at any time
		}
		if len(got) != len(lines) || len(lines) > 0 && !reflect.DeepEqual(got, lines) {
			t.Errorf("%s: %q, want %q", name, got, lines)
		}
	}
	if reached := resp.Header.Get("Reached") != ""; reached != (want.Status < 400) {
		t.Errorf("handler reached: %t", reached)
	}
	// C4: nothing of the request comes back.
	for _, h := range sent.Headers {
		for _, part := range strings.FieldsFunc(h[1], func(r rune) bool { return strings.ContainsRune(" ,;=", r) }) {
			if len(part) > 20 && (strings.Contains(body, part) || strings.Contains(fmt.Sprint(resp.Header), part)) {
				t.Errorf("%s comes back: %v %s", h[0], resp.Header, body)
			}
		}
	}
	switch {
	case sent.Method == http.MethodHead:
		if body != "" {
			t.Errorf("HEAD: body %q", body)
		}
	case want.Status < 400:
		var got who
		if err := json.Unmarshal([]byte(body), &got); err != nil || got != (who{want.Subject, want.Scheme}) {
			t.Errorf("%+v, %v, want %s by %s", got, err, want.Subject, want.Scheme)
		}
	default:
		var problem struct {
			Status int
			Detail string
		}
		if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Status != want.Status || problem.Detail != details[c.Class] {
			t.Errorf("body %s, want the problem %d, %q", body, want.Status, details[c.Class])
		}
	}
}

var details = map[string]string{
	"no-credentials":     "Authentication is required.",
	"malformed":          "The credentials are malformed.",
	"invalid":            "The credentials are not valid.",
	"insufficient-scope": "The credentials do not allow this.",
	"cross-origin":       "Cross-origin request refused.",
	"throttled":          "Too many failed attempts.",
	"unavailable":        "Authentication is temporarily unavailable.",
}
