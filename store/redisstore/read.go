package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/store"
)

// Find implements [store.Finder]. It sends one GETEX for a credential whose digest
// fits, see [Store.FitsDigest], and two for any other.
func (s *Store) Find(ctx context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
	row, err := s.value(ctx, "find", s.digestKey(partitionOfDigest(d), d))
	if err == nil {
		if partition, ok := pointer(row); ok {
			row, err = s.value(ctx, "find", s.digestKey(partition, d))
		}
	}
	if err != nil {
		return nil, err
	}
	c, err := decode(d, row)
	if err != nil {
		return nil, fmt.Errorf("redisstore: find: %w", err)
	}
	if c.Kind != k {
		return nil, store.ErrNotFound
	}
	return c, nil
}

func (s *Store) value(ctx context.Context, what, key string) (string, error) {
	answer, err := s.lookup(ctx, what, key)
	if err != nil {
		return "", err
	}
	return answer.ToString()
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, id string) (*store.Credential, error) {
	answer, err := s.run(ctx, s.get, partitionOf(id), id)
	if err != nil {
		return nil, err
	}
	return one("get", answer)
}

func one(what string, answer rueidis.RedisMessage) (*store.Credential, error) {
	found, err := answer.AsStrSlice()
	if err == nil && len(found) != 2 {
		err = errDamaged
	}
	var cs []*store.Credential
	if err == nil {
		cs, err = credentials(found)
	}
	if err != nil {
		return nil, fmt.Errorf("redisstore: %s: %w", what, err)
	}
	return cs[0], nil
}

const (
	listStep = 500  // how many rows one script returns at most
	liveStep = 1000 // how many live credentials one script reads at most
)

// List implements [store.Store]. Each step is a script that returns at most 500 rows.
// With q.Active, each step reads at most 1000 live credentials of the account.
func (s *Store) List(ctx context.Context, q store.Query) ([]*store.Credential, store.Cursor, error) {
	if err := q.Validate(); err != nil {
		return nil, "", err
	}
	before := ""
	if q.After != "" {
		created, id, _ := q.After.Position() // Validate has checked it
		b, err := appendTime(nil, created)
		if err != nil {
			return nil, "", fmt.Errorf("redisstore: Query.After: %w", err)
		}
		before = string(b) + ":" + id
	}
	limit := cmp.Or(q.Limit, store.DefaultLimit)
	page := s.history
	if q.Active {
		page = s.active
	}
	found, err := page(ctx, q, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(found) <= limit {
		return found, "", nil
	}
	return found[:limit], store.NewCursor(found[limit-1]), nil
}

// history returns at most limit rows before a position in the order CREATED:ID.
func (s *Store) history(ctx context.Context, q store.Query, before string, limit int) (found []*store.Credential, err error) {
	for len(found) < limit {
		n := min(limit-len(found), listStep)
		rows, err := s.rows(ctx, s.list, q.Subject, string(q.Kind), q.ClientID, q.Subject, before, strconv.Itoa(n))
		if err != nil {
			return nil, err
		}
		cs, err := credentials(rows)
		if err != nil {
			return nil, fmt.Errorf("redisstore: list: %w", err)
		}
		found = append(found, cs...)
		if len(cs) < n {
			break
		}
		last := cs[n-1]
		created, _ := appendTime(nil, last.CreatedAt) // no error, because decode accepted it
		before = string(created) + ":" + last.ID
	}
	return found, nil
}

// active returns at most limit rows that are active now.
func (s *Store) active(ctx context.Context, q store.Query, before string, limit int) (found []*store.Credential, err error) {
	now, err := appendTime(nil, time.Now())
	if err != nil {
		return nil, fmt.Errorf("redisstore: the clock: %w", err)
	}
	anyClient := ""
	if q.ClientID == store.AnyClient {
		anyClient = "1"
	}
	for from, more := "", true; more; more = from != "" {
		rows, err := s.rows(ctx, s.live, q.Subject, string(q.Kind), q.ClientID, anyClient, q.Subject, before,
			strconv.Itoa(limit), string(now), from, strconv.Itoa(liveStep))
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return nil, fmt.Errorf("redisstore: list: %w", errDamaged)
		}
		from = rows[0]
		cs, err := credentials(rows[1:])
		if err != nil {
			return nil, fmt.Errorf("redisstore: list: %w", err)
		}
		found = append(found, cs...)
		slices.SortFunc(found, func(a, b *store.Credential) int {
			return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
		})
		found = found[:min(len(found), limit)]
	}
	return found, nil
}

// rows runs a script that returns strings, in the partition of a subject.
func (s *Store) rows(ctx context.Context, sc script, subject string, args ...string) ([]string, error) {
	answer, err := s.run(ctx, sc, partitionOf(subject), args...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("redisstore: %s: %w", sc.name, errDamaged)
	}
	if err != nil {
		return nil, err
	}
	rows, err := answer.AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("redisstore: %s: %w", sc.name, err)
	}
	return rows, nil
}

// credentials decodes pairs of a digest and a row.
func credentials(pairs []string) ([]*store.Credential, error) {
	found := make([]*store.Credential, 0, len(pairs)/2)
	for ; len(pairs) > 1; pairs = pairs[2:] {
		d, err := digest(pairs[0])
		if err != nil {
			return nil, err
		}
		c, err := decode(d, pairs[1])
		if err != nil {
			return nil, err
		}
		found = append(found, c)
	}
	return found, nil
}

func digest(b string) (d store.Digest, err error) {
	if len(b) != len(d) {
		return d, fmt.Errorf("a digest of %d bytes", len(b))
	}
	copy(d[:], b)
	return d, nil
}

func digests(bs []string) ([]store.Digest, error) {
	ds := make([]store.Digest, len(bs))
	for i, b := range bs {
		var err error
		if ds[i], err = digest(b); err != nil {
			return nil, err
		}
	}
	return ds, nil
}
