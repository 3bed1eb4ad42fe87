//go:build !race

package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/suite"
)

// S3 E4 B9: while 40 goroutines list pages of an account with 200 000 ended
// credentials, each Find and each List returns an answer or an outage by its
// deadline.
func TestDeadlineWhileListing(t *testing.T) {
	const (
		deadline = 50 * time.Millisecond
		slack    = time.Second // for a busy machine; a call that waits for lists takes two seconds
	)
	path := filepath.Join(t.TempDir(), "credentials.db")
	st := open(t, path)
	filledAt(t, path)
	ctx, stop := context.WithCancel(t.Context())
	var lists sync.WaitGroup
	started := make(chan struct{}, 40)
	for range 40 {
		lists.Go(func() {
			first := true
			for ctx.Err() == nil {
				q := suite.Tokens
				q.Limit = 1000
				if _, _, err := st.List(ctx, q); err != nil && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if first {
					started <- struct{}{}
				}
				first = false
			}
		})
	}
	for range 5 { // the lists are in progress
		<-started
	}
	var d store.Digest
	copy(d[:], fmt.Sprintf("ada%029d", 7))
	answered := 0
	for name, call := range map[string]func(ctx context.Context) error{
		"Find": func(ctx context.Context) error { _, err := st.Find(ctx, store.KindToken, d); return err },
		"List": func(ctx context.Context) error { _, _, err := st.List(ctx, suite.Tokens); return err },
	} {
		for range 20 {
			within, cancel := context.WithTimeout(ctx, deadline)
			start := time.Now()
			err := call(within)
			took := time.Since(start)
			cancel()
			if took > deadline+slack {
				t.Errorf("%s took %v with a deadline of %v", name, took, deadline)
			}
			switch {
			case err == nil && name == "Find":
				answered++
			case err != nil && !errors.Is(err, context.DeadlineExceeded):
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if answered == 0 {
		t.Error("no lookup was answered: they wait for lists")
	}
	stop()
	lists.Wait()
}

// S3: a call that writes waits no longer than its context, for a transaction of this
// process or another or for the connection.
func TestDeadlineWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.db")
	st := open(t, path)
	insert(t, st, credential("there"))
	for holder, begin := range map[string]func() (release func()){
		"this process": func() func() {
			tx, err := st.DB().BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return func() { tx.Rollback() }
		},
		"another process": func() func() { return hold(t, path) },
	} {
		release := begin()
		for name, call := range suite.Calls(st.Store) {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			start := time.Now()
			err := call(ctx)
			cancel()
			if took := time.Since(start); took > 500*time.Millisecond {
				t.Errorf("%s while %s writes took %v", name, holder, took)
			}
			if suite.Reads[name] != (err == nil) || err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s while %s writes: %v", name, holder, err)
			}
		}
		release()
	}
}
