package services_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/keystile/keystile/internal/services"
)

// With an append-only file, acknowledged writes to Redis survive SIGKILL. A paused
// server sends no answer until it is resumed.
func TestRedis(t *testing.T) {
	r := services.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	do := func(want string, args ...string) {
		t.Helper()
		if got, err := r.Do(args...); err != nil || got != want {
			t.Fatalf("%q: %q, %v, want %q", args, got, err, want)
		}
	}
	do("OK", "SET", "key", "1")
	r.Kill()
	if _, err := r.Do("PING"); err == nil {
		t.Error("it answers after Kill")
	}
	r.Start()
	do("1", "INCRBY", "key", "0")
	r.Pause()
	if answers(t, r.Addr(), "PING\r\n") {
		t.Error("it answers after Pause")
	}
	r.Resume()
	if !answers(t, r.Addr(), "PING\r\n") {
		t.Error("it does not answer after Resume")
	}
}

// PostgreSQL starts again after each way of stopping it.
func TestPostgres(t *testing.T) {
	p := services.StartPostgres(t)
	for name, stop := range map[string]func(){"Kill": p.Kill, "StopImmediate": p.StopImmediate} {
		addr := hostOf(t, p.CreateDatabase("after_"+name))
		stop()
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Errorf("%s: it still listens", name)
		}
		p.Start()
		p.CreateDatabase("after_" + name + "_again")
	}
	addr := hostOf(t, p.DSN("postgres"))
	const sslRequest = "\x00\x00\x00\x08\x04\xd2\x16\x2f"
	p.Pause()
	if answers(t, addr, sslRequest) {
		t.Error("it answers after Pause")
	}
	p.Resume()
	if !answers(t, addr, sslRequest) {
		t.Error("it does not answer after Resume")
	}
}

// answers reports whether the server at addr answers a request soon.
func answers(t *testing.T, addr, request string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetDeadline(deadline)
	if _, err := conn.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	n, _ := conn.Read(make([]byte, 1))
	return n == 1
}

func hostOf(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// A replica follows its primary, and can change places with it at run time.
func TestRedisReplica(t *testing.T) {
	a := services.StartRedis(t)
	b := a.StartReplica(t)
	if _, err := b.Do("SET", "key", "1"); err == nil {
		t.Error("a replica accepts a write")
	}
	b.Promote()
	if _, err := b.Do("SET", "key", "1"); err != nil {
		t.Error(err)
	}
	a.ReplicaOf(b.Addr())
	if role := a.Info("replication")["role"]; role != "slave" {
		t.Errorf("role %q after ReplicaOf", role)
	}
}

// A proxy forwards, pauses, delays, redirects and cuts connections.
func TestProxy(t *testing.T) {
	a, b := services.StartRedis(t), services.StartRedis(t)
	p := services.StartProxy(t, a.Addr())
	ping := func() bool { return answers(t, p.Addr(), "PING\r\n") }
	if !ping() {
		t.Fatal("no answer through the proxy")
	}
	p.Pause()
	if ping() {
		t.Error("an answer while paused")
	}
	p.Resume()
	p.Delay(time.Second)
	if ping() {
		t.Error("an answer before the delay")
	}
	p.Delay(0)
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	a.Kill()
	p.Redirect(b.Addr())
	if !ping() {
		t.Error("no answer from the other server")
	}
	p.Cut()
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection that was cut: %v", err)
	}
}
