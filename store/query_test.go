package store_test

import (
	"testing"
	"time"

	"github.com/keystile/keystile/store"
)

func TestFilterValidate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		f     store.Filter
		valid bool
	}{
		{"ID", store.Filter{ID: "7QZ"}, true},
		{"subject", store.Filter{Subject: "ada"}, true},
		{"all", store.Filter{Kind: "token", ID: "7QZ", Subject: "ada", Family: "7QZ", ClientID: "7QZ", Except: make([]string, 100)}, true},
		{"nothing", store.Filter{}, false},
		{"no account", store.Filter{Kind: "token", Family: "7QZ", ClientID: "7QZ", Except: []string{"8RA"}}, false},
		{"too many exceptions", store.Filter{Subject: "ada", Except: make([]string, 101)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.f.Validate(); (err == nil) != tt.valid {
				t.Errorf("Validate = %v, want valid: %t", err, tt.valid)
			}
		})
	}
}

func TestQueryValidate(t *testing.T) {
	for _, tt := range []struct {
		name  string
		q     store.Query
		valid bool
	}{
		{"subject and kind", store.Query{Subject: "ada", Kind: "token"}, true},
		{"all", store.Query{Subject: "ada", Kind: "token", ClientID: store.AnyClient, Active: true, Limit: 1, After: store.NewCursor(&store.Credential{ID: "7QZ"})}, true},
		{"no subject", store.Query{Kind: "token"}, false},
		{"no kind", store.Query{Subject: "ada"}, false},
		{"any client with ended credentials", store.Query{Subject: "ada", Kind: "token", ClientID: store.AnyClient}, false},
		{"negative limit", store.Query{Subject: "ada", Kind: "token", Limit: -1}, false},
		{"an ID as cursor", store.Query{Subject: "ada", Kind: "token", After: "7QZ!"}, false},
		{"a short cursor", store.Query{Subject: "ada", Kind: "token", After: "7QZ"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.q.Validate(); (err == nil) != tt.valid {
				t.Errorf("Validate = %v, want valid: %t", err, tt.valid)
			}
		})
	}
}

func TestCursor(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Unix(-1, 999999000), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)} {
		for _, id := range []string{"", "7QZ", "\x00\xff/?#"} {
			created, got, err := store.NewCursor(&store.Credential{ID: id, CreatedAt: at}).Position()
			if err != nil || !created.Equal(at) || got != id {
				t.Errorf("cursor of %v, %q: position %v, %q, %v", at, id, created, got, err)
			}
		}
	}
}

func TestScanFilterMatch(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &store.Credential{Kind: "token", CreatedAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour), LastUsedAt: now.Add(-time.Minute)}
	for _, tt := range []struct {
		name string
		f    store.ScanFilter
		want bool
	}{
		{"nothing set", store.ScanFilter{}, true},
		{"everything set", store.ScanFilter{Kind: "token", Active: true, ExpiringBefore: now.Add(2 * time.Hour), UnusedSince: now}, true},
		{"another kind", store.ScanFilter{Kind: "secret"}, false},
		{"expires then", store.ScanFilter{ExpiringBefore: c.ExpiresAt}, false},
		{"used then", store.ScanFilter{UnusedSince: c.LastUsedAt}, false},
		{"created then", store.ScanFilter{UnusedSince: c.CreatedAt}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.f.Match(c, now); got != tt.want {
				t.Errorf("Match = %t, want %t", got, tt.want)
			}
		})
	}
}
