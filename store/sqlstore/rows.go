package sqlstore

import (
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore/internal/query"
	"github.com/keystile/keystile/store/sqlstore/internal/row"
)

// all returns a function that reads rows of one column into found.
func all[T any](found *[]T) func(query.Rows) error {
	return func(rows query.Rows) error {
		*found = nil
		for rows.Next() {
			var v T
			if err := rows.Scan(&v); err != nil {
				return err
			}
			*found = append(*found, v)
		}
		return rows.Err()
	}
}

// digests returns a function that reads rows of one digest into found.
func digests(found *[]store.Digest) func(query.Rows) error {
	return func(rows query.Rows) error {
		*found = nil
		for rows.Next() {
			var d row.Digest
			if err := rows.Scan(&d); err != nil {
				return err
			}
			*found = append(*found, store.Digest(d))
		}
		return rows.Err()
	}
}

// credentials returns a function that reads rows of [row.Columns] into found.
func credentials(found *[]*store.Credential) func(query.Rows) error {
	return func(rows query.Rows) error {
		*found = nil
		for rows.Next() {
			c, err := row.Scan(rows)
			if err != nil {
				return err
			}
			*found = append(*found, c)
		}
		return rows.Err()
	}
}
