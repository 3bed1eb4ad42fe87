package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/internal/services"
)

// Two portals on one store: what is revoked at one is refused by the other, which
// has it in its cache and is asked all the time.
const (
	pace        = 300 // requests to the other per second
	revocations = 200
	soon        = 100 * time.Millisecond // with news
	bound       = 5 * time.Second        // without; see package cache
)

// R1: within the time that is documented, on every store that many machines share.
func TestNodes(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "portal")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, engine := range []struct {
		name  string
		watch string // what a connection says on which news is to come
		start func(t *testing.T) *url.URL
	}{
		{"PostgreSQL", "LISTEN ", func(t *testing.T) *url.URL { return parse(t, services.StartPostgres(t).DSN("postgres")) }},
		{"Redis", "SUBSCRIBE", func(t *testing.T) *url.URL { return parse(t, "redis://"+services.StartRedis(t).Addr()) }},
	} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel()
			dsn := engine.start(t)
			key := cookie.NewKey().Reveal()
			a := node(t, bin, dsn.String(), key)
			line := newLine(t, dsn.Host, engine.watch)
			dsn.Host = line.addr
			b := node(t, bin, dsn.String(), key)

			slow := 0 // on a busy machine, a few
			for range revocations {
				c := newCrowd(t, b.URL+"/api/whoami", exchange(t, a))
				revoke(t, a, c)
				c.leave()
				if c.after(soon) > 0 {
					slow++
				}
				if late := c.after(bound); late > 0 {
					t.Fatalf("%d requests that began later than %v after the revocation were accepted", late, bound)
				}
			}
			if slow > revocations/10 {
				t.Errorf("%d of %d revocations took effect later than %v after they were made", slow, revocations, soon)
			}

			line.cut()
			for range 2 {
				c := newCrowd(t, b.URL+"/api/whoami", exchange(t, a))
				revoke(t, a, c)
				time.Sleep(bound + soon) // requests go on
				c.leave()
				if late := c.after(bound); late > 0 {
					t.Errorf("without news, %d requests that began later than %v after the revocation were accepted", late, bound)
				}
				t.Logf("without news, the last request that was accepted began %v after the revocation", c.last())
			}
		})
	}
}

func parse(t *testing.T, dsn string) *url.URL {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// node starts the portal as a process, which the test's end kills.
func node(t *testing.T, bin, dsn, key string) about {
	t.Helper()
	cmd := exec.Command(bin, "-addr", "localhost:0", "-json", "-store", dsn)
	cmd.Env = append(os.Environ(), "PORTAL_KEY="+key)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var log lockedBuffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	text, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	var a about
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return a
}

// exchange returns a new token.
func exchange(t *testing.T, a about) string {
	t.Helper()
	status, body := call(t, "POST", a.URL+"/oauth/token", "Secret "+a.Secret, `{}`)
	if status != 200 {
		t.Fatalf("exchange: %d %v", status, body)
	}
	return body["access_token"].(string)
}

// revoke revokes the token of a crowd, which has been accepted before.
func revoke(t *testing.T, a about, c *crowd) {
	t.Helper()
	c.accepted(t, 5)
	r, err := http.NewRequestWithContext(t.Context(), "POST", a.URL+"/oauth/revoke", strings.NewReader(url.Values{"token": {c.token}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(a.ClientID, a.Secret)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	c.revoked = time.Now()
	if res.StatusCode != 200 {
		t.Fatalf("revoke: %s", res.Status)
	}
	time.Sleep(soon + soon/4) // requests go on
}

// A crowd sends requests with a token, at a steady pace, until it leaves.
type crowd struct {
	t       *testing.T
	url     string
	token   string
	revoked time.Time
	stop    chan struct{}
	done    sync.WaitGroup

	mu    sync.Mutex
	began []time.Time // the requests that were accepted
	some  chan struct{}
}

func newCrowd(t *testing.T, url, token string) *crowd {
	c := &crowd{t: t, url: url, token: token, stop: make(chan struct{}), some: make(chan struct{}, 1)}
	c.done.Go(func() {
		tick := time.NewTicker(time.Second / pace)
		defer tick.Stop()
		for {
			select {
			case <-c.stop:
				return
			case <-tick.C:
				c.done.Go(c.request)
			}
		}
	})
	return c
}

// crowded keeps enough connections for those that are on their way at once.
var crowded = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 10 * time.Second}

func (c *crowd) request() {
	r, err := http.NewRequest("GET", c.url, nil)
	if err != nil {
		c.t.Error(err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	began := time.Now()
	res, err := crowded.Do(r)
	if err != nil {
		c.t.Error(err)
		return
	}
	io.Copy(io.Discard, res.Body)
	res.Body.Close()
	switch res.StatusCode {
	case 200:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.began = append(c.began, began)
		select {
		case c.some <- struct{}{}:
		default:
		}
	case 401:
	default:
		c.t.Errorf("%s", res.Status)
	}
}

// accepted waits until so many requests were accepted.
func (c *crowd) accepted(t *testing.T, n int) {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		got := len(c.began)
		c.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-c.some:
		case <-late:
			t.Fatalf("only %d requests were accepted", got)
		}
	}
}

func (c *crowd) leave() {
	close(c.stop)
	c.done.Wait()
}

// after returns how many accepted requests began later than d after the
// revocation.
func (c *crowd) after(d time.Duration) int {
	n := 0
	for _, began := range c.began {
		if began.Sub(c.revoked) > d {
			n++
		}
	}
	return n
}

// last returns when the last accepted request began, after the revocation.
func (c *crowd) last() time.Duration {
	var last time.Duration
	for _, began := range c.began {
		last = max(last, began.Sub(c.revoked))
	}
	return last
}

// A line is a way to a server on which the news can be cut off, without notice:
// connections on which a certain word was said stay open and carry nothing.
type line struct {
	addr   string
	server string
	word   []byte
	silent atomic.Bool
}

func newLine(t *testing.T, server, word string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &line{addr: l.Addr().String(), server: server, word: []byte(word)}
	ended := t.Context()
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { n.carry(ended.Done(), client) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		open.Wait()
	})
	return n
}

func (n *line) cut() { n.silent.Store(true) }

// carry carries what client and the server say, until one of them or the test
// ends.
func (n *line) carry(ended <-chan struct{}, client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", n.server)
	if err != nil {
		return
	}
	defer server.Close()
	var news atomic.Bool
	done := make(chan struct{}, 2)
	pass := func(to, from net.Conn) {
		defer func() { done <- struct{}{} }()
		b := make([]byte, 64<<10)
		for {
			k, err := from.Read(b)
			if err != nil {
				return
			}
			if from == client && bytes.Contains(bytes.ToUpper(b[:k]), n.word) {
				news.Store(true)
			}
			if news.Load() && n.silent.Load() {
				continue // said to nobody
			}
			if _, err := to.Write(b[:k]); err != nil {
				return
			}
		}
	}
	go pass(server, client)
	go pass(client, server)
	select {
	case <-done:
	case <-ended:
	}
}
