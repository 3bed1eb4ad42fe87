package services

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Redis is a Redis server.
type Redis struct{ server }

// StartRedis starts a Redis server that ends with the test. The arguments are
// settings, such as "--appendonly", "yes". By default it stores nothing on disk.
func StartRedis(tb testing.TB, args ...string) *Redis {
	tb.Helper()
	path := Find(tb, "redis-server")
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

// StartSentinel starts a Redis server as a sentinel, which monitors no primary yet.
func StartSentinel(tb testing.TB) *Redis {
	tb.Helper()
	path := Find(tb, "redis-server")
	as := unprivileged(tb)
	r := &Redis{server{tb: tb, name: "Redis Sentinel", dir: directory(tb, as), port: freePort(tb), as: as}}
	config := filepath.Join(r.dir, "sentinel.conf")
	if err := os.WriteFile(config, nil, 0o666); err != nil {
		tb.Fatal(err)
	}
	if err := os.Chmod(config, 0o666); err != nil { // the server rewrites it
		tb.Fatal(err)
	}
	r.args = func() []string {
		return []string{path, config, "--sentinel", "--bind", "127.0.0.1", "--port", strconv.Itoa(r.port), "--dir", r.dir}
	}
	r.ready = func() error { _, err := r.Do("PING"); return err }
	tb.Cleanup(r.Kill)
	r.start()
	return r
}

// Addr returns the host and port that the server listens on.
func (r *Redis) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)) }

// StartReplica starts a replica of r and returns it after it has copied the data. The
// arguments are settings, as for StartRedis.
func (r *Redis) StartReplica(tb testing.TB, args ...string) *Redis {
	tb.Helper()
	replica := StartRedis(tb, args...)
	replica.ReplicaOf(r.Addr())
	replica.await("the replica is linked", func() bool { return replica.Info("replication")["master_link_status"] == "up" })
	return replica
}

// ReplicaOf demotes the running server to a replica of the server with this address.
// It does not wait for the data.
func (r *Redis) ReplicaOf(primary string) {
	r.tb.Helper()
	host, port, err := net.SplitHostPort(primary)
	if err == nil {
		_, err = r.Do("REPLICAOF", host, port)
	}
	if err != nil {
		r.fail(err)
	}
}

// Promote turns a replica into a primary.
func (r *Redis) Promote() {
	r.tb.Helper()
	if _, err := r.Do("REPLICAOF", "NO", "ONE"); err != nil {
		r.fail(err)
	}
}

// Info returns a section of INFO, or nil if the server does not answer.
func (r *Redis) Info(section string) map[string]string {
	text, err := r.Do("INFO", section)
	if err != nil {
		return nil
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[key] = value
		}
	}
	return info
}

// AwaitReplica waits until a replica has everything that was written so far.
func (r *Redis) AwaitReplica(replica *Redis) {
	r.tb.Helper()
	offset := func(server *Redis, name string) int {
		n, _ := strconv.Atoi(server.Info("replication")[name])
		return n
	}
	written := offset(r, "master_repl_offset")
	r.await("the replica is in step", func() bool { return offset(replica, "slave_repl_offset") >= written })
}

func (r *Redis) await(what string, condition func() bool) {
	r.tb.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.fail(fmt.Errorf("not within %v: %s", patience, what))
		}
	}
}

// Dir returns the directory with the server's files.
func (r *Redis) Dir() string { return r.dir }

// Do sends a command over a new connection. It returns a bulk string completely, and
// the first line, without its type, of any other answer.
func (r *Redis) Do(args ...string) (string, error) {
	answers, err := r.DoAll(args...)
	if err != nil || len(answers) == 0 {
		return "", err
	}
	return answers[0], nil
}

// DoAll is Do for a command that answers with a list of strings.
func (r *Redis) DoAll(args ...string) ([]string, error) {
	conn, err := net.DialTimeout("tcp", r.Addr(), time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	fmt.Fprintf(conn, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(conn, "$%d\r\n%s\r\n", len(arg), arg)
	}
	reader := bufio.NewReader(conn)
	var answers []string
	for left := 1; left > 0; left-- {
		line, err := reader.ReadString('\n')
		if err != nil {
			return nil, err
		}
		kind, text := line[0], strings.TrimSpace(line[1:])
		n, err := strconv.Atoi(text)
		switch {
		case kind == '-':
			return nil, fmt.Errorf("redis: %s", text)
		case kind == '*' && err == nil:
			left += n
			continue
		case kind == '$' && err == nil && n >= 0:
			bulk := make([]byte, n+len("\r\n"))
			if _, err := io.ReadFull(reader, bulk); err != nil {
				return nil, err
			}
			text = string(bulk[:n])
		}
		answers = append(answers, text)
	}
	return answers, nil
}
