package services

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Redis is a Redis server.
type Redis struct{ server }

// StartRedis starts a Redis server that ends with the test. The arguments are
// settings, such as "--appendonly", "yes"; by default it keeps nothing on disk.
func StartRedis(tb testing.TB, args ...string) *Redis {
	tb.Helper()
	path := find(tb, "redis-server")
	as := unprivileged(tb)
	r := &Redis{server{tb: tb, name: "Redis", dir: directory(tb, as), port: freePort(tb), as: as}}
	r.args = func() []string {
		return append([]string{path, "--bind", "127.0.0.1", "--port", strconv.Itoa(r.port), "--dir", r.dir, "--save", ""}, args...)
	}
	r.ready = func() error {
		answer, err := r.Do("PING")
		if err == nil && answer != "PONG" { // it is loading its data
			err = fmt.Errorf("answers %s", answer)
		}
		return err
	}
	tb.Cleanup(r.Kill)
	r.start()
	return r
}

// Addr returns the host and port that the server listens on.
func (r *Redis) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

// Dir returns the directory with the server's files.
func (r *Redis) Dir() string { return r.dir }

// Do sends a command, over a connection of its own, and returns the first line
// of the answer without its type.
func (r *Redis) Do(args ...string) (string, error) {
	conn, err := net.DialTimeout("tcp", r.Addr(), time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(conn, "$%d\r\n%s\r\n", len(arg), arg)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	line = strings.TrimSpace(line)
	if err == nil && strings.HasPrefix(line, "-") {
		err = fmt.Errorf("redis: %s", line[1:])
	}
	if err != nil {
		return "", err
	}
	return line[1:], nil
}
