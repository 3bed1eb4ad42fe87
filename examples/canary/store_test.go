package canary

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/keystile/keystile/store"
)

// A tapped store tells of all that it is given and answers, as the careless
// wrapper of a host might, and fails where it is told to.
type tapped struct {
	store.Store
	out  *output
	fail atomic.Pointer[fault]
}

// A fault is what a tapped store does before an operation, which is then left
// out if it returns an error.
type fault func(op string, given []any) error

var errDown = errors.New("canary: no connection")

// wraps fails with an error that has all that the operation was given.
func wraps(op string, given []any) error {
	return fmt.Errorf("%s %+v %v: %w", op, given, given, errDown)
}

func (s *tapped) panics(op string, given []any) error {
	s.out.stack()
	panic(fmt.Sprintf("%s %+v %#v %s", op, given, given, given))
}

// do does an operation, and tells of it before and after.
func do[T any](s *tapped, op string, f func() (T, error), given ...any) (T, error) {
	s.out.tell("values", given...)
	slog.Debug(op, "given", given)
	if fail := s.fail.Load(); fail != nil {
		if err := (*fail)(op, given); err != nil {
			var none T
			return none, err
		}
	}
	got, err := f()
	s.out.tell("values", got)
	slog.Debug(op, "got", got, "err", err)
	s.out.failed(err)
	return got, err
}

func none(err error) (struct{}, error) { return struct{}{}, err }

func (s *tapped) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	return do(s, "find", func() (*store.Credential, error) { return s.Store.Find(ctx, k, d) }, k, d)
}

func (s *tapped) Get(ctx context.Context, id string) (*store.Credential, error) {
	return do(s, "get", func() (*store.Credential, error) { return s.Store.Get(ctx, id) }, id)
}

func (s *tapped) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	return do(s, "insert", func() ([]store.Digest, error) { return s.Store.Insert(ctx, c, l) }, c, *c, l)
}

func (s *tapped) List(ctx context.Context, q store.Query) (page []*store.Credential, next store.Cursor, err error) {
	page, err = do(s, "list", func() (_ []*store.Credential, err error) {
		page, next, err = s.Store.List(ctx, q)
		return page, err
	}, q)
	return page, next, err
}

func (s *tapped) Update(ctx context.Context, id string, ch store.Changes) (*store.Credential, error) {
	return do(s, "update", func() (*store.Credential, error) { return s.Store.Update(ctx, id, ch) }, id, ch)
}

func (s *tapped) Revoke(ctx context.Context, f store.Filter, at time.Time) ([]store.Digest, error) {
	return do(s, "revoke", func() ([]store.Digest, error) { return s.Store.Revoke(ctx, f, at) }, f, at)
}

func (s *tapped) Rotate(ctx context.Context, id string, until time.Time, next *store.Credential, l store.Limits) error {
	_, err := do(s, "rotate", func() (struct{}, error) { return none(s.Store.Rotate(ctx, id, until, next, l)) }, id, until, next, *next, l)
	return err
}

func (s *tapped) Touch(ctx context.Context, uses []store.Use) error {
	_, err := do(s, "touch", func() (struct{}, error) { return none(s.Store.Touch(ctx, uses)) }, uses)
	return err
}

func (s *tapped) Prune(ctx context.Context, before store.PruneBefore) (int, error) {
	return do(s, "prune", func() (int, error) { return s.Store.Prune(ctx, before) }, before)
}

func (s *tapped) Erase(ctx context.Context, subject string) (int, error) {
	return do(s, "erase", func() (int, error) { return s.Store.Erase(ctx, subject) }, subject)
}
