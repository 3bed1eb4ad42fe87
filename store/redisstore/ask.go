package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

// maxConnections is how many connections to a server the client opens by default.
const maxConnections = 4

// lookup returns the value of a key, or ErrNotFound if there is none.
//
// It sends GETEX. Without options that command only reads, but Redis treats it as a
// write: a replica refuses it, and so does a primary that lacks the replicas which
// min-replicas-to-write demands. So every answer comes from a server that was the
// primary at that moment, even if the client was directed to the wrong server.
func (s *Store) lookup(ctx context.Context, what, key string) (rueidis.RedisMessage, error) {
	start := time.Now()
	answer, err := s.getex(ctx, key)
	// The server may have closed the client's connections while they were idle.
	for range maxConnections {
		if !lostConnection(err) || time.Since(start) > s.timeout/8 {
			break
		}
		answer, err = s.getex(ctx, key)
	}
	return answer, outcome(what, err)
}

func (s *Store) getex(ctx context.Context, key string) (rueidis.RedisMessage, error) {
	command := s.client.B().Getex().Key(key).Build()
	if !s.link.up() {
		return s.call(ctx, func(ctx context.Context) rueidis.RedisResult { return s.client.Do(ctx, command) })
	}
	answer, err := s.client.Do(ctx, command).ToMessage()
	s.link.note(err)
	return answer, err
}

// lostConnection reports whether the server closed an established connection.
func lostConnection(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// ask returns the server's answer, or ErrNotFound if that is nil. It waits no
// longer than the timeout and no longer than ctx.
func (s *Store) ask(ctx context.Context, what string, call func(context.Context) rueidis.RedisResult) (rueidis.RedisMessage, error) {
	answer, err := s.call(ctx, call)
	return answer, outcome(what, err)
}

// call runs a call of the client in a goroutine of its own and stops waiting for
// it in time: the client waits for connections and for room in its queue without
// regard to the context.
func (s *Store) call(ctx context.Context, call func(context.Context) rueidis.RedisResult) (rueidis.RedisMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return rueidis.RedisMessage{}, err
	}
	result := make(chan rueidis.RedisResult, 1)
	go func() { result <- call(ctx) }()
	var answer rueidis.RedisMessage
	var err error
	select {
	case r := <-result:
		answer, err = r.ToMessage()
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.link.note(err)
	return answer, err
}

// outcome returns the error of a call in the form that the methods of Store return.
// It adds the cause if the server's message does not name it.
func outcome(what string, err error) error {
	if err == nil {
		return nil
	}
	if rueidis.IsRedisNil(err) {
		return store.ErrNotFound
	}
	cause := ""
	if answer, ok := errors.AsType[*rueidis.RedisError](err); ok {
		switch code, _, _ := strings.Cut(answer.Error(), " "); code {
		case "READONLY":
			cause = "the server is a replica, whose data may be old; connect to the primary: "
		case "NOREPLICAS":
			cause = "the server has lost its replicas, so one of them may have become the primary: "
		case "MISCONF":
			cause = "the server cannot write to its disk: "
		}
	}
	return fmt.Errorf("redisstore: %s: %s%w", what, cause, err)
}
