package sqlite_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/service"
)

// R1: when one store on a file revokes a credential, another store refuses it at
// once.
func TestRevokedByAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.db")
	a, b := service.Start(t, open(t, path)), service.Start(t, open(t, path))
	for range 20 {
		plaintext, c := a.Issue(t)
		if status := b.Status(t, plaintext); status != http.StatusOK {
			t.Fatalf("issued by the other: status %d", status)
		}
		if err := a.Tokens.Revoke(t.Context(), "ada", c.ID); err != nil {
			t.Fatal(err)
		}
		if status := b.Status(t, plaintext); status != http.StatusUnauthorized {
			t.Fatalf("revoked by the other: status %d", status)
		}
	}
}

// R3 R10: writers of several stores wait for each other, and none fails.
func TestWritersWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.db")
	var group sync.WaitGroup
	for s := range 2 {
		st := open(t, path)
		for w := range 3 {
			group.Go(func() {
				for i := range 5 {
					c := credential(fmt.Sprint(s, " ", w, " ", i))
					next := credential(c.ID + " next")
					insert(t, st, c)
					if err := errors.Join(st.Touch(t.Context(), []store.Use{{ID: c.ID, At: epoch}}), st.Rotate(t.Context(), c.ID, epoch, next, store.Limits{})); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	group.Wait()
}

// A reader does not wait for a writer.
func TestReadersDoNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials.db")
	st := open(t, path)
	insert(t, st, credential("there"))
	release := hold(t, path)
	start := time.Now()
	if _, err := st.Find(t.Context(), store.KindToken, credential("there").Digest); err != nil {
		t.Error(err)
	}
	written := make(chan error, 1)
	go func() { written <- st.Touch(t.Context(), []store.Use{{ID: "there", At: epoch}}) }()
	for range 100 {
		if _, err := st.Get(t.Context(), "there"); err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("reading took %v", took)
	}
	select {
	case err := <-written:
		t.Errorf("written while another process writes: %v", err)
	default:
	}
	release()
	if err := <-written; err != nil {
		t.Error(err)
	}
	if c, err := st.Get(t.Context(), "there"); err != nil || !c.LastUsedAt.Equal(epoch) {
		t.Errorf("afterwards %+v, %v", c, err)
	}
}
