package storetest

import (
	"context"
	"fmt"
	"slices"

	"github.com/keystile/keystile/store"
)

// A read is one way to ask a store for a credential.
type read struct {
	method string
	id     string
	do     func(context.Context) (*store.Credential, error)
}

func (r read) String() string { return fmt.Sprintf("%s(credential %q)", r.method, r.id) }

// The ways to ask, as reads returns them.
const (
	byFind = iota
	byGet
	byList
)

// reads returns every way to ask for c. The answer must always be the same.
func reads(st store.Store, c *store.Credential) []read {
	return []read{
		{"Find", c.ID, func(ctx context.Context) (*store.Credential, error) { return st.Find(ctx, c.Kind, c.Digest) }},
		{"Get", c.ID, func(ctx context.Context) (*store.Credential, error) { return st.Get(ctx, c.ID) }},
		{"List", c.ID, func(ctx context.Context) (*store.Credential, error) {
			q := store.Query{Kind: c.Kind, Subject: c.Subject, ClientID: c.ClientID, Limit: 1000}
			found, _, err := st.List(ctx, q)
			if err != nil {
				return nil, err
			}
			found = slices.DeleteFunc(slices.Clone(found), func(f *store.Credential) bool { return f.ID != c.ID })
			switch len(found) {
			case 0:
				return nil, store.ErrNotFound
			case 1:
				return found[0], nil
			}
			return nil, fmt.Errorf("%d credentials", len(found))
		}},
	}
}
