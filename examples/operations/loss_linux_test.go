package operations_test

import (
	"testing"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
)

// A server that acknowledges what it has not written yet loses it when it is
// killed, and a revocation that was acknowledged with it. One that is set as
// docs/operations.md has it does not.
func TestWhatSettingsLose(t *testing.T) {
	type server interface {
		Kill()
		Start()
	}
	onPostgres := func(settings ...string) func(t *testing.T) (server, func() store.Store) {
		return func(t *testing.T) (server, func() store.Store) {
			s := services.StartPostgres(t, settings...)
			return s, func() store.Store { return openPostgres(t, s.DSN("postgres")) }
		}
	}
	onRedis := func(args ...string) func(t *testing.T) (server, func() store.Store) {
		return func(t *testing.T) (server, func() store.Store) {
			s := services.StartRedis(t, args...)
			return s, func() store.Store { st, _ := openRedis(t, s); return st }
		}
	}
	for _, tt := range []struct {
		name  string
		start func(t *testing.T) (server, func() store.Store)
		loses bool
	}{
		{"PostgreSQL as it comes", onPostgres(), false},
		{"PostgreSQL, synchronous_commit=off", onPostgres("synchronous_commit=off", "wal_writer_delay=10s", "autovacuum=off"), true},
		{"Redis, appendfsync always", onRedis("--appendonly", "yes", "--appendfsync", "always"), false},
		{"Redis, snapshots alone", onRedis("--appendonly", "no"), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, open := tt.start(t)
			n := newNode(t, config{store: open()})
			token, c := n.issue(t)
			if r, ok := s.(*services.Redis); ok && tt.loses {
				do(t, r, "SAVE")
			}
			if p, ok := s.(*services.Postgres); ok && tt.loses {
				run(t, "psql", p.DSN("postgres"), "-qc", "CHECKPOINT")
			}
			if err := n.tokens.Revoke(t.Context(), "ada", c.ID); err != nil {
				t.Fatal(err)
			}
			s.Kill()
			s.Start()
			row, err := newNode(t, config{store: open()}).tokens.Lookup(t.Context(), token)
			if err != nil {
				t.Fatal(err)
			}
			if lost := row.RevokedAt.IsZero(); lost != tt.loses {
				t.Errorf("the revocation is lost: %v, want %v", lost, tt.loses)
			}
		})
	}
}
