package suite

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

// T7 B4: a damaged row is an outage. ErrNotFound would hide the damage, and trusting
// the row could grant too much.
func testDamagedRows(t *testing.T, d *Database) {
	d.load(t, "v1")
	st := d.Store(t)
	c := golden[0]
	sets := []string{
		`scopes = ''`, `scopes = '*'`, `scopes = '"*"'`, `scopes = 'null'`, `scopes = '{"*":1}'`, `scopes = '["*"'`, `scopes = '["*"] '||'x'`, `scopes = '["*",1]'`, `scopes = '[["*"]]'`,
		`networks = 'x'`, `networks = '10.0.0.0'`, `networks = '10.0.0.0/33'`, `networks = '10.0.0.0/8,192.0.2.0/24'`, `networks = ' '`, `networks = '10.0.0.0/8 '`,
		`networks = '*'`, `networks = '["10.0.0.0/8"]'`,
		`last_used_addr = 'x'`, `last_used_addr = '192.0.2'`, `last_used_addr = '192.0.2.0/24'`,
	}
	if d.Dialect == sqlstore.SQLite {
		// Replace the table by a copy without checks, because a damaged file or
		// another program may ignore them.
		sql := Texts(t, d.DB, `SELECT sql FROM sqlite_schema WHERE name = 'keystile_credentials'`)[0]
		sql = strings.NewReplacer(" STRICT", "", "CHECK (length(digest) = 32)", "", " BLOB ", " ", " TEXT ", " ", " INTEGER", "", "NOT NULL", "").Replace(sql)
		indexes := Texts(t, d.DB, `SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = 'keystile_credentials'`)
		Exec(t, d.DB, `ALTER TABLE keystile_credentials RENAME TO old`, sql, `INSERT INTO keystile_credentials SELECT * FROM old`, `DROP TABLE old`)
		Exec(t, d.DB, indexes...)
		const year1 = -62135596800000000
		for _, column := range []string{"created_at", "expires_at", "rotated_at", "revoked_at", "last_used_at"} {
			sets = append(sets, column+` = 'never'`, column+` = '2026-01-02 03:04:05'`, column+` = x'00'`, column+` = 1.5`, fmt.Sprint(column, ` = `, year1))
		}
		for _, column := range []string{"scopes", "networks", "id", "subject", "name", "family", "client_id", "actor", "hint", "last_used_addr"} {
			sets = append(sets, column+` = NULL`)
		}
		sets = append(sets, `scopes = 1`, `networks = 1`)
	} else {
		for _, column := range []string{"created_at", "expires_at", "rotated_at", "revoked_at", "last_used_at"} {
			sets = append(sets, column+` = 'infinity'`, column+` = '-infinity'`, column+` = '0001-01-01 00:00:00+00'`)
		}
	}
	damaged := func(set string, asked map[string]error) {
		for name, err := range asked {
			if err == nil {
				t.Errorf("%s: %s believes it", set, name)
			}
			for _, answer := range Answers {
				if errors.Is(err, answer) {
					t.Errorf("%s: %s: %v", set, name, err)
				}
			}
		}
	}
	undo := ` SELECT * FROM keystile_credentials WHERE id = '7QZT3NLEFULL'`
	Exec(t, d.DB, `CREATE TABLE sound AS`+undo)
	for _, set := range sets {
		Exec(t, d.DB, `UPDATE keystile_credentials SET `+set+` WHERE id = '7QZT3NLEFULL'`)
		_, find := st.Find(t.Context(), c.Kind, c.Digest)
		asked := map[string]error{"Find": find}
		if set != `id = NULL` {
			_, asked["Get"] = st.Get(t.Context(), c.ID)
		}
		switch {
		case strings.HasPrefix(set, "created_at"), set == `subject = NULL`, set == `client_id = NULL`: // moved in the index, so List may not reach it
		default:
			_, _, asked["List"] = st.List(t.Context(), store.Query{Subject: c.Subject, Kind: c.Kind, ClientID: c.ClientID})
		}
		damaged(set, asked)
		Exec(t, d.DB, `DELETE FROM keystile_credentials WHERE id = '7QZT3NLEFULL' OR id IS NULL`, `INSERT INTO keystile_credentials SELECT * FROM sound`)
	}
	if d.Dialect == sqlstore.SQLite { // Find cannot find a row with a damaged digest
		for _, set := range []string{`digest = x'00'`, `digest = zeroblob(31)`, `digest = zeroblob(33)`, `digest = printf('%032d', 0)`, `digest = NULL`, `digest = 7`} {
			Exec(t, d.DB, `UPDATE keystile_credentials SET `+set+` WHERE id = '7QZT3NLEFULL'`)
			_, get := st.Get(t.Context(), c.ID)
			_, _, list := st.List(t.Context(), store.Query{Subject: c.Subject, Kind: c.Kind, ClientID: c.ClientID})
			Exec(t, d.DB, `UPDATE keystile_credentials SET revoked_at = NULL`)
			_, revoke := st.Revoke(t.Context(), store.Filter{ID: c.ID}, Epoch)
			damaged(set, map[string]error{"Get": get, "List": list, "Revoke": revoke})
		}
	}
	if got, err := st.Get(t.Context(), golden[1].ID); err != nil || got.ID != golden[1].ID {
		t.Errorf("another row: %+v, %v", got, err)
	}
}

// T7: the schema itself refuses some damaged values.
func testSchemaRefuses(t *testing.T, d *Database) {
	d.load(t, "v1")
	sets := []string{`id = NULL`, `id = '7QZT3NLEBARE'`, `digest = NULL`, `digest = (SELECT digest FROM keystile_credentials WHERE id = '7QZT3NLEBARE')`,
		`scopes = NULL`, `networks = NULL`, `created_at = NULL`, `created_at = 'never'`, `data = NULL`}
	if d.Dialect == sqlstore.SQLite {
		sets = append(sets, `digest = zeroblob(31)`, `digest = zeroblob(33)`, `digest = 'text'`, `scopes = x'00'`, `expires_at = 1.5`, `revoked_at = 'never'`)
	} else {
		sets = append(sets, `digest = '\x00'`, `digest = '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20'`)
	}
	for _, set := range sets {
		if _, err := d.DB.ExecContext(t.Context(), `UPDATE keystile_credentials SET `+set+` WHERE id = '7QZT3NLEFULL'`); err == nil {
			t.Errorf("%s: was possible", set)
		}
	}
}
