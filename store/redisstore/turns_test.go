package redisstore_test

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
)

func (c *turnCounter) dial(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	conn, err := d.DialContext(ctx, "tcp", addr)
	return &turnConn{Conn: conn, turns: &c.Int64}, err
}

type turnConn struct {
	net.Conn
	turns   *atomic.Int64
	writing atomic.Bool
}

func (c *turnConn) Write(b []byte) (int, error) {
	if !c.writing.Swap(true) {
		c.turns.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *turnConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.writing.Store(false)
	return n, err
}
