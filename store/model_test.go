package store_test

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/store"
)

// A model is a store as plain as can be: it is too slow and too simple to be
// wrong. It follows the contract and shares no code with Memory.
type model map[string]store.Credential // by ID

func (m model) get(id string) (store.Credential, error) {
	if c, ok := m[id]; ok {
		return c, nil
	}
	return store.Credential{}, store.ErrNotFound
}

func (m model) taken(c store.Credential) bool {
	for _, row := range m {
		if row.ID == c.ID || row.Digest == c.Digest {
			return true
		}
	}
	return false
}

func (m model) insert(c store.Credential, limit int) error {
	c = floorTimes(c)
	if m.taken(c) {
		return store.ErrExists
	}
	held := 0
	for _, row := range m {
		if row.Subject == c.Subject && row.Kind == c.Kind && live(row, c.CreatedAt) {
			held++
		}
	}
	if limit > 0 && held >= limit {
		return store.ErrLimit
	}
	m[c.ID] = c
	return nil
}

func (m model) list(f store.Filter, now time.Time) ([]store.Credential, error) {
	last, err := m.get(f.Before)
	if f.Before != "" && err != nil {
		return nil, err
	}
	newestFirst := func(a, b store.Credential) int {
		return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	}
	var found []store.Credential
	for _, c := range m {
		if selects(f, c, now) && (f.Before == "" || newestFirst(last, c) < 0) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, newestFirst)
	if f.Limit == 0 {
		f.Limit = 100
	}
	return found[:min(f.Limit, len(found))], nil
}

func (m model) revoke(f store.Filter, at time.Time) []store.Digest {
	var changed []store.Digest
	for id, c := range m {
		if selects(f, c, at) && c.RevokedAt.IsZero() {
			c.RevokedAt = floor(at)
			m[id] = c
			changed = append(changed, c.Digest)
		}
	}
	return changed
}

func (m model) rotate(id string, until time.Time, next store.Credential) error {
	next, until = floorTimes(next), floor(until)
	old, ok := m[id]
	switch {
	case !ok:
		return store.ErrNotFound
	case !live(old, next.CreatedAt) || !old.RotatedAt.IsZero():
		return store.ErrConflict
	case m.taken(next):
		return store.ErrExists
	}
	old.RotatedAt = next.CreatedAt
	switch {
	case until.IsZero(): // never: no sooner than what it has
	case old.ExpiresAt.IsZero(), until.Before(old.ExpiresAt):
		old.ExpiresAt = until
	}
	m[id], m[next.ID] = old, next
	return nil
}

func (m model) touch(id string, at time.Time) error {
	c, ok := m[id]
	if !ok {
		return store.ErrNotFound
	}
	if at = floor(at); at.After(c.LastUsedAt) {
		c.LastUsedAt = at
		m[id] = c
	}
	return nil
}

func (m model) prune(before time.Time) int {
	past := func(t time.Time) bool { return !t.IsZero() && t.Before(floor(before)) }
	n := 0
	for id, c := range m {
		if past(c.ExpiresAt) || past(c.RevokedAt) {
			delete(m, id)
			n++
		}
	}
	return n
}

func live(c store.Credential, now time.Time) bool {
	return c.RevokedAt.IsZero() && (c.ExpiresAt.IsZero() || c.ExpiresAt.After(now))
}

func selects(f store.Filter, c store.Credential, now time.Time) bool {
	switch {
	case f.Kind != "" && f.Kind != c.Kind,
		f.ID != "" && f.ID != c.ID,
		f.Subject != "" && f.Subject != c.Subject,
		f.Family != "" && f.Family != c.Family,
		f.Parent != "" && f.Parent != c.Parent,
		f.Except != "" && f.Except == c.ID,
		f.Active && !live(c, now):
		return false
	}
	return true
}

func floor(t time.Time) time.Time {
	return t.UTC().Add(-time.Duration(t.Nanosecond() % 1000))
}

func floorTimes(c store.Credential) store.Credential {
	for _, t := range []*time.Time{&c.CreatedAt, &c.ExpiresAt, &c.RotatedAt, &c.RevokedAt, &c.LastUsedAt} {
		*t = floor(*t)
	}
	return c
}

// equal compares rows as they are kept: times by value, in UTC.
func equal(a *store.Credential, b store.Credential) bool {
	return a.ID == b.ID && a.Kind == b.Kind && a.Digest == b.Digest && a.Subject == b.Subject &&
		a.Name == b.Name && slices.Equal(a.Scopes, b.Scopes) && a.Family == b.Family && a.Parent == b.Parent &&
		slices.Equal(a.Networks, b.Networks) && a.CreatedAt == b.CreatedAt && a.ExpiresAt == b.ExpiresAt &&
		a.RotatedAt == b.RotatedAt && a.RevokedAt == b.RevokedAt && a.LastUsedAt == b.LastUsedAt &&
		slices.Equal(a.Data, b.Data)
}

// A chooser makes up calls that get in each other's way: few values, and times
// a few microseconds from now.
type chooser struct {
	*rand.Rand
	ids     [80]string
	digests [80]store.Digest
}

func newChooser(seed uint64) *chooser {
	r := &chooser{Rand: rand.New(rand.NewPCG(seed, 0))}
	for i := range r.ids {
		r.ids[i] = fmt.Sprint("id-", i)
		// Few beginnings, which compete for few slots.
		binary.LittleEndian.PutUint64(r.digests[i][:], uint64(i%25)*64+60)
		r.digests[i][31] = byte(i)
	}
	return r
}

func (r *chooser) one(of ...string) string { return of[r.IntN(len(of))] }

func (r *chooser) id() string           { return r.ids[r.IntN(len(r.ids))] }
func (r *chooser) digest() store.Digest { return r.digests[r.IntN(len(r.digests))] }
func (r *chooser) kind() store.Kind     { return store.Kind(r.one("token", "secret")) }
func (r *chooser) subject() string      { return r.one("ada", "grace", "Ada") }
func (r *chooser) family() string       { return r.one("", "id-1", "id-2", "id-3", "chain") }
func (r *chooser) parent() string       { return r.one("", "", "id-1", "id-4") }

// at returns now or a moment around it, to the nanosecond and in any zone.
func (r *chooser) at() time.Time {
	t := time.Now().Add(time.Duration(r.IntN(41)-20) * 500 * time.Nanosecond)
	return t.In(time.FixedZone("", r.IntN(5)*900))
}

// maybe returns a moment around now, one in the far future, or never.
func (r *chooser) maybe() time.Time {
	switch r.IntN(3) {
	case 0:
		return time.Time{}
	case 1:
		return r.at().AddDate(1, 0, 0)
	}
	return r.at()
}

func (r *chooser) credential() store.Credential {
	c := store.Credential{
		ID: r.id(), Kind: r.kind(), Digest: r.digest(), Subject: r.subject(), Name: r.one("", "ci"),
		Family: r.family(), Parent: r.parent(), CreatedAt: r.at(), ExpiresAt: r.maybe(),
	}
	if r.IntN(2) == 0 {
		c.Scopes = []string{r.one("*", "read"), "write"}
		c.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		c.Data = []byte{0, byte(r.IntN(256))}
	}
	return c
}

func (r *chooser) filter() store.Filter {
	var f store.Filter
	for f.Validate() != nil {
		f = store.Filter{Subject: r.one("", r.subject()), Family: r.one("", "", r.family()), Parent: r.one("", "", r.parent()), ID: r.one("", "", "", r.id())}
	}
	f.Kind = store.Kind(r.one("", "token", "secret"))
	f.Except = r.one("", "", r.id())
	f.Active = r.IntN(2) == 0
	return f
}

// Ten thousand random calls of Memory and the model: the answers are the same,
// and after each call so are all rows. A seed that fails goes on the list.
func TestMemoryAgainstModel(t *testing.T) {
	for _, seed := range []uint64{1, rand.Uint64()} {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { compareWithModel(t, seed) })
		})
	}
}

func compareWithModel(t *testing.T, seed uint64) {
	const steps = 5_000
	r := newChooser(seed)
	ctx, got, want := t.Context(), store.NewMemory(), model{}
	type outcome struct {
		method string
		err    error
	}
	outcomes := make(map[outcome]int)
	for step := range steps {
		time.Sleep(time.Duration(r.IntN(2000)) * time.Nanosecond) // of the bubble: it takes no time
		var method, args string
		var gotErr, wantErr error
		var gotRows []*store.Credential
		var wantRows []store.Credential
		switch n := r.IntN(100); {
		case n < 30:
			c, limit := r.credential(), r.IntN(30)-2
			method, args = "Insert", fmt.Sprintf("(%+v, %d)", c, limit)
			gotErr, wantErr = got.Insert(ctx, &c, limit), want.insert(c, limit)
		case n < 50:
			id, until, next := r.id(), r.maybe(), r.credential()
			method, args = "Rotate", fmt.Sprintf("(%q, %v, %+v)", id, until, next)
			gotErr, wantErr = got.Rotate(ctx, id, until, &next), want.rotate(id, until, next)
		case n < 65:
			id, at := r.id(), r.maybe()
			method, args = "Touch", fmt.Sprintf("(%q, %v)", id, at)
			gotErr, wantErr = got.Touch(ctx, id, at), want.touch(id, at)
		case n < 67:
			f, at := r.filter(), r.at()
			method, args = "Revoke", fmt.Sprintf("(%+v, %v)", f, at)
			var digests []store.Digest
			digests, gotErr = got.Revoke(ctx, f, at)
			if want := want.revoke(f, at); !sameDigests(digests, want) {
				t.Fatalf("step %d: %s%s returned %d digests, want %d, the same", step, method, args, len(digests), len(want))
			}
		case n < 98:
			f, now := r.filter(), time.Now()
			f.Limit, f.Before = r.IntN(7), r.one("", r.id())
			method, args = "List", fmt.Sprintf("(%+v)", f)
			gotRows, gotErr = got.List(ctx, f)
			wantRows, wantErr = want.list(f, now)
		default:
			before := r.at().Add(-20 * time.Microsecond)
			method, args = "Prune", fmt.Sprintf("(%v)", before)
			var n int
			n, gotErr = got.Prune(ctx, before)
			if want := want.prune(before); n != want {
				t.Fatalf("step %d: %s%s = %d, want %d", step, method, args, n, want)
			}
		}
		if gotErr != wantErr && (wantErr == nil || !errors.Is(gotErr, wantErr)) {
			t.Fatalf("step %d: %s%s: error = %v, want %v", step, method, args, gotErr, wantErr)
		}
		if !slices.EqualFunc(gotRows, wantRows, equal) {
			t.Fatalf("step %d: %s%s returned %d rows, want %d, the same", step, method, args, len(gotRows), len(wantRows))
		}
		if err := r.compareRows(got, want); err != nil {
			t.Fatalf("step %d: after %s%s: %v", step, method, args, err)
		}
		outcomes[outcome{method, wantErr}]++
	}
	for _, o := range []outcome{
		{"Insert", nil}, {"Insert", store.ErrExists}, {"Insert", store.ErrLimit},
		{"Rotate", nil}, {"Rotate", store.ErrExists}, {"Rotate", store.ErrConflict}, {"Rotate", store.ErrNotFound},
		{"Touch", nil}, {"Touch", store.ErrNotFound},
		{"List", nil}, {"List", store.ErrNotFound},
		{"Revoke", nil}, {"Prune", nil},
	} {
		if outcomes[o] < 10 {
			t.Errorf("%s: %v: happened %d times: the calls are not varied enough", o.method, o.err, outcomes[o])
		}
	}
}

// compareRows asks for every row that there may be, by every key.
func (r *chooser) compareRows(got *store.Memory, want model) error {
	ctx := context.Background()
	for _, id := range r.ids {
		c, err := got.Get(ctx, id)
		if w, there := want[id]; !same(c, err, w, there) {
			return fmt.Errorf("Get(%q) = %+v, %v, want %+v (%t)", id, c, err, w, there)
		}
	}
	byDigest := make(map[store.Digest]store.Credential)
	for _, w := range want {
		byDigest[w.Digest] = w
	}
	for i, d := range r.digests {
		for _, k := range []store.Kind{"token", "secret"} {
			c, err := got.Find(ctx, k, d)
			if w, there := byDigest[d]; !same(c, err, w, there && w.Kind == k) {
				return fmt.Errorf("Find(%q, digest %d) = %+v, %v, want %+v (%t)", k, i, c, err, w, there)
			}
		}
	}
	return nil
}

// same says whether a row was returned if it is there, and ErrNotFound if not.
func same(c *store.Credential, err error, want store.Credential, there bool) bool {
	if !there {
		return err == store.ErrNotFound
	}
	return err == nil && equal(c, want)
}

func sameDigests(a, b []store.Digest) bool {
	order := func(a, b store.Digest) int { return slices.Compare(a[:], b[:]) }
	slices.SortFunc(a, order)
	slices.SortFunc(b, order)
	return slices.Equal(a, b)
}
