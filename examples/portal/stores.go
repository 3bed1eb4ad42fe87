package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
	"github.com/keystile/keystile/store/redisstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// A keep is where the portal keeps its credentials, and the key of its cookies.
type keep struct {
	store.Store
	key   cookie.Key
	about string // for whoever starts the portal
	close func() error
}

// openStore opens the store that the flag -store names.
func openStore(ctx context.Context, name string) (*keep, error) {
	switch kind, rest, _ := strings.Cut(name, ":"); kind {
	case "memory":
		return &keep{store.NewMemory(), cookie.NewKey(), "Everything is kept in memory: these credentials end with the program.", func() error { return nil }}, nil
	case "sqlite":
		return openSQLite(ctx, rest)
	case "postgres", "postgresql":
		return openShared("PostgreSQL", func() (store.Store, func() error, error) { return openPostgres(ctx, name) })
	case "redis", "rediss":
		return openShared("Redis", func() (store.Store, func() error, error) { return openRedis(ctx, name) })
	}
	return nil, fmt.Errorf("-store %q: must be memory, sqlite:PATH, postgres://HOST/DATABASE or redis://HOST:PORT", name)
}

func openSQLite(ctx context.Context, path string) (*keep, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	st, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	key, err := keyFile(path + ".key")
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return &keep{st, key, "Credentials are kept in " + path + " (SQLite); -store memory keeps nothing.", st.Close}, nil
}

// openShared puts a cache in front of a store that several portals share: as fast
// as memory, and what one of them revokes the others refuse at once.
func openShared(engine string, open func() (store.Store, func() error, error)) (*keep, error) {
	key, how, err := keyFromEnvironment()
	if err != nil {
		return nil, err
	}
	st, closeStore, err := open()
	if err != nil {
		return nil, err
	}
	cached, err := cache.New(cache.Config{Store: st, WatchError: func(err error) {
		slog.Error("no news of revocations for the moment", "err", err)
	}})
	if err != nil {
		return nil, errors.Join(err, closeStore())
	}
	about := "Credentials are kept in " + engine + ". " + how
	return &keep{cached, key, about, func() error { return errors.Join(cached.Close(), closeStore()) }}, nil
}

func openPostgres(ctx context.Context, dsn string) (store.Store, func() error, error) {
	st, err := postgres.Open(ctx, dsn)
	if err != nil {
		return nil, nil, err
	}
	return st, st.Close, nil
}

func openRedis(ctx context.Context, url string) (store.Store, func() error, error) {
	st, err := redisstore.Open(ctx, url, redisstore.Config{Prefix: "portal"})
	if err != nil {
		return nil, nil, err
	}
	return st, st.Close, nil
}

// keyVariable is the environment variable with the key of the cookies. All
// portals that share a store need the same.
const keyVariable = "PORTAL_KEY"

func keyFromEnvironment() (cookie.Key, string, error) {
	value := os.Getenv(keyVariable)
	if value == "" {
		return cookie.NewKey(), keyVariable + " is not set: sessions end with this program.", nil
	}
	key, err := cookie.ParseKey(value)
	if err != nil {
		return cookie.Key{}, "", fmt.Errorf("%s: %w", keyVariable, err)
	}
	return key, "Sessions are for all that have the same " + keyVariable + ".", nil
}

// keyFile returns the key in a file, which is made for its owner alone if there
// is none.
func keyFile(path string) (cookie.Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := cookie.NewKey()
		return key, os.WriteFile(path, []byte(key.Reveal()+"\n"), 0o600)
	} else if err != nil {
		return cookie.Key{}, err
	}
	key, err := cookie.ParseKey(strings.TrimSpace(string(text)))
	if err != nil {
		return cookie.Key{}, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}
