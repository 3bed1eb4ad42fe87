package credential

import (
	"context"
	"fmt"
	"time"

	"github.com/keystile/keystile/store"
)

// Unmade returns the Manager of a value that the New of its package has not
// made: the zero one, or a nil pointer. It never says that a credential is
// invalid. Whatever needs a store fails as in an outage, and names the mistake.
func Unmade(pkg, what string, kind store.Kind) *Manager {
	mistake := unmade{fmt.Errorf("the %s were not made by New", what)}
	m, _ := New(Config{Package: pkg, Kind: kind, Lifetime: MinLifetime, Store: mistake, Prefix: "unmade", AcceptImported: true})
	m.unmade = mistake.error
	return m
}

// unmade is a store that fails.
type unmade struct{ error }

func (u unmade) Find(context.Context, store.Kind, store.Digest) (*store.Credential, error) {
	return nil, u.error
}

func (u unmade) Get(context.Context, string) (*store.Credential, error) { return nil, u.error }

func (u unmade) Insert(context.Context, *store.Credential, store.Limits) ([]store.Digest, error) {
	return nil, u.error
}

func (u unmade) List(context.Context, store.Query) ([]*store.Credential, store.Cursor, error) {
	return nil, "", u.error
}

func (u unmade) Update(context.Context, string, store.Changes) (*store.Credential, error) {
	return nil, u.error
}

func (u unmade) Rotate(context.Context, string, time.Time, *store.Credential, store.Limits) error {
	return u.error
}

func (u unmade) Revoke(context.Context, store.Filter, time.Time) ([]store.Digest, error) {
	return nil, u.error
}

func (u unmade) Touch(context.Context, []store.Use) error { return u.error }

func (u unmade) Prune(context.Context, store.PruneBefore) (int, error) { return 0, u.error }

func (u unmade) Erase(context.Context, string) (int, error) { return 0, u.error }
