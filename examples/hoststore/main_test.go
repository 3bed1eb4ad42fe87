package main

import (
	"path/filepath"
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		db, err := open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return accessKeys{db}
	})
}
