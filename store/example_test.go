package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/keystile/keystile/store"
)

// The life of a credential, as the packages that issue and authenticate see it.
func Example() {
	ctx := context.Background()
	st := store.NewMemory()

	// Issue: send the plaintext to its owner and store its digest.
	digest := store.Digest(sha256.Sum256([]byte("pat_8sJ0rYw2...")))
	now := time.Now()
	c := &store.Credential{
		ID:        "7QZT3NLE",
		Kind:      store.KindToken,
		Digest:    digest,
		Subject:   "ada",
		Name:      "ci",
		Scopes:    []string{"reports:read"},
		Family:    "7QZT3NLE",
		CreatedAt: now,
		ExpiresAt: now.Add(24 * time.Hour),
	}
	if _, err := st.Insert(ctx, c, store.Limits{Active: 10}); err != nil {
		log.Fatal(err)
	}

	// Authenticate: three outcomes, never two.
	switch found, err := st.Find(ctx, store.KindToken, digest); {
	case errors.Is(err, store.ErrNotFound):
		fmt.Println("401: unknown")
	case err != nil:
		fmt.Println("503: could not tell")
	default:
		fmt.Println(found.Subject, found.Scopes, found.Active(time.Now()), found.Digest)
	}

	// Sign out everywhere.
	digests, err := st.Revoke(ctx, store.Filter{Subject: "ada"}, time.Now())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("revoked:", len(digests))

	found, err := st.Find(ctx, store.KindToken, digest)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found.Subject, found.Scopes, found.Active(time.Now()), found.Digest)

	// Output:
	// ada [reports:read] true [digest]
	// revoked: 1
	// ada [reports:read] false [digest]
}

// A replica looks credentials up in a table that another service fills.
type replica map[store.Digest]*store.Credential

func (r replica) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	if c, ok := r[d]; ok && c.Kind == k {
		return c, nil
	}
	return nil, store.ErrNotFound
}

func ExampleFindOnly() {
	ctx := context.Background()
	digest := store.Digest(sha256.Sum256([]byte("pat_8sJ0rYw2...")))
	st := store.FindOnly(replica{digest: {ID: "7QZT3NLE", Kind: store.KindToken, Subject: "ada"}})

	c, err := st.Find(ctx, store.KindToken, digest)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Subject)

	_, err = st.Find(ctx, store.KindSecret, digest)
	fmt.Println(err)

	_, err = st.Revoke(ctx, store.Filter{Subject: "ada"}, time.Now())
	fmt.Println(errors.Is(err, errors.ErrUnsupported))

	// Output:
	// ada
	// store: credential not found
	// true
}
