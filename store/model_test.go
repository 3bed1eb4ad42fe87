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

// A model is the simplest possible store: slow, but obviously correct. It follows
// the contract and shares no code with Memory.
type model map[string]store.Credential // by ID

func (m model) taken(c store.Credential) bool {
	for _, row := range m {
		if row.ID == c.ID || row.Digest == c.Digest {
			return true
		}
	}
	return false
}

func (m model) insert(c store.Credential, l store.Limits) ([]store.Digest, error) {
	c = floorTimes(c)
	if m.taken(c) {
		return nil, store.ErrExists
	}
	var current []store.Credential
	for _, row := range m {
		if row.Subject == c.Subject && row.Kind == c.Kind && row.ClientID == c.ClientID && row.RotatedAt.IsZero() && live(row, c.CreatedAt) {
			current = append(current, row)
		}
	}
	slices.SortFunc(current, newest)
	switch {
	case m.exceeds(c, l), l.Active > 0 && len(current) >= l.Active && !l.EndOldest:
		return nil, store.ErrLimit
	}
	var ended []store.Digest
	for i := range current {
		if l.Active > 0 && i >= l.Active-1 {
			row := current[i]
			row.RevokedAt = c.CreatedAt
			m[row.ID] = row
			ended = append(ended, row.Digest)
		}
	}
	m[c.ID] = c
	return ended, nil
}

// exceeds reports whether c exceeds l.Recent.
func (m model) exceeds(c store.Credential, l store.Limits) bool {
	n := 0
	for _, row := range m {
		if row.Subject == c.Subject && row.Kind == c.Kind && row.ClientID == c.ClientID && !row.CreatedAt.Before(floor(l.Since)) {
			n++
		}
	}
	return l.Recent > 0 && n >= l.Recent
}

func newest(a, b store.Credential) int {
	return -cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// list returns all pages of q that follow after, or all pages if that is nil.
func (m model) list(q store.Query, after *store.Credential, now time.Time) (page []store.Credential, more bool) {
	var found []store.Credential
	for _, c := range m {
		if c.Subject == q.Subject && c.Kind == q.Kind && (q.ClientID == "*" || c.ClientID == q.ClientID) && (!q.Active || live(c, now)) &&
			(after == nil || newest(*after, c) < 0) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, newest)
	if q.Limit == 0 {
		q.Limit = 100
	}
	return found[:min(q.Limit, len(found))], len(found) > q.Limit
}

func (m model) update(id string, ch store.Changes) error {
	c, ok := m[id]
	if !ok {
		return store.ErrNotFound
	}
	if ch.Name != nil {
		c.Name = *ch.Name
	}
	if ch.Scopes != nil {
		c.Scopes = *ch.Scopes
	}
	m[id] = c
	return nil
}

func (m model) revoke(f store.Filter, at time.Time) []store.Digest {
	var changed []store.Digest
	for id, c := range m {
		if selects(f, c) && live(c, at.Add(-time.Minute)) {
			c.RevokedAt = floor(at)
			m[id] = c
			changed = append(changed, c.Digest)
		}
	}
	return changed
}

// errMistake stands for every error that names a mistake of the caller: it is
// none of the answers.
var (
	errMistake = errors.New("mistake of the caller")
	answers    = []error{store.ErrNotFound, store.ErrExists, store.ErrLimit, store.ErrConflict}
)

func (m model) rotate(id string, until time.Time, next store.Credential, l store.Limits) error {
	next, until = floorTimes(next), floor(until)
	old, ok := m[id]
	switch {
	case !ok:
		return store.ErrNotFound
	case next.Subject != old.Subject:
		return errMistake
	case !live(old, next.CreatedAt) || !old.RotatedAt.IsZero():
		return store.ErrConflict
	case m.taken(next):
		return store.ErrExists
	case m.exceeds(next, l):
		return store.ErrLimit
	}
	old.RotatedAt = next.CreatedAt
	switch {
	case until.IsZero(): // never, so the old expiry stays
	case old.ExpiresAt.IsZero(), until.Before(old.ExpiresAt):
		old.ExpiresAt = until
	}
	m[id], m[next.ID] = old, next
	return nil
}

func (m model) touch(uses []store.Use) {
	for _, u := range uses {
		if c, ok := m[u.ID]; ok && floor(u.At).After(c.LastUsedAt) {
			c.LastUsedAt, c.LastUsedAddr = floor(u.At), u.Addr
			m[u.ID] = c
		}
	}
}

func (m model) prune(before store.PruneBefore) int {
	n := 0
	for id, c := range m {
		limit := before.Ended
		if !c.RotatedAt.IsZero() {
			limit = before.Rotated
		}
		past := func(t time.Time) bool { return !t.IsZero() && t.Before(floor(limit)) }
		if past(c.ExpiresAt) || past(c.RevokedAt) {
			delete(m, id)
			n++
		}
	}
	return n
}

func (m model) erase(subject string) int {
	n := 0
	for id, c := range m {
		if c.Subject == subject {
			delete(m, id)
			n++
		}
	}
	return n
}

func live(c store.Credential, now time.Time) bool {
	return c.RevokedAt.IsZero() && (c.ExpiresAt.IsZero() || c.ExpiresAt.After(now))
}

func selects(f store.Filter, c store.Credential) bool {
	switch {
	case f.Kind != "" && f.Kind != c.Kind,
		f.ID != "" && f.ID != c.ID,
		f.Subject != "" && f.Subject != c.Subject,
		f.Family != "" && f.Family != c.Family && f.Family != c.ID,
		f.ClientID != "" && f.ClientID != c.ClientID,
		slices.Contains(f.Except, c.ID):
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
		a.Name == b.Name && slices.Equal(a.Scopes, b.Scopes) && a.Family == b.Family && a.ClientID == b.ClientID &&
		slices.Equal(a.Networks, b.Networks) && a.CreatedAt == b.CreatedAt && a.ExpiresAt == b.ExpiresAt &&
		a.RotatedAt == b.RotatedAt && a.RevokedAt == b.RevokedAt && a.LastUsedAt == b.LastUsedAt && a.LastUsedAddr == b.LastUsedAddr &&
		slices.Equal(a.Data, b.Data)
}

// A chooser makes random calls that conflict with each other, because it uses few
// values, and times a few microseconds from now.
type chooser struct {
	*rand.Rand
	ids     [80]string
	digests [80]store.Digest
}

func newChooser(seed uint64) *chooser {
	r := &chooser{Rand: rand.New(rand.NewPCG(seed, 0))}
	for i := range r.ids {
		r.ids[i] = fmt.Sprint("id-", i)
		// Few different tags, so that digests compete for few slots.
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
func (r *chooser) client() string       { return r.one("", "", "id-1", "id-4") }

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
		Family: r.family(), ClientID: r.client(), CreatedAt: r.at(), ExpiresAt: r.maybe(),
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
		f = store.Filter{Subject: r.one("", r.subject()), Family: r.one("", "", r.family()), ClientID: r.one("", "", r.client()), ID: r.one("", "", "", r.id())}
	}
	f.Kind = store.Kind(r.one("", "token", "secret"))
	if r.IntN(3) == 0 {
		f.Except = []string{r.id(), r.id()}
	}
	return f
}

func (r *chooser) limits() store.Limits {
	return store.Limits{Active: r.IntN(8) - 2, EndOldest: r.IntN(2) == 0, Recent: r.IntN(30) - 10, Since: r.at()}
}

// Ten thousand random calls of a Memory and the model return the same answers, and
// after each call all rows are the same. Add a seed that fails to the list.
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
		time.Sleep(time.Duration(r.IntN(2000)) * time.Nanosecond) // in the synctest bubble: it takes no real time
		var method, args string
		var gotErr, wantErr error
		var gotRows []*store.Credential
		var wantRows []store.Credential
		switch n := r.IntN(100); {
		case n < 30:
			c, l := r.credential(), r.limits()
			method, args = "Insert", fmt.Sprintf("(%+v, %+v)", c, l)
			var ended, wantEnded []store.Digest
			ended, gotErr = got.Insert(ctx, &c, l)
			wantEnded, wantErr = want.insert(c, l)
			if !sameDigests(ended, wantEnded) {
				t.Fatalf("step %d: %s%s ended %d, want %d, the same", step, method, args, len(ended), len(wantEnded))
			}
		case n < 50:
			id, until, next, l := r.id(), r.maybe(), r.credential(), r.limits()
			if old, ok := want[id]; ok && r.IntN(4) > 0 {
				next.Subject = old.Subject
			}
			method, args = "Rotate", fmt.Sprintf("(%q, %v, %+v, %+v)", id, until, next, l)
			gotErr, wantErr = got.Rotate(ctx, id, until, &next, l), want.rotate(id, until, next, l)
			if wantErr == errMistake && gotErr != nil && !slices.ContainsFunc(answers, func(a error) bool { return errors.Is(gotErr, a) }) {
				gotErr = errMistake
			}
		case n < 58:
			var uses []store.Use
			for range r.IntN(4) {
				uses = append(uses, store.Use{ID: r.id(), At: r.maybe(), Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(9))})})
			}
			method, args = "Touch", fmt.Sprintf("(%v)", uses)
			gotErr = got.Touch(ctx, uses)
			want.touch(uses)
		case n < 65:
			id, ch := r.id(), store.Changes{}
			if name := r.one("", "renamed"); r.IntN(2) == 0 {
				ch.Name = &name
			}
			if r.IntN(2) == 0 {
				ch.Scopes = &[]string{r.one("a", "b")}
			}
			method, args = "Update", fmt.Sprintf("(%q, %+v)", id, ch)
			_, gotErr = got.Update(ctx, id, ch)
			wantErr = want.update(id, ch)
		case n < 67:
			f, at := r.filter(), r.at().Add(time.Duration(r.IntN(2))*time.Minute)
			method, args = "Revoke", fmt.Sprintf("(%+v, %v)", f, at)
			var digests []store.Digest
			digests, gotErr = got.Revoke(ctx, f, at)
			if want := want.revoke(f, at); !sameDigests(digests, want) {
				t.Fatalf("step %d: %s%s returned %d digests, want %d, the same", step, method, args, len(digests), len(want))
			}
		case n < 97:
			q, now := store.Query{Subject: r.subject(), Kind: r.kind(), ClientID: r.client(), Active: r.IntN(2) == 0, Limit: r.IntN(7)}, time.Now()
			if q.Active && r.IntN(2) == 0 {
				q.ClientID = store.AnyClient
			}
			var after *store.Credential
			if r.IntN(2) == 0 {
				c := r.credential()
				c.CreatedAt = floor(c.CreatedAt)
				after, q.After = &c, store.NewCursor(&c)
			}
			method, args = "List", fmt.Sprintf("(%+v)", q)
			var next store.Cursor
			gotRows, next, gotErr = got.List(ctx, q)
			var more bool
			wantRows, more = want.list(q, after, now)
			if (next != "") != more || more && next != store.NewCursor(gotRows[len(gotRows)-1]) {
				t.Fatalf("step %d: %s%s: cursor %q, want one: %t", step, method, args, next, more)
			}
		case n < 98 && step%5 == 0:
			subject := r.subject()
			method, args = "Erase", fmt.Sprintf("(%q)", subject)
			var n int
			n, gotErr = got.Erase(ctx, subject)
			if want := want.erase(subject); n != want {
				t.Fatalf("step %d: %s%s = %d, want %d", step, method, args, n, want)
			}
		default:
			before := store.PruneBefore{Ended: r.at().Add(-20 * time.Microsecond), Rotated: r.at().Add(-20 * time.Microsecond)}
			method, args = "Prune", fmt.Sprintf("(%+v)", before)
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
		{"Rotate", nil}, {"Rotate", store.ErrExists}, {"Rotate", store.ErrConflict}, {"Rotate", store.ErrNotFound}, {"Rotate", errMistake},
		{"Touch", nil}, {"Update", nil}, {"Update", store.ErrNotFound},
		{"List", nil}, {"Revoke", nil}, {"Prune", nil},
	} {
		if outcomes[o] < 10 {
			t.Errorf("%s: %v: happened %d times: the calls are not varied enough", o.method, o.err, outcomes[o])
		}
	}
}

// compareRows looks up every row that may exist, by every key.
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

// same reports whether a row was returned if it exists, and ErrNotFound if not.
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
