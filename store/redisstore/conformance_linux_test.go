package redisstore_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/storetest"
)

// R1, R3, R4, R6, R8, R10: the whole contract, with a Redis user that has only the
// documented permissions.
func TestStore(t *testing.T) {
	server := services.StartRedis(t)
	permit(t, server, "app", "~*{*}:*", "&*{*}:changes")
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, Username: "app", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, client) })
}

// A server in cluster mode refuses scripts with keys in more than one slot.
func TestStoreOnCluster(t *testing.T) {
	client := connect(t, startCluster(t))
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, client) })
}

// permit creates a user with the permissions that the package comment lists, except
// the given ones.
func permit(t *testing.T, server *services.Redis, user, keys, channels string, except ...string) {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(doc), "ACL SETUSER")
	list, _, _ = strings.Cut(list, "\n//\n")
	args := []string{"ACL", "SETUSER", user, "on", ">secret", keys, channels}
	for _, field := range strings.Fields(list) {
		if strings.HasPrefix(field, "+") && !slices.Contains(except, field) {
			args = append(args, field)
		}
	}
	if _, err := server.Do(args...); err != nil {
		t.Fatal(err)
	}
}
