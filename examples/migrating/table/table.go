// Package table moves a service from a table of tokens that it wrote by hand to
// package bearer, while both kinds work.
package table

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

const (
	// Kind is that of old tokens in the new store. Tokens asks for none of it.
	Kind store.Kind = "old token"

	timeout = 2 * time.Second // nobody else bounds how long a lookup takes
)

// Legacy verifies the tokens that the service has made so far. They have no form
// of their own, so it takes every token: it is the last in a Chain.
type Legacy struct {
	DB *sql.DB

	// Moved is the store that Move moves them to.
	Moved store.Finder
}

// Verify implements bearer.Verifier. A token is looked for where Move takes it
// from before where it takes it to: the other way round it could be missed.
func (l Legacy) Verify(ctx context.Context, plaintext string, _ netip.Addr) (*auth.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	digest := sha256.Sum256([]byte(plaintext))
	row := l.DB.QueryRowContext(ctx, `SELECT id, token_hash, user_id, created_at, expires_at FROM api_tokens WHERE token_hash = ?`,
		hex.EncodeToString(digest[:]))
	c, err := scan(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		c, err = l.Moved.Find(ctx, Kind, digest)
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fmt.Errorf("%w: unknown", auth.ErrInvalidCredentials)
	case err != nil:
		return nil, err // an outage: 503
	case !c.Active(time.Now()):
		return nil, fmt.Errorf("%w: expired or revoked", auth.ErrInvalidCredentials)
	}
	return &auth.Identity{
		Subject: c.Subject, Scheme: "old token", Credential: c.ID, Scopes: c.Scopes,
		IssuedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt,
	}, nil
}

// scan reads a row of api_tokens.
func scan(scan func(...any) error) (*store.Credential, error) {
	var id, hash, user string
	var created int64
	var expires sql.Null[int64]
	if err := scan(&id, &hash, &user, &created, &expires); err != nil {
		return nil, err
	}
	c := &store.Credential{
		ID: "old-" + id, Kind: Kind, Family: "old-" + id, Subject: user,
		Scopes: []string{auth.AllScopes}, CreatedAt: time.Unix(created, 0).UTC(),
	}
	if expires.Valid {
		c.ExpiresAt = time.Unix(expires.V, 0).UTC()
	}
	if n, err := hex.Decode(c.Digest[:], []byte(hash)); err != nil || n != len(c.Digest) {
		return nil, fmt.Errorf("api_tokens %s: token_hash is no SHA-256 in hexadecimal: %w", id, err)
	}
	return c, nil
}

// Move moves at most n old tokens to the new store, which is in the same
// database, and returns how many it has moved. Each is in one place at any time.
func Move(ctx context.Context, db *sql.DB, st *sqlstore.Store, n int) (moved int, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	rows, err := tx.QueryContext(ctx, `DELETE FROM api_tokens WHERE id IN (SELECT id FROM api_tokens ORDER BY id LIMIT ?)
		RETURNING id, token_hash, user_id, created_at, expires_at`, n)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var tokens []*store.Credential
	for rows.Next() {
		c, err := scan(rows.Scan)
		if err != nil {
			return 0, err
		}
		tokens = append(tokens, c)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	for _, c := range tokens {
		if _, err := st.Tx(tx).Insert(ctx, c, store.Limits{}); err != nil {
			return 0, err
		}
	}
	return len(tokens), tx.Commit()
}
