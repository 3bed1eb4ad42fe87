package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

// claimTime is how long a claim lasts, which is far longer than an Insert takes.
const claimTime = time.Minute

// A claim reserves the digest and the ID of a credential that does not fit its
// subject. It sets pointers in the partitions where the digest and the ID are looked
// up. SET NX lets only one of several callers set them.
//
// A claim expires, so that an Insert that fails midway does not reserve the digest
// for ever. It becomes permanent after the row was stored. Until then Find follows
// the pointer to nothing, which is correct, because the Insert has not returned. If
// the Insert fails, the row cannot be found.
//
// While a claim lasts, another Insert of the same digest or ID returns
// store.ErrExists, even if the first one fails in the end. So of two Inserts both may
// fail, but never do both succeed.
//
// A permanent pointer that leads nowhere is left from a deleted row.
//
// An Insert whose outcome is unknown may have stored the row without keeping the
// claim. The next Insert of the same digest or ID for the same account is refused,
// and repairs the pointers, see repair.
type claim struct {
	store    *Store
	pointers []lead // that this claim has set
}

// A lead is one pointer of a claim.
type lead struct {
	partition byte
	key       string
	value     string
	target    string // the key of the row or the ID, in the partition to which value points
}

// A pointer is "P", the partition to which it points, and 8 random bytes, so that no
// two pointers are equal.
const pointerLen = 10

func newPointer(to byte) string {
	b := [pointerLen]byte{'P', to}
	rand.Read(b[2:])
	return string(b[:])
}

// pointer returns the partition to which a value points, if it is a pointer.
func pointer(value string) (to byte, ok bool) {
	if len(value) != pointerLen || value[0] != 'P' {
		return 0, false
	}
	return value[1], true
}

// claim sets the pointers that c needs, or returns store.ErrExists.
func (s *Store) claim(ctx context.Context, c *store.Credential) (*claim, error) {
	cl := &claim{store: s}
	for _, l := range s.leads(c) {
		err := s.claimKey(ctx, l)
		if errors.Is(err, store.ErrExists) && s.dropStale(ctx, c) == nil {
			err = s.claimKey(ctx, l)
		}
		if err != nil {
			cl.release(ctx)
			return nil, err
		}
		cl.pointers = append(cl.pointers, l)
	}
	return cl, nil
}

// leads returns the pointers that c needs: none if it fits.
func (s *Store) leads(c *store.Credential) (leads []lead) {
	home := partitionOf(c.Subject)
	if p := partitionOfDigest(c.Digest); p != home {
		leads = append(leads, lead{p, s.digestKey(p, c.Digest), newPointer(home), s.digestKey(home, c.Digest)})
	}
	if p := partitionOf(c.ID); p != home {
		leads = append(leads, lead{p, s.idKey(p, c.ID), newPointer(home), s.idKey(home, c.ID)})
	}
	return leads
}

func (s *Store) claimKey(ctx context.Context, l lead) error {
	_, err := s.ask(ctx, "claim", func(ctx context.Context) rueidis.RedisResult {
		return s.client.Do(ctx, s.client.B().Set().Key(l.key).Value(l.value).Nx().Px(claimTime).Build())
	})
	if errors.Is(err, store.ErrNotFound) { // not set
		return store.ErrExists
	}
	return err
}

// keep makes the claim permanent, and waits for [Config.Replicas] replicas.
func (cl *claim) keep(ctx context.Context) error {
	for _, l := range cl.pointers {
		if err := cl.store.keepPointer(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) keepPointer(ctx context.Context, l lead) error {
	answer, err := s.runAcknowledged(ctx, s.keep, l.partition, l.key, l.value)
	if err != nil {
		return err
	}
	if n, err := answer.AsInt64(); err != nil || n != 1 {
		return errors.New("redisstore: claim: expired before the credential was stored")
	}
	return nil
}

// repair is called if the row was refused because its account already has one with
// this digest or ID. The Insert of that row may have lost its pointers, so repair
// keeps pointers to that row, and releases the others.
func (cl *claim) repair(ctx context.Context) error {
	var errs []error
	for _, l := range cl.pointers {
		_, err := cl.store.value(ctx, "claim", l.target)
		switch {
		case err == nil:
			err = cl.store.keepPointer(ctx, l)
		case errors.Is(err, store.ErrNotFound):
			err = cl.store.dropPointer(ctx, l)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// release deletes the pointers of the claim. If that fails, they expire.
func (cl *claim) release(ctx context.Context) {
	for _, l := range cl.pointers {
		cl.store.dropPointer(ctx, l)
	}
}

// dropPointer deletes a pointer unless another claim has replaced it.
func (s *Store) dropPointer(ctx context.Context, l lead) error {
	_, err := s.run(ctx, s.drop, l.partition, l.key, l.value)
	return err
}

// dropStale deletes the pointers to c's digest and ID that are left from a row
// that was deleted. It returns store.ErrNotFound if there are none.
func (s *Store) dropStale(ctx context.Context, c *store.Credential) error {
	none := true
	for _, k := range []struct {
		partition byte
		key       func(byte) string
	}{
		{partitionOfDigest(c.Digest), func(p byte) string { return s.digestKey(p, c.Digest) }},
		{partitionOf(c.ID), func(p byte) string { return s.idKey(p, c.ID) }},
	} {
		key := k.key(k.partition)
		value, err := s.permanent(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		home, ok := pointer(value)
		if !ok {
			continue
		}
		// The row was there before the pointer was permanent.
		if _, err := s.value(ctx, "claim", k.key(home)); err == nil {
			continue
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := s.dropPointer(ctx, lead{partition: k.partition, key: key, value: value}); err != nil {
			return err
		}
		none = false
	}
	if none {
		return store.ErrNotFound
	}
	return nil
}

// permanent returns the value of a key, or "" if it expires.
//
// It reads the value before the expiry. No pointer is set twice, so if dropPointer
// later finds the same value, the expiry that was read was that of this pointer.
func (s *Store) permanent(ctx context.Context, key string) (string, error) {
	value, err := s.value(ctx, "claim", key)
	if err != nil {
		return "", err
	}
	left, err := s.ask(ctx, "claim", func(ctx context.Context) rueidis.RedisResult {
		return s.client.Do(ctx, s.client.B().Pttl().Key(key).Build())
	})
	if err != nil {
		return "", err
	}
	if ms, err := left.AsInt64(); err != nil || ms != -1 {
		return "", err
	}
	return value, nil
}

// place calls write, which stores c, with the claim that c needs.
func (s *Store) place(ctx context.Context, c *store.Credential, write func(ctx context.Context) error) error {
	try := func() error {
		cl, err := s.claim(ctx, c)
		if err != nil {
			return err
		}
		err = write(ctx)
		switch {
		case err == nil:
			return cl.keep(ctx)
		case errors.Is(err, store.ErrExists):
			if failed := cl.repair(ctx); failed != nil {
				return failed
			}
		case isAnswer(err):
			cl.release(ctx)
		}
		return err
	}
	err := try()
	if errors.Is(err, store.ErrExists) && s.dropStale(ctx, c) == nil {
		err = try()
	}
	return err
}

// isAnswer reports whether err is an answer of the store: nothing was stored.
func isAnswer(err error) bool {
	for _, answer := range []error{store.ErrNotFound, store.ErrExists, store.ErrLimit, store.ErrConflict} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}
