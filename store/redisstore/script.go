package redisstore

import (
	"context"
	"crypto/sha1"
	"embed"
	"fmt"
	"strings"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

//go:embed scripts
var sources embed.FS

// A script is a Lua script, which the server runs without interruption.
type script struct {
	name string
	text string
	sha1 string // of text; identifies the script on the server
	lua  *rueidis.Lua
}

func newScript(name string) script {
	flags, body, _ := strings.Cut(source(name), "\n")
	text := flags + "\n" + source("common") + body
	return script{name, text, fmt.Sprintf("%x", sha1.Sum([]byte(text))), rueidis.NewLuaScript(text)}
}

func source(name string) string {
	text, err := sources.ReadFile("scripts/" + name + ".lua")
	if err != nil {
		panic(err) // impossible: the script is embedded
	}
	return string(text)
}

// run runs a script in a partition and returns its answer. If the answer refers to
// another partition, it runs the script there. Answers that stand for an error of
// package store are returned as that error.
func (s *Store) run(ctx context.Context, sc script, partition byte, args ...string) (rueidis.RedisMessage, error) {
	return s.follow(sc, partition, func(partition byte) (rueidis.RedisMessage, error) {
		return s.ask(ctx, sc.name, func(ctx context.Context) rueidis.RedisResult {
			return sc.lua.Exec(ctx, s.client, []string{s.keyPrefix(partition)}, args)
		})
	})
}

// runAcknowledged is run, but also waits until [Config.Replicas] replicas have the
// change.
func (s *Store) runAcknowledged(ctx context.Context, sc script, partition byte, args ...string) (rueidis.RedisMessage, error) {
	if s.replicas == 0 {
		return s.run(ctx, sc, partition, args...)
	}
	return s.follow(sc, partition, func(partition byte) (rueidis.RedisMessage, error) {
		return s.ask(ctx, sc.name, func(ctx context.Context) rueidis.RedisResult {
			// WAIT covers only writes of the same connection.
			conn, release := s.client.Dedicate()
			defer release()
			key := s.keyPrefix(partition)
			answer := conn.Do(ctx, conn.B().Evalsha().Sha1(sc.sha1).Numkeys(1).Key(key).Arg(args...).Build())
			if refusal, ok := rueidis.IsRedisErr(answer.Error()); ok && refusal.IsNoScript() {
				answer = conn.Do(ctx, conn.B().Eval().Script(sc.text).Numkeys(1).Key(key).Arg(args...).Build())
			}
			if answer.Error() != nil {
				return answer
			}
			// Less than the timeout of the call, so that the answer comes in time.
			n, err := conn.Do(ctx, conn.B().Wait().Numreplicas(int64(s.replicas)).Timeout(s.timeout.Milliseconds()*3/4).Build()).AsInt64()
			if err == nil && n < int64(s.replicas) {
				err = fmt.Errorf("%d of %d replicas have the change in time; it may or may not persist", n, s.replicas)
			}
			if err != nil {
				return rueidis.NewErrorResult(err)
			}
			return answer
		})
	})
}

// follow runs a script in a partition. If the answer refers to another partition, it
// runs the script once more there.
func (s *Store) follow(sc script, partition byte, run func(partition byte) (rueidis.RedisMessage, error)) (rueidis.RedisMessage, error) {
	for again := false; ; again = true {
		answer, err := run(partition)
		if err != nil || !answer.IsString() {
			return answer, err
		}
		text, _ := answer.ToString()
		if p, ok := moved(text); ok && !again {
			partition = p
			continue
		}
		switch text {
		case "OK":
			return answer, nil
		case "EXISTS":
			return answer, store.ErrExists
		case "LIMIT":
			return answer, store.ErrLimit
		case "CONFLICT":
			return answer, store.ErrConflict
		case "SUBJECT":
			return answer, fmt.Errorf("redisstore: %s: next.Subject: must be the subject of the credential that is replaced", sc.name)
		}
		if again {
			return answer, store.ErrNotFound // deleted meanwhile
		}
		return answer, fmt.Errorf("redisstore: %s: the server answers %q", sc.name, text)
	}
}

// moved returns the partition that an answer refers to.
func moved(answer string) (partition byte, ok bool) {
	if len(answer) != 3 || !strings.HasPrefix(answer, "AT") {
		return 0, false
	}
	return answer[2], true
}

// askAll runs a script several times in one round trip. If the server does not have
// the script yet, sending its text takes another round trip.
func (s *Store) askAll(ctx context.Context, sc script, calls []rueidis.LuaExec) ([]rueidis.RedisMessage, error) {
	messages := make([]rueidis.RedisMessage, len(calls))
	_, err := s.ask(ctx, sc.name, func(ctx context.Context) rueidis.RedisResult {
		commands := make(rueidis.Commands, len(calls))
		for i, call := range calls {
			commands[i] = s.client.B().Evalsha().Sha1(sc.sha1).Numkeys(1).Key(call.Keys...).Arg(call.Args...).Build()
		}
		var answer rueidis.RedisResult
		for i, first := range s.client.DoMulti(ctx, commands...) {
			answer = first
			if refusal, ok := rueidis.IsRedisErr(answer.Error()); ok && refusal.IsNoScript() {
				answer = s.client.Do(ctx, s.client.B().Eval().Script(sc.text).Numkeys(1).Key(calls[i].Keys...).Arg(calls[i].Args...).Build())
			}
			var err error
			if messages[i], err = answer.ToMessage(); err != nil {
				return answer
			}
		}
		return answer
	})
	return messages, err
}
