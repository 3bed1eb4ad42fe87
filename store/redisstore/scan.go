package redisstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

// scanStep is about how many keys one SCAN visits.
const scanStep = 1000

// Scan implements [store.Scanner], by SCAN on each primary. Its time depends on the
// number of all keys on the server, including those of other programs. The server
// answers other clients between the steps. While a server resizes its tables, Scan
// may yield a credential twice.
func (s *Store) Scan(ctx context.Context, f store.ScanFilter) iter.Seq2[*store.Credential, error] {
	return func(yield func(*store.Credential, error) bool) {
		now := time.Now()
		primaries := 0
		for addr, node := range s.client.Nodes() {
			for cursor, more := uint64(0), true; more; more = cursor != 0 {
				page, next, err := s.scan(ctx, node, cursor)
				if errors.Is(err, errReplica) {
					break
				}
				if err != nil {
					yield(nil, fmt.Errorf("redisstore: scan: server %s: %w", addr, err))
					return
				}
				for _, c := range page {
					if f.Match(c, now) && !yield(c, nil) {
						return
					}
				}
				if cursor = next; cursor == 0 {
					primaries++
				}
			}
		}
		if primaries == 0 {
			yield(nil, fmt.Errorf("redisstore: scan: %w; connect to the primary", errReplica))
		}
	}
}

var errReplica = errors.New("the server is a replica, whose data may be old")

// scan returns the rows of one step on a server.
func (s *Store) scan(ctx context.Context, node rueidis.Client, cursor uint64) (page []*store.Credential, next uint64, err error) {
	pattern := globEscaper.Replace(s.prefix) + "{*}:d:*"
	answer, err := s.ask(ctx, "scan", func(ctx context.Context) rueidis.RedisResult {
		answers := node.DoMulti(ctx,
			node.B().Role().Build(),
			node.B().Scan().Cursor(cursor).Match(pattern).Count(scanStep).Build())
		if role, err := answers[0].ToArray(); err != nil {
			return answers[0]
		} else if name, err := role[0].ToString(); err == nil && name != "master" {
			return rueidis.NewErrorResult(errReplica)
		}
		return answers[1]
	})
	if err != nil {
		return nil, 0, err
	}
	entry, err := answer.AsScanEntry()
	if err != nil || len(entry.Elements) == 0 {
		return nil, entry.Cursor, err
	}
	gets := make(rueidis.Commands, len(entry.Elements))
	for i, key := range entry.Elements {
		gets[i] = node.B().Getex().Key(key).Build()
	}
	rows := make([]rueidis.RedisResult, 0, len(gets))
	_, err = s.ask(ctx, "scan", func(ctx context.Context) rueidis.RedisResult {
		rows = node.DoMulti(ctx, gets...)
		return rows[0]
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, 0, err
	}
	for i, key := range entry.Elements {
		row, err := rows[i].ToString()
		if rueidis.IsRedisNil(err) { // deleted meanwhile
			continue
		}
		if _, ok := pointer(row); ok {
			continue
		}
		_, suffix, _ := strings.Cut(key, "}:d:")
		d, err2 := digest(suffix)
		c, err3 := decode(d, row)
		if err := errors.Join(err, err2, err3); err != nil {
			return nil, 0, err
		}
		page = append(page, c)
	}
	return page, entry.Cursor, nil
}

// globEscaper escapes the special characters in a pattern of SCAN.
var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)
