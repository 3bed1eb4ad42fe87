package table

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// Before is the service as it was.
func Before(db *sql.DB) http.Handler {
	return routes(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			plaintext, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			digest := sha256.Sum256([]byte(plaintext))
			var user string
			err := db.QueryRowContext(r.Context(), `SELECT user_id FROM api_tokens WHERE token_hash = ? AND (expires_at IS NULL OR expires_at > ?)`,
				hex.EncodeToString(digest[:]), time.Now().Unix()).Scan(&user)
			if err != nil {
				http.Error(w, "unauthorized", http.StatusUnauthorized)
				return
			}
			next.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), &auth.Identity{Subject: user})))
		})
	})
}

// During is the service while both kinds of token work.
func During(old Legacy, tokens *bearer.Tokens, observe func(context.Context, auth.Event)) (http.Handler, error) {
	guard, err := auth.New(auth.Config{
		Authenticators: []auth.Authenticator{bearer.Chain(tokens, old)},
		Observe:        observe,
	})
	if err != nil {
		return nil, err
	}
	return routes(guard.Require()), nil
}

// After is the service with the old way removed.
func After(tokens *bearer.Tokens, observe func(context.Context, auth.Event)) (http.Handler, error) {
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}, Observe: observe})
	if err != nil {
		return nil, err
	}
	return routes(guard.Require()), nil
}

func routes(require func(http.Handler) http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /me", require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		fmt.Fprintln(w, id.Subject)
	})))
	return mux
}

// Revoke ends an old token, whether or not it has been moved. In this order: it
// waits for a Move that is under way, and then finds what that has moved.
func Revoke(ctx context.Context, db *sql.DB, st store.Store, id string) error {
	if _, err := db.ExecContext(ctx, `DELETE FROM api_tokens WHERE id = ?`, id); err != nil {
		return err
	}
	_, err := st.Revoke(ctx, store.Filter{Kind: Kind, ID: "old-" + id}, time.Now())
	return err
}

// Hash fills the column token_hash of a table that has the tokens themselves, in
// the column token.
func Hash(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	rows, err := tx.QueryContext(ctx, `SELECT id, token FROM api_tokens WHERE token_hash IS NULL`)
	if err != nil {
		return err
	}
	defer rows.Close()
	hashes := make(map[string]string)
	for rows.Next() {
		var id, plaintext string
		if err := rows.Scan(&id, &plaintext); err != nil {
			return err
		}
		digest := sha256.Sum256([]byte(plaintext))
		hashes[id] = hex.EncodeToString(digest[:])
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for id, hash := range hashes {
		if _, err := tx.ExecContext(ctx, `UPDATE api_tokens SET token_hash = ? WHERE id = ?`, hash, id); err != nil {
			return err
		}
	}
	return tx.Commit()
}
