package storetest

import (
	"context"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

func TestMemory(t *testing.T) {
	Run(t, func(*testing.T) store.Store { return store.NewMemory() })
}

// A suite is worth as much as the faults that it finds.
func TestMutants(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		Run(t, func(*testing.T) store.Store { return newMutable() })
	})
	for _, m := range mutants() {
		t.Run(m.fault, func(t *testing.T) {
			t.Parallel()
			var failed []string
			for _, c := range checks() {
				meant, tries := slices.Contains(m.caught, c.name), 1
				if strings.HasPrefix(c.name, "concurrent-") || strings.HasPrefix(c.name, "watch-") {
					if !meant {
						continue // they take long, and the race detector might notice first
					}
				}
				if strings.HasPrefix(c.name, "concurrent-") {
					tries = 50 // who goes first is a matter of luck
				}
				for range tries {
					st := newMutable()
					m.plant(st)
					if err := c.try(t.Context(), st); err != nil {
						failed = append(failed, c.name)
						if meant {
							t.Log(c.failure(err))
						}
						break
					}
				}
			}
			for _, name := range m.caught {
				if !slices.Contains(failed, name) {
					t.Errorf("check %s did not notice", name)
				}
			}
			t.Logf("failed: %v", failed)
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

func TestChecksAreNamed(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)
	seen := make(map[string]bool)
	for _, c := range checks() {
		if !form.MatchString(c.name) || seen[c.name] {
			t.Errorf("check %q: want a name of its own, in lower-case words with hyphens", c.name)
		}
		if c.why == "" || strings.HasSuffix(c.why, ".") {
			t.Errorf("check %s: why = %q, want a sentence without a full stop", c.name, c.why)
		}
		seen[c.name] = true
	}
}

func TestFailureSaysWhy(t *testing.T) {
	c := check{
		name: "always-fails",
		why:  "somebody is locked out",
		run:  func(p *probe) { p.touch("unknown", time.Now(), nil) },
	}
	err := c.try(t.Context(), store.NewMemory())
	if err == nil {
		t.Fatal("no error")
	}
	got := c.failure(err)
	for _, want := range []string{`Touch("unknown", `, store.ErrNotFound.Error(), "want no error", "why it matters: somebody is locked out"} {
		if !strings.Contains(got, want) {
			t.Errorf("failure %q: does not say %q", got, want)
		}
	}
}

// The first fault is the cause; what follows may be its consequence.
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
	p.list(store.Filter{})
	if p.err == nil || !strings.Contains(p.err.Error(), first.Error()) {
		t.Errorf("error = %v, want one that says %v", p.err, first)
	}
	if calls != 1 {
		t.Errorf("the store was called %d times, want 1", calls)
	}
}

// A field that diff forgets is one that no store has to keep.
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
