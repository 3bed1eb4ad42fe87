package store

import (
	"context"
	"errors"
	"time"
)

// FindOnly makes a [Store] of f for a service that verifies credentials and
// does not manage them: one on a read replica, or on a table that another
// service fills. Every method but Find returns [errors.ErrUnsupported]. It is no
// [Watcher], even if f is one.
//
// It panics if f is nil.
func FindOnly(f Finder) Store {
	if f == nil {
		panic("store: FindOnly: nil Finder")
	}
	return findOnly{f}
}

type findOnly struct{ Finder }

func (findOnly) Get(context.Context, string) (*Credential, error) {
	return nil, errors.ErrUnsupported
}

func (findOnly) Insert(context.Context, *Credential, int) error {
	return errors.ErrUnsupported
}

func (findOnly) List(context.Context, Filter) ([]*Credential, error) {
	return nil, errors.ErrUnsupported
}

func (findOnly) Revoke(context.Context, Filter, time.Time) ([]Digest, error) {
	return nil, errors.ErrUnsupported
}

func (findOnly) Rotate(context.Context, string, time.Time, *Credential) error {
	return errors.ErrUnsupported
}

func (findOnly) Touch(context.Context, string, time.Time) error {
	return errors.ErrUnsupported
}

func (findOnly) Prune(context.Context, time.Time) (int, error) {
	return 0, errors.ErrUnsupported
}
