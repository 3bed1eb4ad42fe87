package store

import (
	"context"
	"errors"
	"time"
)

// FindOnly returns a [Store] whose Find is that of f. It is for a service that
// verifies credentials but does not manage them, for example in a table that
// another service fills. Every other method returns [errors.ErrUnsupported]. The
// Store implements none of the optional interfaces, even if f does.
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

func (findOnly) Insert(context.Context, *Credential, Limits) ([]Digest, error) {
	return nil, errors.ErrUnsupported
}

func (findOnly) List(context.Context, Query) ([]*Credential, Cursor, error) {
	return nil, "", errors.ErrUnsupported
}

func (findOnly) Update(context.Context, string, Changes) (*Credential, error) {
	return nil, errors.ErrUnsupported
}

func (findOnly) Rotate(context.Context, string, time.Time, *Credential, Limits) error {
	return errors.ErrUnsupported
}

func (findOnly) Revoke(context.Context, Filter, time.Time) ([]Digest, error) {
	return nil, errors.ErrUnsupported
}

func (findOnly) Touch(context.Context, []Use) error { return errors.ErrUnsupported }

func (findOnly) Prune(context.Context, PruneBefore) (int, error) { return 0, errors.ErrUnsupported }

func (findOnly) Erase(context.Context, string) (int, error) { return 0, errors.ErrUnsupported }
