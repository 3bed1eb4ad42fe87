package store_test

import (
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

func TestFilterValidate(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    store.Filter
		want string // the error, or "" for none
	}{
		{"ID", store.Filter{ID: "7QZ"}, ""},
		{"subject", store.Filter{Subject: "ada"}, ""},
		{"family", store.Filter{Family: "7QZ"}, ""},
		{"parent", store.Filter{Parent: "7QZ"}, ""},
		{"all", store.Filter{Kind: "token", ID: "7QZ", Subject: "ada", Family: "7QZ", Parent: "7QZ", Except: "8RA", Active: true, Limit: 1, Before: "6PY"}, ""},
		{"nothing", store.Filter{}, "store: Filter: one of ID, Subject, Family and Parent must be set"},
		{"nobody", store.Filter{Kind: "token", Except: "8RA", Active: true, Limit: 1, Before: "6PY"}, "store: Filter: one of ID, Subject, Family and Parent must be set"},
		{"negative limit", store.Filter{Subject: "ada", Limit: -1}, "store: Filter.Limit: -1: must not be negative"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := tt.f.Validate(); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("Validate = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFilterMatch(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &store.Credential{ID: "7QZ", Kind: "token", Subject: "ada", Family: "6PY", Parent: "5OX", ExpiresAt: now.Add(time.Microsecond)}
	for _, tt := range []struct {
		name string
		f    store.Filter
		now  time.Time
		want bool
	}{
		{"nothing set", store.Filter{}, now, true},
		{"everything set", store.Filter{Kind: "token", ID: "7QZ", Subject: "ada", Family: "6PY", Parent: "5OX", Except: "8RA", Active: true}, now, true},
		{"another kind", store.Filter{Kind: "secret", ID: "7QZ"}, now, false},
		{"another ID", store.Filter{ID: "7Qz", Subject: "ada"}, now, false},
		{"another subject", store.Filter{ID: "7QZ", Subject: "Ada"}, now, false},
		{"another family", store.Filter{ID: "7QZ", Family: "7QZ"}, now, false},
		{"another parent", store.Filter{ID: "7QZ", Parent: "7QZ"}, now, false},
		{"excepted", store.Filter{Subject: "ada", Except: "7QZ"}, now, false},
		{"another excepted", store.Filter{Subject: "ada", Except: "8RA"}, now, true},
		{"expired", store.Filter{Subject: "ada"}, c.ExpiresAt, true},
		{"expired, of the active", store.Filter{Subject: "ada", Active: true}, c.ExpiresAt, false},
		{"limit and page", store.Filter{Subject: "ada", Limit: 1, Before: "7QZ"}, now, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.f.Match(c, tt.now); got != tt.want {
				t.Errorf("Match = %t, want %t", got, tt.want)
			}
		})
	}
}
