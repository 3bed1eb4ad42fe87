package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/keystile/keystile/store"
)

// exampleCredential returns a token that belongs to ada and is valid for a day.
func exampleCredential(id string, created time.Time) *store.Credential {
	return &store.Credential{
		ID:        id,
		Kind:      store.KindToken,
		Digest:    sha256.Sum256([]byte(id)), // in an application, of the plaintext
		Subject:   "ada",
		Family:    id,
		CreatedAt: created,
		ExpiresAt: created.Add(24 * time.Hour),
	}
}

// exampleStore returns a store with these tokens. Each was created a minute after
// the previous one.
func exampleStore(ids ...string) *store.Memory {
	st := store.NewMemory()
	for i, id := range ids {
		at := time.Date(2026, 11, 2, 9, i, 0, 0, time.UTC)
		if _, err := st.Insert(context.Background(), exampleCredential(id, at), store.Limits{}); err != nil {
			log.Fatal(err)
		}
	}
	return st
}

var exampleNow = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// A new Memory is empty. Its credentials are lost when the process ends.
func ExampleNewMemory() {
	_, err := store.NewMemory().Get(context.Background(), "7QZT3NLE")
	fmt.Println(errors.Is(err, store.ErrNotFound))
	// Output: true
}

// An account may hold two tokens. With EndOldest it can always get another one, and
// its oldest token is revoked.
func ExampleMemory_Insert() {
	ctx := context.Background()
	st := exampleStore("A", "B")
	_, err := st.Insert(ctx, exampleCredential("C", exampleNow), store.Limits{Active: 2})
	fmt.Println(err)
	_, err = st.Insert(ctx, exampleCredential("A", exampleNow), store.Limits{})
	fmt.Println(err)
	ended, err := st.Insert(ctx, exampleCredential("D", exampleNow), store.Limits{Active: 2, EndOldest: true})
	fmt.Println(len(ended), err)
	// Output:
	// store: limit of credentials reached
	// store: credential exists
	// 1 <nil>
}

// List returns pages, newest first.
func ExampleMemory_List() {
	st := exampleStore("A", "B", "C")
	q := store.Query{Kind: store.KindToken, Subject: "ada", Limit: 2}
	for more := true; more; more = q.After != "" {
		page, next, err := st.List(context.Background(), q)
		if err != nil {
			log.Fatal(err)
		}
		var ids []string
		for _, c := range page {
			ids = append(ids, c.ID)
		}
		fmt.Println(ids)
		q.After = next
	}
	// Output:
	// [C B]
	// [A]
}

// Only one of several callers can rotate a token. The old token ends at until, not
// before.
func ExampleMemory_Rotate() {
	ctx := context.Background()
	st := exampleStore("A")
	until := exampleNow.Add(time.Minute)
	fmt.Println(st.Rotate(ctx, "A", until, exampleCredential("B", exampleNow), store.Limits{}))
	fmt.Println(st.Rotate(ctx, "A", until, exampleCredential("C", exampleNow), store.Limits{}))

	old, err := st.Get(ctx, "A")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(old.Active(exampleNow), old.Active(until))
	// Output:
	// <nil>
	// store: credential is no longer current
	// true false
}

// Revoke all tokens of an account but the one in use. Revoking again changes
// nothing.
func ExampleMemory_Revoke() {
	st := exampleStore("A", "B", "C")
	for range 2 {
		digests, err := st.Revoke(context.Background(), store.Filter{Subject: "ada", Except: []string{"B"}}, exampleNow)
		fmt.Println(len(digests), err)
	}
	// Output:
	// 2 <nil>
	// 0 <nil>
}

// Your application calls Prune regularly, and keeps rotated credentials longer.
func ExampleMemory_Prune() {
	ctx := context.Background()
	st := exampleStore("A", "B")
	for _, now := range []time.Time{exampleNow, exampleNow.AddDate(1, 0, 0)} {
		fmt.Println(st.Prune(ctx, store.PruneBefore{Ended: now.AddDate(0, 0, -1), Rotated: now.AddDate(0, 0, -30)}))
	}
	// Output:
	// 0 <nil>
	// 2 <nil>
}

// At its ExpiresAt a credential is no longer valid.
func ExampleCredential_Active() {
	c := exampleCredential("A", exampleNow)
	fmt.Println(c.Active(c.ExpiresAt.Add(-1)), c.Active(c.ExpiresAt))
	// Output: true false
}

// Credentials that a store returned are shared: change a copy.
func ExampleCredential_Clone() {
	c := exampleCredential("A", exampleNow)
	c.Scopes = []string{"reports:read"}
	mine := c.Clone()
	mine.Scopes[0] = "reports:write"
	fmt.Println(c.Scopes, mine.Scopes)
	// Output: [reports:read] [reports:write]
}

// Neither logs nor JSON show a digest.
func ExampleDigest() {
	c := exampleCredential("A", exampleNow)
	inJSON, err := json.Marshal(map[string]store.Digest{"digest": c.Digest})
	fmt.Println(c.Digest, string(inJSON), err)
	// Output: [digest] {"digest":"[digest]"} <nil>
}

// A store without a query language can use Validate and Match.
func ExampleFilter_Match() {
	f := store.Filter{Subject: "ada", Kind: store.KindToken}
	if err := f.Validate(); err != nil {
		log.Fatal(err)
	}
	c := exampleCredential("A", exampleNow)
	fmt.Println(f.Match(c))
	c.Subject = "grace"
	fmt.Println(f.Match(c))
	// Output:
	// true
	// false
}

// Find does not return a credential of another kind, even if the digest matches.
func ExampleMemory_Find() {
	ctx := context.Background()
	st := exampleStore("A")
	digest := exampleCredential("A", exampleNow).Digest
	c, err := st.Find(ctx, store.KindToken, digest)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.ID)
	_, err = st.Find(ctx, store.KindSecret, digest)
	fmt.Println(err)
	// Output:
	// A
	// store: credential not found
}

// Touch never sets LastUsedAt back, for example if a process reports a use late.
func ExampleMemory_Touch() {
	ctx := context.Background()
	st := exampleStore("A")
	for _, at := range []time.Time{exampleNow, exampleNow.Add(-time.Hour)} {
		if err := st.Touch(ctx, []store.Use{{ID: "A", At: at}}); err != nil {
			log.Fatal(err)
		}
		c, err := st.Get(ctx, "A")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c.LastUsedAt.Format(time.TimeOnly))
	}
	// Output:
	// 12:00:00
	// 12:00:00
}
