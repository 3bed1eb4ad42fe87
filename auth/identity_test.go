package auth_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/keystile/keystile/auth"
)

func TestIdentityHas(t *testing.T) {
	all := []string{auth.AllScopes}
	of := func(scopes, permissions []string) *auth.Identity {
		return &auth.Identity{Subject: "ada", Scopes: scopes, Account: &auth.Account{Permissions: permissions}}
	}
	tests := []struct {
		name   string
		id     *auth.Identity
		scopes []string
		want   bool
	}{
		// The credential alone.
		{"granted", &auth.Identity{Scopes: []string{"a", "b"}}, []string{"b"}, true},
		{"all of them", &auth.Identity{Scopes: []string{"a", "b"}}, []string{"b", "a"}, true},
		{"one of two", &auth.Identity{Scopes: []string{"a"}}, []string{"a", "b"}, false},
		{"the other of two", &auth.Identity{Scopes: []string{"b"}}, []string{"a", "b"}, false},
		{"not granted", &auth.Identity{Scopes: []string{"a"}}, []string{"b"}, false},
		{"a prefix", &auth.Identity{Scopes: []string{"reports"}}, []string{"reports:read"}, false},
		{"another case", &auth.Identity{Scopes: []string{"Reports"}}, []string{"reports"}, false},
		{"AllScopes", &auth.Identity{Scopes: all}, []string{"a", "b"}, true},
		{"AllScopes among others", &auth.Identity{Scopes: []string{"a", auth.AllScopes}}, []string{"b"}, true},
		{"AllScopes is no pattern", &auth.Identity{Scopes: []string{"reports:*"}}, []string{"reports:read"}, false},
		{"asked for AllScopes", &auth.Identity{Scopes: []string{"a"}}, all, false},
		{"nil scopes", &auth.Identity{}, []string{"a"}, false},
		{"empty scopes", &auth.Identity{Scopes: []string{}}, []string{"a"}, false},
		{"an empty scope", &auth.Identity{Scopes: []string{"a"}}, []string{""}, false},

		// And the account, where it is known: never more than both allow. M2
		{"both", of([]string{"a"}, []string{"a"}), []string{"a"}, true},
		{"credential alone", of([]string{"a"}, []string{"b"}), []string{"a"}, false},
		{"account alone", of([]string{"a"}, []string{"b"}), []string{"b"}, false},
		{"AllScopes of the credential", of(all, []string{"a"}), []string{"a"}, true},
		{"AllScopes of the credential, not of the account", of(all, []string{"a"}), []string{"b"}, false},
		{"AllScopes of the account", of([]string{"a"}, all), []string{"a"}, true},
		{"AllScopes of the account, not of the credential", of([]string{"a"}, all), []string{"b"}, false},
		{"AllScopes of both", of(all, all), []string{"a"}, true},
		{"an account of nothing", of(all, nil), []string{"a"}, false},
		{"a credential of nothing", of(nil, all), []string{"a"}, false},

		// Asked for nothing.
		{"nothing", &auth.Identity{}, nil, true},
		{"nothing, of nothing", of(nil, nil), nil, true},
		{"nobody", nil, []string{"a"}, false},
		{"nobody, nothing", nil, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.id.Has(tt.scopes...); got != tt.want {
				t.Errorf("Has(%q) = %v, want %v", tt.scopes, got, tt.want)
			}
		})
	}
}

func TestContext(t *testing.T) {
	type key struct{}
	parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	bob := &auth.Identity{Subject: "bob", Scopes: []string{}, Account: &auth.Account{User: "Bob"}}
	carrying := auth.NewContext(parent, ada("T"))
	tests := []struct {
		name string
		ctx  context.Context
		want *auth.Identity
	}{
		{"none", parent, nil},
		{"an identity", carrying, ada("T")},
		{"derived", context.WithValue(carrying, key{}, "other"), ada("T")},
		{"replaced", auth.NewContext(carrying, bob), bob},
		{"taken away", auth.NewContext(carrying, nil), nil},
		{"without a subject", auth.NewContext(carrying, &auth.Identity{Scheme: "Bearer"}), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := auth.FromContext(tt.ctx)
			if !reflect.DeepEqual(got, tt.want) || ok != (tt.want != nil) {
				t.Errorf("FromContext = %+v, %v, want %+v", got, ok, tt.want)
			}
		})
	}
	t.Run("is the parent otherwise", func(t *testing.T) {
		child, stop := context.WithCancel(carrying)
		defer stop()
		if v := child.Value(key{}); v != "value" {
			t.Errorf("Value = %v, want that of the parent", v)
		}
		cancel()
		<-child.Done()
		if carrying.Err() != context.Canceled {
			t.Errorf("Err = %v, want %v", carrying.Err(), context.Canceled)
		}
	})
}
