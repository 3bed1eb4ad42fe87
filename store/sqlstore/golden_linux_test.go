package sqlstore_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

func digest(s string) (d store.Digest) {
	hex.Decode(d[:], []byte(s))
	return d
}

// golden are the rows in testdata.
var golden = []*store.Credential{
	{
		ID: "7QZT3NLEFULL", Kind: "token", Digest: digest("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
		Subject: "ada@example.com", Name: `café ☃ "CI"`, Scopes: []string{"reports:read", "reports:write"},
		Family: "7QZT3NLEROOT", Parent: "7QZT3NLESECRET", Networks: prefixes("10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"),
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC), ExpiresAt: time.Date(2026, 4, 2, 3, 4, 5, 678902000, time.UTC),
		RotatedAt: time.Date(2026, 2, 2, 3, 4, 5, 678903000, time.UTC), RevokedAt: time.Date(2026, 2, 3, 3, 4, 5, 678904000, time.UTC),
		LastUsedAt: time.Date(2026, 2, 1, 3, 4, 5, 678905000, time.UTC), Data: []byte("\x00\xff's'\n"),
	},
	{
		ID: "7QZT3NLEBARE", Kind: "token", Digest: digest("202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"),
		Subject: "ada@example.com", Scopes: []string{}, Family: "7QZT3NLEBARE", CreatedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Data: []byte{},
	},
	{
		ID: "7QZT3NLESECRET", Kind: "secret", Digest: digest("404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"),
		Subject: "ada@example.com", Name: "server", Scopes: []string{"*"}, Family: "7QZT3NLESECRET", Networks: prefixes("::1/128"),
		CreatedAt: time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), ExpiresAt: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC), Data: []byte{},
	},
	{
		ID: "7QZT3NLESESSION", Kind: "session", Digest: digest("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0"),
		Subject: "grace", Scopes: []string{"*"}, Family: "7QZT3NLESESSION",
		CreatedAt: time.Date(2026, 1, 1, 12, 0, 0, 500000000, time.UTC), ExpiresAt: time.Unix(0, 0).UTC(), Data: []byte("{}"),
	},
}

// same compares two credentials. What is empty may be nil.
func same(a, b *store.Credential) bool {
	a, b = a.Clone(), b.Clone()
	for _, c := range []*store.Credential{a, b} {
		c.Scopes, c.Networks, c.Data = append([]string{}, c.Scopes...), append([]netip.Prefix{}, c.Networks...), append([]byte{}, c.Data...)
	}
	return reflect.DeepEqual(a, b)
}

// load executes a file of testdata, over a connection that is not used again.
func (d *database) load(t testing.TB, release string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", release, strings.ToLower(string(d.dialect))+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	db := d.open(t)
	db.SetMaxOpenConns(1)
	exec(t, db, string(b))
	db.Close()
}

// T7: what a release has written, every later one reads, with the schema of
// today. v1 is the schema as it is now, the others are kept under the names of
// releases.
func TestGolden(t *testing.T) {
	releases, err := os.ReadDir("testdata")
	if err != nil || len(releases) == 0 {
		t.Fatalf("releases %v, error %v", releases, err)
	}
	for _, dir := range releases {
		t.Run(dir.Name(), func(t *testing.T) {
			release := dir.Name()
			both(t, func(t *testing.T, d *database) {
				d.load(t, release)
				st := d.migrated(t)
				for _, want := range golden {
					got, err := st.Find(t.Context(), want.Kind, want.Digest)
					if err != nil || !same(got, want) {
						t.Errorf("Find = %+v, %v, want %+v", got, err, want)
					}
					if got, err := st.Get(t.Context(), want.ID); err != nil || !same(got, want) {
						t.Errorf("Get = %+v, %v, want %+v", got, err, want)
					}
				}
				list, err := st.List(t.Context(), store.Filter{Subject: "ada@example.com"})
				if err != nil || !slices.EqualFunc(list, golden[:3], same) {
					t.Errorf("List = %+v, %v", list, err)
				}
				fresh := newSQLite(t)
				if d.dialect == sqlstore.PostgreSQL {
					fresh = newPostgres(t)
				}
				fresh.migrated(t)
				if got, want := d.schema(t), fresh.schema(t); !reflect.DeepEqual(got, want) {
					t.Errorf("schema\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			})
		})
	}
}

// T7: what is written today is what those rows are.
func TestGoldenIsWritten(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		d.load(t, "v1")
		row := `SELECT concat(id, kind, digest, subject, name, scopes, family, parent, networks, created_at, expires_at, rotated_at, revoked_at, last_used_at, data) FROM keystile_credentials ORDER BY id`
		if d.dialect == sqlstore.SQLite {
			row = `SELECT concat_ws('|', id, kind, hex(digest), subject, name, scopes, family, parent, networks, created_at, expires_at, rotated_at, revoked_at, last_used_at, hex(data), typeof(data)) FROM keystile_credentials ORDER BY id`
		}
		want := texts(t, d.db, row)
		exec(t, d.db, `DELETE FROM keystile_credentials`)
		insert(t, d.migrated(t), golden...)
		if got := texts(t, d.db, row); !reflect.DeepEqual(got, want) || len(got) != len(golden) {
			t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// T7 B4: a row that was damaged is an outage to whoever asks for it: not found
// would hide it, and believing it could grant more than was meant.
func TestDamagedRows(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		d.load(t, "v1")
		st := d.migrated(t)
		c := golden[0]
		sets := []string{
			`scopes = ''`, `scopes = '*'`, `scopes = '"*"'`, `scopes = 'null'`, `scopes = '{"*":1}'`, `scopes = '["*"'`, `scopes = '["*"] '||'x'`, `scopes = '["*",1]'`, `scopes = '[["*"]]'`,
			`networks = 'x'`, `networks = '10.0.0.0'`, `networks = '10.0.0.0/33'`, `networks = '10.0.0.0/8,192.0.2.0/24'`, `networks = ' '`, `networks = '10.0.0.0/8 '`,
			`networks = '*'`, `networks = '["10.0.0.0/8"]'`,
		}
		if d.dialect == sqlstore.SQLite {
			// A copy of the table without its checks: what a file that
			// has suffered, or another program, can hold.
			sql := texts(t, d.db, `SELECT sql FROM sqlite_schema WHERE name = 'keystile_credentials'`)[0]
			sql = strings.NewReplacer(" STRICT", "", "CHECK (length(digest) = 32)", "", " BLOB ", " ", " TEXT ", " ", " INTEGER", "", "NOT NULL", "").Replace(sql)
			exec(t, d.db, `ALTER TABLE keystile_credentials RENAME TO old`, sql, `INSERT INTO keystile_credentials SELECT * FROM old`)
			const year1 = -62135596800000000
			for _, column := range []string{"created_at", "expires_at", "rotated_at", "revoked_at", "last_used_at"} {
				sets = append(sets, column+` = 'never'`, column+` = '2026-01-02 03:04:05'`, column+` = x'00'`, column+` = 1.5`, fmt.Sprint(column, ` = `, year1))
			}
			for _, column := range []string{"scopes", "networks", "id", "subject", "name", "family", "parent"} {
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
				for _, answer := range answers {
					if errors.Is(err, answer) {
						t.Errorf("%s: %s: %v", set, name, err)
					}
				}
			}
		}
		undo := ` SELECT * FROM keystile_credentials WHERE id = '7QZT3NLEFULL'`
		exec(t, d.db, `CREATE TABLE sound AS`+undo)
		for _, set := range sets {
			exec(t, d.db, `UPDATE keystile_credentials SET `+set+` WHERE id = '7QZT3NLEFULL'`)
			_, find := st.Find(t.Context(), c.Kind, c.Digest)
			asked := map[string]error{"Find": find}
			if set != `id = NULL` {
				_, asked["Get"] = st.Get(t.Context(), c.ID)
			}
			if set != `subject = NULL` {
				_, asked["List"] = st.List(t.Context(), store.Filter{Subject: c.Subject})
			}
			damaged(set, asked)
			exec(t, d.db, `DELETE FROM keystile_credentials WHERE id = '7QZT3NLEFULL' OR id IS NULL`, `INSERT INTO keystile_credentials SELECT * FROM sound`)
		}
		if d.dialect == sqlstore.SQLite { // digests that are none are found by their ID alone
			for _, set := range []string{`digest = x'00'`, `digest = zeroblob(31)`, `digest = zeroblob(33)`, `digest = printf('%032d', 0)`, `digest = NULL`, `digest = 7`} {
				exec(t, d.db, `UPDATE keystile_credentials SET `+set+` WHERE id = '7QZT3NLEFULL'`)
				_, get := st.Get(t.Context(), c.ID)
				_, list := st.List(t.Context(), store.Filter{ID: c.ID})
				exec(t, d.db, `UPDATE keystile_credentials SET revoked_at = NULL`)
				_, revoke := st.Revoke(t.Context(), store.Filter{ID: c.ID}, epoch)
				damaged(set, map[string]error{"Get": get, "List": list, "Revoke": revoke})
			}
		}
		if got, err := st.Get(t.Context(), golden[1].ID); err != nil || got.ID != golden[1].ID {
			t.Errorf("another row: %+v, %v", got, err)
		}
	})
}

// T7: the schema itself refuses what it can.
func TestSchemaRefuses(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		d.load(t, "v1")
		sets := []string{`id = NULL`, `id = '7QZT3NLEBARE'`, `digest = NULL`, `digest = (SELECT digest FROM keystile_credentials WHERE id = '7QZT3NLEBARE')`,
			`scopes = NULL`, `networks = NULL`, `created_at = NULL`, `created_at = 'never'`, `data = NULL`}
		if d.dialect == sqlstore.SQLite {
			sets = append(sets, `digest = zeroblob(31)`, `digest = zeroblob(33)`, `digest = 'text'`, `scopes = x'00'`, `expires_at = 1.5`, `revoked_at = 'never'`)
		} else {
			sets = append(sets, `digest = '\x00'`, `digest = '\x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20'`)
		}
		for _, set := range sets {
			if _, err := d.db.ExecContext(t.Context(), `UPDATE keystile_credentials SET `+set+` WHERE id = '7QZT3NLEFULL'`); err == nil {
				t.Errorf("%s: was possible", set)
			}
		}
	})
}
