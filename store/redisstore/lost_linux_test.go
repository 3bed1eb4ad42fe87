package redisstore_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
)

// R3: if the answer of a write is lost, the error must not claim that another call
// made it. So the Redis client must not send a write again.
func TestLostAnswerIsNotARefusal(t *testing.T) {
	server := services.StartRedis(t)
	var cut atomic.Bool
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{server.Addr()},
		Dialer:      net.Dialer{KeepAlive: time.Hour}, // prevents PINGs, because the answer of one could be lost instead
		DialCtxFn: func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			conn, err := d.DialContext(ctx, "tcp", addr)
			return &cutConn{conn, &cut}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	st := open(t, client)
	c, next := placed(st), placed(st)
	// Load the scripts into the server first: otherwise each takes two answers.
	warm, after := placed(st), placed(st)
	if err := errors.Join(insert(t, st, warm), st.Rotate(t.Context(), warm.ID, warm.ExpiresAt, after, store.Limits{})); err != nil {
		t.Fatal(err)
	}
	for _, write := range []struct {
		name string
		do   func() error
		made *store.Credential
	}{
		{"Insert", func() error { return insert(t, st, c) }, c},
		{"Rotate", func() error { return st.Rotate(t.Context(), c.ID, c.ExpiresAt, next, store.Limits{}) }, next},
	} {
		// Sometimes the client sends a command of its own, whose answer is lost
		// instead. Then the write did not happen, so repeat it.
		var err error
		for range 5 {
			cut.Store(true)
			outage(t, write.name, write.do())
			if cut.Load() {
				t.Fatalf("%s: no answer was lost", write.name)
			}
			if err = expect(st, write.made, true, write.name); err == nil {
				break
			}
		}
		if err != nil {
			t.Errorf("%s: want it made, by the try whose answer was lost: %v", write.name, err)
		}
	}
}

// A cutConn can drop the next answer and then break the connection.
type cutConn struct {
	net.Conn
	cut *atomic.Bool
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.cut.CompareAndSwap(true, false) {
		c.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}

func insert(t *testing.T, st store.Store, c *store.Credential) error {
	_, err := st.Insert(t.Context(), c, store.Limits{})
	return err
}
