package services

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A Proxy forwards TCP connections, and can break or slow down the network
// between a client and a server.
type Proxy struct {
	listener net.Listener

	mu     sync.Mutex
	change *sync.Cond // signals changes of the fields below
	target string
	delay  time.Duration
	paused bool
	closed bool
	conns  map[net.Conn]bool

	running sync.WaitGroup
}

// StartProxy starts a proxy to a TCP address. It ends with the test.
func StartProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{listener: l, target: target, conns: map[net.Conn]bool{}}
	p.change = sync.NewCond(&p.mu)
	p.running.Go(p.accept)
	tb.Cleanup(func() {
		l.Close()
		p.set(func() { p.closed = true })
		p.Cut()
		p.running.Wait()
	})
	return p
}

// Addr returns the host and port that the proxy listens on.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Redirect makes new connections lead to another address, like a change of a DNS
// name. Existing connections stay.
func (p *Proxy) Redirect(target string) { p.set(func() { p.target = target }) }

// Delay delays all data that is forwarded from now on, in each direction.
func (p *Proxy) Delay(d time.Duration) { p.set(func() { p.delay = d }) }

// Pause keeps all connections open, accepts new ones and forwards nothing.
func (p *Proxy) Pause() { p.set(func() { p.paused = true }) }

// Resume ends a Pause. No data is lost.
func (p *Proxy) Resume() { p.set(func() { p.paused = false }) }

// Cut closes all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		conn.Close()
	}
}

func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.change.Broadcast()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.connect(client) })
	}
}

func (p *Proxy) connect(client net.Conn) {
	defer p.track(client)()
	p.pass()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.DialTimeout("tcp", target, time.Second)
	if err != nil {
		return
	}
	defer p.track(server)()
	var forwarding sync.WaitGroup
	forwarding.Go(func() { p.forward(server, client) })
	forwarding.Go(func() { p.forward(client, server) })
	forwarding.Wait()
}

// track registers an open connection, and returns the function that closes it.
func (p *Proxy) track(conn net.Conn) func() {
	p.set(func() {
		if p.conns[conn] = true; p.closed {
			conn.Close()
		}
	})
	return func() {
		conn.Close()
		p.set(func() { delete(p.conns, conn) })
	}
}

// forward copies from one connection to the other until either is closed.
func (p *Proxy) forward(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	for buffer := make([]byte, 64<<10); ; {
		n, err := from.Read(buffer)
		if n > 0 {
			p.pass()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits while the proxy is paused, and for its delay.
func (p *Proxy) pass() {
	p.mu.Lock()
	for p.paused && !p.closed {
		p.change.Wait()
	}
	until := time.Now().Add(p.delay)
	for !p.closed && time.Now().Before(until) {
		wake := time.AfterFunc(time.Until(until), p.change.Broadcast)
		p.change.Wait()
		wake.Stop()
	}
	p.mu.Unlock()
}
