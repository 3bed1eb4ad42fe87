package suite

import (
	"io/fs"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/keystile/keystile/store/sqlstore"
)

// schema returns a description of the schema.
func (d *Database) schema(t testing.TB) []string {
	t.Helper()
	if d.Dialect == sqlstore.SQLite {
		return Texts(t, d.DB, `SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema
			ORDER BY type, name`)
	}
	return Texts(t, d.DB, `
		SELECT concat_ws(' ', 'column', attname, format_type(atttypid, atttypmod), attnotnull, collname) FROM pg_attribute
			LEFT JOIN pg_collation c ON c.oid = attcollation WHERE attrelid = 'keystile_credentials'::regclass AND attnum > 0
		UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE tablename = 'keystile_credentials'
		UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'keystile_credentials'::regclass
		UNION ALL SELECT 'options ' || reloptions::text FROM pg_class WHERE relname = 'keystile_credentials'
		UNION ALL SELECT 'relation ' || relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
			WHERE nspname = 'public' ORDER BY 1`)
}

// T7: migrating again changes nothing and keeps the rows.
func testMigrateAgain(t *testing.T, d *Database) {
	st := d.Store(t)
	Insert(t, st, Credential("kept"))
	before := d.schema(t)
	for range 2 {
		if err := d.Store(t).Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if after := d.schema(t); !reflect.DeepEqual(after, before) {
		t.Errorf("schema %q, want %q", after, before)
	}
	if _, err := st.Get(t.Context(), "kept"); err != nil {
		t.Error(err)
	}
}

// All the processes of a service may start at once.
func testMigrateAtOnce(t *testing.T, d *Database) {
	var group sync.WaitGroup
	for range 8 {
		db := d.Pool(t)
		group.Go(func() {
			st, err := d.New(sqlstore.Config{DB: db, Dialect: d.Dialect})
			if err == nil {
				err = st.Migrate(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	Insert(t, d.Store(t), Credential("works"))
}

func testMigrateWithinTx(t *testing.T, d *Database) {
	st := d.Store(t)
	if err := st.Tx(begin(t, d.DB)).Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "transaction") {
		t.Errorf("Migrate in a transaction: %v, want an error", err)
	}
}

// Another migration tool can apply the files unchanged, in order.
func testMigrationsAsPlainSQL(t *testing.T, d *Database) {
	files, err := sqlstore.Migrations(d.Dialect)
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
		Exec(t, d.DB, string(sql))
	}
	st, err := d.New(sqlstore.Config{DB: d.DB, Dialect: d.Dialect})
	if err != nil {
		t.Fatal(err)
	}
	Insert(t, st, Credential("works"))
	if err := st.Migrate(t.Context()); err != nil {
		t.Errorf("Migrate afterwards: %v", err)
	}
	if got, want := d.schema(t), d.fresh(t).schema(t); !reflect.DeepEqual(got, want) || len(want) < 7 {
		t.Errorf("schema\n%s\nwant that of Migrate\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
