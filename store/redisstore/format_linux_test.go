package redisstore_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

// T3: no way to print a Store, or a value that contains it, shows a password.
func TestStoreIsPrintedWithoutThePassword(t *testing.T) {
	const password = "correct-horse"
	server := services.StartRedis(t)
	if _, err := server.Do("ACL", "SETUSER", "app", "on", ">"+password, "~*", "&*", "+@all"); err != nil {
		t.Fatal(err)
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, Username: "app", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	st := open(t, client)
	tokens, err := bearer.New(bearer.Config{Store: st})
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		"*Store":       st,
		"field":        struct{ S *redisstore.Store }{st},
		"hidden field": struct{ s *redisstore.Store }{st},
		"interface":    &struct{ s store.Store }{st},
		"slice":        []store.Store{st},
		"map":          map[string]any{"store": st},
		"tokens":       tokens,
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
	if got := fmt.Sprint(st); got != "redisstore.Store" {
		t.Errorf("printed as %q", got)
	}
}
