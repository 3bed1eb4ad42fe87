package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store/sqlstore"
)

// B8: the error names all mistakes at once.
func TestConfigMistakes(t *testing.T) {
	db := sql.OpenDB(unreachable{})
	tests := []struct {
		name string
		cfg  sqlstore.Config
		want []string
	}{
		{"nothing set", sqlstore.Config{}, []string{`Config.DB: nil`, `Config.Dialect: ""`}},
		{"all wrong", sqlstore.Config{Dialect: "MySQL", Timeout: -time.Second}, []string{`Config.DB: nil`, `Config.Dialect: "MySQL"`, `Config.Timeout: -1s`}},
		{"dialect in lower case", sqlstore.Config{DB: db, Dialect: "sqlite"}, []string{`Config.Dialect: "sqlite"`}},
		{"negative timeout", sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Timeout: -1}, []string{`Config.Timeout: -1ns`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st, err := sqlstore.New(tt.cfg)
			if st != nil || err == nil {
				t.Fatalf("New = %v, %v, want an error", st, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Errorf("%d mistakes: %v, want %d", len(lines), lines, len(tt.want))
			}
			for i, line := range lines {
				if i < len(tt.want) && !strings.HasPrefix(line, "sqlstore: "+tt.want[i]) {
					t.Errorf("%q, want %q", line, tt.want[i])
				}
			}
		})
	}
}

// A service can start while its database does not answer, because New does not
// connect.
func TestNewDoesNotConnect(t *testing.T) {
	for _, d := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL} {
		if _, err := sqlstore.New(sqlstore.Config{DB: sql.OpenDB(unreachable{}), Dialect: d}); err != nil {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func TestMigrationsOfDialects(t *testing.T) {
	for _, d := range []sqlstore.Dialect{sqlstore.SQLite, sqlstore.PostgreSQL} {
		files, err := sqlstore.Migrations(d)
		if err != nil {
			t.Fatal(err)
		}
		if names, err := fs.Glob(files, "*.sql"); err != nil || len(names) == 0 {
			t.Errorf("%s: %q, %v", d, names, err)
		}
	}
	if files, err := sqlstore.Migrations("MySQL"); files != nil || err == nil || !strings.Contains(err.Error(), `"MySQL"`) {
		t.Errorf("of an unknown dialect: %v, %v", files, err)
	}
}

// unreachable is the driver of a database that does not answer.
type unreachable struct{ driver.Connector }

func (unreachable) Connect(context.Context) (driver.Conn, error) {
	return nil, errors.New("no route to host")
}
