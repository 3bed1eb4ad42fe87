package postgres_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
)

// T3: no way to print a Store, or a value that contains it, shows a password.
func TestStoreIsPrintedWithoutThePassword(t *testing.T) {
	const password = "correct-horse"
	cfg, err := pgx.ParseConfig("postgres://ada:" + password + "@192.0.2.1/service")
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*cfg) // like Open
	defer db.Close()
	st, err := postgres.New(sqlstore.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		"*postgres.Store": st,
		"sqlstore.Store":  *st.Store,
		"*sqlstore.Store": st.Store,
		"field":           struct{ S *postgres.Store }{st},
		"hidden field":    struct{ s *postgres.Store }{st},
		"interface":       &struct{ s store.Store }{st},
		"embedded":        struct{ *sqlstore.Store }{st.Store},
		"slice":           []store.Store{st, st.Store},
		"map":             map[string]any{"store": st},
		"tokens":          tokens,
	} {
		t.Run(name, func(t *testing.T) {
			for verb := 'A'; verb <= 'z'; verb++ {
				for _, flags := range []string{"", "+", "#", "+#"} {
					if printed := fmt.Sprintf("%"+flags+string(verb), v); strings.Contains(printed, password) || strings.Contains(printed, fmt.Sprintf("%x", password)) {
						t.Errorf("%%%s%c prints %s", flags, verb, printed)
					}
				}
			}
			var logged bytes.Buffer
			slog.New(slog.NewTextHandler(&logged, nil)).Info("opened", "store", v)
			slog.New(slog.NewJSONHandler(&logged, nil)).Info("opened", "store", v)
			if strings.Contains(logged.String(), password) {
				t.Errorf("slog prints %s", logged.String())
			}
		})
	}
	for want, v := range map[string]any{"postgres.Store": st, "sqlstore.Store": st.Store} {
		if got := fmt.Sprint(v); got != want {
			t.Errorf("printed as %q, want %q", got, want)
		}
	}
}
