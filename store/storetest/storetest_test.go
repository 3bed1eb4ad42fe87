package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) store.Store { return store.NewMemory() })
}

// The suite finds the fault of each mutant.
func TestMutants(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		Run(t, func(*testing.T) store.Store { return newMutable() })
	})
	byName := make(map[string]check)
	for _, c := range checks() {
		byName[c.name] = c
	}
	for _, m := range mutants() {
		t.Run(m.fault, func(t *testing.T) {
			t.Parallel()
			for _, name := range m.caught {
				tries := 1
				if strings.HasPrefix(name, "concurrent-") {
					tries = 50 // the fault shows only if calls happen to overlap
				}
				var err error
				for ; err == nil && tries > 0; tries-- {
					st := newMutable()
					m.plant(st)
					err = byName[name].try(t.Context(), st)
				}
				if err == nil {
					t.Errorf("check %s did not notice", name)
				}
			}
		})
	}
}

func TestEveryCheckHasAMutant(t *testing.T) {
	var names, caught []string
	for _, c := range checks() {
		names = append(names, c.name)
	}
	for _, m := range mutants() {
		caught = append(caught, m.caught...)
	}
	for _, name := range names {
		if !slices.Contains(caught, name) {
			t.Errorf("check %s: no mutant shows that it can fail", name)
		}
	}
	for _, name := range caught {
		if !slices.Contains(names, name) {
			t.Errorf("there is no check %s", name)
		}
	}
}

// S16: the suite runs on a store whose subjects must be existing accounts with
// integer IDs.
func TestSubjects(t *testing.T) {
	Run(t, func(t *testing.T) store.Store { return &accounts{raw: newRaw()} }, Subjects(func(t *testing.T) string {
		return strconv.FormatInt(lastAccount.Add(1), 10)
	}), Fill(func(ctx context.Context, st store.Store, rows []*store.Credential) error {
		for _, c := range rows {
			if _, err := st.(*accounts).Insert(ctx, c, store.Limits{}); err != nil {
				return err
			}
		}
		return nil
	}))
}

var lastAccount atomic.Int64

// accounts is a store that keeps only the credentials of accounts that exist.
type accounts struct{ *raw }

func (a *accounts) Insert(ctx context.Context, c *store.Credential, l store.Limits) ([]store.Digest, error) {
	if n, err := strconv.ParseInt(c.Subject, 10, 64); err != nil || n > lastAccount.Load() {
		return nil, fmt.Errorf("no account %q", c.Subject)
	}
	return a.raw.Insert(ctx, c, l)
}

// For a store without an optional interface, only the checks of that interface are
// skipped.
func TestOptionalInterfaces(t *testing.T) {
	skipped := 0
	for _, c := range checks() {
		st := struct{ store.Store }{store.NewMemory()}
		p := &probe{ctx: t.Context(), st: st, given: st}
		optional := strings.HasPrefix(c.name, "watch-") || strings.HasPrefix(c.name, "scan-") || strings.HasPrefix(c.name, "notify-")
		if optional {
			c.run(p)
			if p.err != nil || p.skip == "" {
				t.Errorf("check %s: err = %v, skip = %q, want a skip", c.name, p.err, p.skip)
			}
			skipped++
		}
	}
	if skipped == 0 {
		t.Error("no check is optional")
	}
}

// Fill replaces only the inserts of the long history.
func TestFill(t *testing.T) {
	filled := 0
	Run(t, func(t *testing.T) store.Store { return store.NewMemory() }, Fill(func(ctx context.Context, st store.Store, rows []*store.Credential) error {
		for _, c := range rows {
			if _, err := st.Insert(ctx, c, store.Limits{}); err != nil {
				return err
			}
		}
		filled += len(rows)
		return nil
	}))
	if filled != history && !testing.Short() {
		t.Errorf("Fill was given %d rows, want %d", filled, history)
	}
}

// A check reports only the first fault: later ones may be its consequences.
func TestProbeKeepsFirstFault(t *testing.T) {
	first := errors.New("first")
	calls := 0
	st := newMutable()
	st.get = func(context.Context, string) (*store.Credential, error) {
		calls++
		return nil, first
	}
	p := &probe{ctx: t.Context(), st: st}
	c := credential()
	p.insert(c)
	p.rows(c)
	p.rows(c)
	p.gone(c)
	p.list(store.Query{})
	if p.err == nil || !strings.Contains(p.err.Error(), first.Error()) {
		t.Errorf("error = %v, want one that says %v", p.err, first)
	}
	if calls != 1 {
		t.Errorf("the store was called %d times, want 1", calls)
	}
}

// diff must compare every field, or the suite would not notice that a store loses one.
func TestDiffNamesEveryField(t *testing.T) {
	empty, c := &store.Credential{}, full()
	fields := reflect.ValueOf(c).Elem()
	for i := range fields.NumField() {
		name := fields.Type().Field(i).Name
		got := new(store.Credential)
		reflect.ValueOf(got).Elem().Field(i).Set(fields.Field(i))
		if d := diff(got, empty); !strings.HasPrefix(d, name+" = ") || strings.Contains(d, ";") {
			t.Errorf("with another %s: diff = %q, want that field and no other", name, d)
		}
	}
	if d := diff(c.Clone(), c); d != "" {
		t.Errorf("of a copy: diff = %q, want none", d)
	}
	local := c.Clone()
	local.ExpiresAt = c.ExpiresAt.In(time.FixedZone("", 0))
	if d := diff(local, c); !strings.HasPrefix(d, "ExpiresAt = ") {
		t.Errorf("with a time that is not in UTC: diff = %q, want ExpiresAt", d)
	}
	if d := diff(nil, c); d == "" {
		t.Error("without a credential: no diff")
	}
}
