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

// exampleCredential returns a token of ada's, of a day.
func exampleCredential(id string, created time.Time) *store.Credential {
	return &store.Credential{
		ID:        id,
		Kind:      store.KindToken,
		Digest:    sha256.Sum256([]byte(id)), // in the place of its plaintext
		Subject:   "ada",
		Family:    id,
		CreatedAt: created,
		ExpiresAt: created.Add(24 * time.Hour),
	}
}

// exampleStore returns a store with those tokens, each a minute younger than the
// one before.
func exampleStore(ids ...string) *store.Memory {
	st := store.NewMemory()
	for i, id := range ids {
		at := time.Date(2026, 11, 2, 9, i, 0, 0, time.UTC)
		if err := st.Insert(context.Background(), exampleCredential(id, at), 0); err != nil {
			log.Fatal(err)
		}
	}
	return st
}

var exampleNow = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// It is empty, and gone with the process.
func ExampleNewMemory() {
	_, err := store.NewMemory().Get(context.Background(), "7QZT3NLE")
	fmt.Println(errors.Is(err, store.ErrNotFound))
	// Output: true
}

// An account may hold two; and no ID or digest is there twice.
func ExampleMemory_Insert() {
	ctx := context.Background()
	st := exampleStore("A", "B")
	fmt.Println(st.Insert(ctx, exampleCredential("C", exampleNow), 2))
	fmt.Println(st.Insert(ctx, exampleCredential("A", exampleNow), 0))
	// Output:
	// store: limit of active credentials reached
	// store: credential exists
}

// A list by pages, newest first.
func ExampleMemory_List() {
	st := exampleStore("A", "B", "C")
	for before := ""; ; {
		page, err := st.List(context.Background(), store.Filter{Subject: "ada", Limit: 2, Before: before})
		if err != nil {
			log.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		var ids []string
		for _, c := range page {
			ids = append(ids, c.ID)
		}
		fmt.Println(ids)
		before = page[len(page)-1].ID
	}
	// Output:
	// [C B]
	// [A]
}

// Of several callers one wins. The old one ends at until, and not before.
func ExampleMemory_Rotate() {
	ctx := context.Background()
	st := exampleStore("A")
	until := exampleNow.Add(time.Minute)
	fmt.Println(st.Rotate(ctx, "A", until, exampleCredential("B", exampleNow)))
	fmt.Println(st.Rotate(ctx, "A", until, exampleCredential("C", exampleNow)))

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

// All of an account's but the one in use. Revoking again changes nothing.
func ExampleMemory_Revoke() {
	st := exampleStore("A", "B", "C")
	for range 2 {
		digests, err := st.Revoke(context.Background(), store.Filter{Subject: "ada", Except: "B"}, exampleNow)
		fmt.Println(len(digests), err)
	}
	// Output:
	// 2 <nil>
	// 0 <nil>
}

// A host calls Prune now and then: here for what ended a month ago.
func ExampleMemory_Prune() {
	ctx := context.Background()
	st := exampleStore("A", "B")
	fmt.Println(st.Prune(ctx, exampleNow.AddDate(0, 0, -30)))
	fmt.Println(st.Prune(ctx, exampleNow.AddDate(1, 0, 0)))
	// Output:
	// 0 <nil>
	// 2 <nil>
}

// A credential is valid before its ExpiresAt, and no longer at it.
func ExampleCredential_Active() {
	c := exampleCredential("A", exampleNow)
	fmt.Println(c.Active(c.ExpiresAt.Add(-1)), c.Active(c.ExpiresAt))
	// Output: true false
}

// What a store returns is shared: change a copy.
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

// A store that has no query language checks and matches with these.
func ExampleFilter_Match() {
	f := store.Filter{Subject: "ada", Kind: store.KindToken}
	if err := f.Validate(); err != nil {
		log.Fatal(err)
	}
	c := exampleCredential("A", exampleNow)
	fmt.Println(f.Match(c, exampleNow))
	c.Subject = "grace"
	fmt.Println(f.Match(c, exampleNow))
	// Output:
	// true
	// false
}

// A credential of another kind is not found, whatever its digest.
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

// The last use is never set back, by a process that is late for instance.
func ExampleMemory_Touch() {
	ctx := context.Background()
	st := exampleStore("A")
	for _, at := range []time.Time{exampleNow, exampleNow.Add(-time.Hour)} {
		if err := st.Touch(ctx, "A", at); err != nil {
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
