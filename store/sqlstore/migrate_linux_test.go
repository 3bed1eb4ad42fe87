package sqlstore_test

import (
	"io/fs"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"github.com/keystile/keystile/store/sqlstore"
)

// schema returns what tells one schema from another, but for the migrations'
// own table.
func (d *database) schema(t testing.TB) []string {
	t.Helper()
	if d.dialect == sqlstore.SQLite {
		return texts(t, d.db, `SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
			WHERE tbl_name NOT IN ('keystile_migrations', 'sqlite_sequence') ORDER BY type, name`)
	}
	return texts(t, d.db, `
		SELECT concat_ws(' ', 'column', attname, format_type(atttypid, atttypmod), attnotnull, collname) FROM pg_attribute
			LEFT JOIN pg_collation c ON c.oid = attcollation WHERE attrelid = 'keystile_credentials'::regclass AND attnum > 0
		UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE tablename = 'keystile_credentials'
		UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'keystile_credentials'::regclass
		UNION ALL SELECT 'options ' || reloptions::text FROM pg_class WHERE relname = 'keystile_credentials'
		UNION ALL SELECT 'relation ' || relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
			WHERE nspname = 'public' AND relname NOT LIKE 'keystile_migrations%' ORDER BY 1`)
}

// T7: again does nothing, and keeps what is there.
func TestMigrateAgain(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		st := d.migrated(t)
		insert(t, st, credential("kept"))
		before := d.schema(t)
		for range 2 {
			if err := d.migrated(t).Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if after := d.schema(t); !reflect.DeepEqual(after, before) {
			t.Errorf("schema %q, want %q", after, before)
		}
		if _, err := st.Get(t.Context(), "kept"); err != nil {
			t.Error(err)
		}
	})
}

// All the processes of a service may start at once.
func TestMigrateAtOnce(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		var group sync.WaitGroup
		for range 8 {
			db := d.open(t)
			group.Go(func() {
				st, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: d.dialect})
				if err == nil {
					err = st.Migrate(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		insert(t, d.migrated(t), credential("works"))
	})
}

func TestMigrateWithinTx(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		st := d.migrated(t)
		if err := st.Tx(begin(t, d.db)).Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "transaction") {
			t.Errorf("Migrate in a transaction: %v, want an error", err)
		}
	})
}

// Who has a migration tool applies the files with it: as they are, in order.
func TestMigrationsAsPlainSQL(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		files, err := sqlstore.Migrations(d.dialect)
		if err != nil {
			t.Fatal(err)
		}
		names, err := fs.Glob(files, "*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			sql, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			exec(t, d.db, string(sql))
		}
		st, err := sqlstore.New(sqlstore.Config{DB: d.db, Dialect: d.dialect})
		if err != nil {
			t.Fatal(err)
		}
		insert(t, st, credential("works"))
		other := newSQLite(t)
		if d.dialect == sqlstore.PostgreSQL {
			other = newPostgres(t)
		}
		other.migrated(t)
		if got, want := d.schema(t), other.schema(t); !reflect.DeepEqual(got, want) || len(want) < 7 {
			t.Errorf("schema\n%s\nwant that of Migrate\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// A host that uses the same migration library keeps its own versions.
func TestMigrationsTable(t *testing.T) {
	both(t, func(t *testing.T, d *database) {
		dialect := goose.DialectSQLite3
		if d.dialect == sqlstore.PostgreSQL {
			dialect = goose.DialectPostgres
		}
		host := fstest.MapFS{}
		up := func(name, sql string) {
			host[name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + sql)}
			provider, err := goose.NewProvider(dialect, d.db, host)
			if err != nil {
				t.Fatal(err)
			}
			if applied, err := provider.Up(t.Context()); err != nil || len(applied) != 1 {
				t.Fatalf("the host's %s: %v, %v", name, applied, err)
			}
		}
		up("00001_accounts.sql", accounts+";")
		insert(t, d.migrated(t), credential("works"))
		up("00002_groups.sql", "CREATE TABLE host_groups (name TEXT);")
		d.migrated(t)
		for table, want := range map[string]int{"goose_db_version": 3, "keystile_migrations": 2} { // both with a version 0
			if n := count(t, d.db, `SELECT count(*) FROM `+table); n != want {
				t.Errorf("%s has %d rows, want %d", table, n, want)
			}
		}
	})
}
