package redisstore

import (
	"context"
	"embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

//go:embed scripts
var sources embed.FS

// A script is one step of the server's: nothing happens while it runs.
type script struct {
	name string
	lua  *rueidis.Lua
}

// newScript returns the script of that name. Of those that build is given the
// client repeats none that writes.
func newScript(name string, build func(string, ...rueidis.LuaOption) *rueidis.Lua) script {
	flags, body, _ := strings.Cut(source(name), "\n")
	return script{name, build(flags + "\n" + source("common") + body)}
}

func source(name string) string {
	text, err := sources.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(text)
}

// run runs a script and returns its answer. The answers that are errors of
// package store are returned as these.
func (s *Store) run(ctx context.Context, sc script, args ...string) (rueidis.RedisMessage, error) {
	now, err := appendTime(nil, time.Now())
	if err != nil {
		return rueidis.RedisMessage{}, fmt.Errorf("redisstore: the clock: %w", err)
	}
	args = append([]string{string(now), strconv.FormatInt(s.retention.Milliseconds(), 10)}, args...)
	answer, err := s.ask(ctx, sc.name, func(ctx context.Context) rueidis.RedisResult {
		return sc.lua.Exec(ctx, s.client, []string{s.base}, args)
	})
	if err != nil || !answer.IsString() {
		return answer, err
	}
	switch text, _ := answer.ToString(); text {
	case "OK":
		return answer, nil
	case "EXISTS":
		return answer, store.ErrExists
	case "LIMIT":
		return answer, store.ErrLimit
	case "CONFLICT":
		return answer, store.ErrConflict
	default:
		return answer, fmt.Errorf("redisstore: %s: the server answers %q", sc.name, text)
	}
}

// ask returns the server's answer, or ErrNotFound if that is nil. It waits no
// longer than the timeout and no longer than ctx, whatever the client does: that
// waits for connections and for room in its queue without asking ctx.
func (s *Store) ask(ctx context.Context, what string, call func(context.Context) rueidis.RedisResult) (rueidis.RedisMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	result := make(chan rueidis.RedisResult, 1)
	var answer rueidis.RedisMessage
	err := ctx.Err()
	if err == nil {
		go func() { result <- call(ctx) }()
		select {
		case r := <-result:
			answer, err = r.ToMessage()
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	switch {
	case rueidis.IsRedisNil(err):
		return answer, store.ErrNotFound
	case err != nil:
		return answer, fmt.Errorf("redisstore: %s: %w", what, err)
	}
	return answer, nil
}
