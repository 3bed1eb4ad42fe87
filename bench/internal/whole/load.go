package whole

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/keystile/keystile/bench/internal/report"
	"github.com/keystile/keystile/bench/internal/turns"
)

const (
	connections = 16
	badPerGood  = 10
)

// A Plan says how long to load the server.
type Plan struct {
	Turn   time.Duration
	Rounds int
}

// A job is what a load generator is told.
type job struct {
	Offer offer
	Plan  Plan
}

// A finding is what it answers.
type finding struct {
	Loads  []report.Load
	Floods []report.Flood
}

// Generate loads the server that in, a job, tells of, and writes its finding to
// out.
func Generate(in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	g, err := dial(j.Offer.Addr)
	if err != nil {
		return err
	}
	defer g.close()
	f, err := g.measure(j)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(f)
}

// A mix is what a client sends, over and over.
type mix []message

// A message is a request, and the status that it must be answered with.
type message struct {
	request []byte
	status  string
}

func get(path, header, value, status string) message {
	return message{fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n%s: %s\r\n\r\n", path, header, value), status}
}

// tokensTo returns requests with each token.
func tokensTo(path string, o *offer) (m mix) {
	for _, v := range o.Bearer {
		m = append(m, get(path, "Authorization", v, "200"))
	}
	return m
}

// flooded returns requests with each token, and unknown ones before each.
func flooded(path, status string, o *offer) (m mix) {
	for i, good := range tokensTo(path, o) {
		for j := range badPerGood {
			m = append(m, get(path, "Authorization", o.Unknown[(i*badPerGood+j)%len(o.Unknown)], status))
		}
		m = append(m, good)
	}
	return m
}

// measure loads each path by turns with the open one, which is sent the same.
func (g *generator) measure(j job) (f finding, err error) {
	paths := []struct {
		name      string
		reference int
		mix       mix
		all       []time.Duration
		perSecond []float64
		share     []float64
	}{
		{name: "open, a token", reference: 0, mix: tokensTo("/open", &j.Offer)},
		{name: "the same headers and a context, unguarded", reference: 0, mix: tokensTo("/unguarded", &j.Offer)},
		{name: "bearer", reference: 0, mix: tokensTo("/bearer", &j.Offer)},
		{name: "open, a cookie", reference: 3, mix: mix{get("/open", "Cookie", j.Offer.Cookie, "200")}},
		{name: "AEAD cookie", reference: 3, mix: mix{get("/cookie", "Cookie", j.Offer.Cookie, "200")}},
	}
	for i := range paths { // warm up, and check each
		if _, _, err := g.turn(paths[i].mix, j.Plan.Turn/2, 1); err != nil {
			return f, err
		}
	}
	for range j.Plan.Rounds {
		for i := range paths {
			p := &paths[i]
			took, perSecond, err := g.turn(p.mix, j.Plan.Turn, 1)
			if err != nil {
				return f, err
			}
			p.all = append(p.all, took...)
			p.perSecond = append(p.perSecond, perSecond)
			reference := paths[p.reference].perSecond
			p.share = append(p.share, perSecond/reference[len(reference)-1])
		}
	}
	for _, p := range paths {
		f.Loads = append(f.Loads, report.Load{Path: p.name, PerSecond: turns.NewSpread(p.perSecond).Median, Share: turns.NewSpread(p.share),
			P50: quantile(p.all, 0.5), P99: quantile(p.all, 0.99), Max: quantile(p.all, 0.999)})
	}
	for _, p := range []struct {
		name        string
		quiet, with mix
	}{
		{"open", tokensTo("/open", &j.Offer), flooded("/open", "200", &j.Offer)},
		{"bearer", tokensTo("/bearer", &j.Offer), flooded("/bearer", "401", &j.Offer)},
	} {
		var quiet, with, ratios []float64
		for range j.Plan.Rounds {
			a, _, err := g.turn(p.quiet, j.Plan.Turn, 1)
			if err != nil {
				return f, err
			}
			// The good ones alone count, which are one in so many.
			b, _, err := g.turn(p.with, 2*j.Plan.Turn, badPerGood+1)
			if err != nil {
				return f, err
			}
			quiet = append(quiet, quantile(a, 0.99))
			with = append(with, quantile(b, 0.99))
			ratios = append(ratios, with[len(with)-1]/quiet[len(quiet)-1])
		}
		f.Floods = append(f.Floods, report.Flood{Path: p.name, Quiet: turns.NewSpread(quiet).Median, With: turns.NewSpread(with).Median, Ratio: turns.NewSpread(ratios)})
	}
	return f, nil
}

// quantile returns microseconds.
func quantile(took []time.Duration, q float64) float64 {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return float64(took[int(q*float64(len(took)-1))].Nanoseconds()) / 1000
}

// A generator holds connections, each of which has one request on its way: a
// closed loop.
type generator struct{ clients []*client }

type client struct {
	conn net.Conn
	r    *bufio.Reader
	next int
}

func dial(addr string) (*generator, error) {
	g := new(generator)
	for i := range connections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			g.close()
			return nil, err
		}
		g.clients = append(g.clients, &client{conn, bufio.NewReader(conn), i * 7 * (badPerGood + 1)})
	}
	return g, nil
}

func (g *generator) close() {
	for _, c := range g.clients {
		c.conn.Close()
	}
}

// turn sends m for a while and returns how long each answer took to one in so
// many messages, the last of them, and how many there were a second in all.
func (g *generator) turn(m mix, d time.Duration, every int) (took []time.Duration, perSecond float64, err error) {
	var wait sync.WaitGroup
	var mu sync.Mutex
	start := time.Now()
	n := 0
	for _, c := range g.clients {
		wait.Go(func() {
			sent, own, e := c.loop(m, start.Add(d), every)
			mu.Lock()
			defer mu.Unlock()
			n += sent
			took = append(took, own...)
			if e != nil {
				err = e
			}
		})
	}
	wait.Wait()
	return took, float64(n) / time.Since(start).Seconds(), err
}

func (c *client) loop(m mix, end time.Time, every int) (n int, took []time.Duration, err error) {
	now := time.Now()
	for now.Before(end) {
		i := c.next % len(m)
		c.next++
		start := now
		if _, err := c.conn.Write(m[i].request); err != nil {
			return n, took, err
		}
		if err := c.answer(m[i].status); err != nil {
			return n, took, err
		}
		now = time.Now()
		if n++; i%every == every-1 {
			took = append(took, now.Sub(start))
		}
	}
	return n, took, nil
}

var contentLength = []byte("Content-Length: ")

// answer reads a response, with as little as will do: a client that costs more
// than the server would measure itself.
func (c *client) answer(status string) error {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(line) < 12 || string(line[9:12]) != status {
		return fmt.Errorf("whole: %q, want status %s", line, status)
	}
	length := -1
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if value, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
		if len(line) == 2 {
			break
		}
	}
	if length < 0 {
		return fmt.Errorf("whole: a response without a Content-Length")
	}
	_, err = c.r.Discard(length)
	return err
}
