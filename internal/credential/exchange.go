package credential

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
)

// Exchange makes a credential that stands for a client secret, which is in the
// same store. The secret is read anew, before and after: the request that it
// authenticated may have waited for its body while the secret was revoked.
func (m *Manager) Exchange(ctx context.Context, from *auth.Identity, req Request) (auth.Plaintext, *store.Credential, error) {
	plain, c, err := m.exchange(ctx, from, req)
	if err != nil {
		return auth.Plaintext{}, nil, m.errorf("exchange: %w", err)
	}
	return plain, c, nil
}

func (m *Manager) exchange(ctx context.Context, from *auth.Identity, req Request) (auth.Plaintext, *store.Credential, error) {
	secret, err := m.exchangeable(ctx, from)
	if err != nil {
		return auth.Plaintext{}, nil, err
	}
	if req.Scopes == nil {
		req.Scopes = append([]string{}, secret.Scopes...)
	}
	if req.Networks == nil && len(secret.Networks) > 0 {
		req.Networks = secret.Networks
	}
	req.Subject, req.ClientID = secret.Subject, family(secret)
	req.Name = cmp.Or(req.Name, secret.Name)
	c, err := req.Credential(m.cfg.Kind, m.cfg.Lifetime)
	if err != nil {
		return auth.Plaintext{}, nil, err
	}
	own := auth.Identity{Scopes: secret.Scopes} // the account's permissions count when the token is used
	if !own.Has(c.Scopes...) {
		return auth.Plaintext{}, nil, fmt.Errorf("%w: scopes beyond those of the secret", auth.ErrInsufficientScope)
	}
	if len(secret.Networks) > 0 && !contained(c.Networks, secret.Networks) {
		return auth.Plaintext{}, nil, fmt.Errorf("%w: networks beyond those of the secret", auth.ErrInsufficientScope)
	}
	plain, err := m.Insert(ctx, c)
	if err != nil {
		return auth.Plaintext{}, nil, outage(err)
	}
	if _, err := m.exchangeable(ctx, from); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reuseTimeout)
		defer cancel()
		_, failed := m.revoke(ctx, c)
		return auth.Plaintext{}, nil, errors.Join(err, failed)
	}
	return plain, c, nil
}

// exchangeable returns the secret that authenticated from, if it is one and may
// still be used.
func (m *Manager) exchangeable(ctx context.Context, from *auth.Identity) (*store.Credential, error) {
	if from == nil || from.Scheme != SchemeSecret {
		return nil, fmt.Errorf("%w: only a client secret is exchanged", auth.ErrInsufficientScope)
	}
	secret, err := m.cfg.Store.Get(ctx, from.Credential)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errUnknown
	case err != nil:
		return nil, outage(err)
	case secret.Kind != store.KindSecret || secret.Subject != from.Subject:
		return nil, errUnknown
	}
	return secret, Check(secret, time.Now())
}

// contained reports whether every one of inner lies within one of outer.
func contained(inner, outer []netip.Prefix) bool {
	for _, n := range inner {
		if !slices.ContainsFunc(outer, func(o netip.Prefix) bool { return o.Bits() <= n.Bits() && o.Contains(n.Addr()) }) {
			return false
		}
	}
	return true
}
