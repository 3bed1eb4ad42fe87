// Package canary runs everything that keystile has with credentials that are
// known to the test, and looks for them in all that comes out.
package canary

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/rueidis"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
	"github.com/keystile/keystile/store/redisstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
)

// An engine is a store, and what belongs to it.
type engine struct {
	store store.Store
	dir   string // of its files; "": none
	write func() // has everything written to the files
	kill  func() // ends it, so that each call fails; nil: it cannot end
	again func() error
	also  []any // to be printed
}

var engines = map[string]func(t *testing.T, out *output, password string) engine{
	"memory": func(*testing.T, *output, string) engine { return engine{store: store.NewMemory(), write: func() {}} },
	"SQLite": func(t *testing.T, _ *output, _ string) engine {
		dir := t.TempDir()
		st, err := sqlite.Open(t.Context(), filepath.Join(dir, "canary.db"))
		if err != nil {
			t.Fatal(err)
		}
		return engine{st, dir, func() {}, func() { st.Close() }, func() error {
			_, err := sqlite.Open(t.Context(), filepath.Join(dir, "none", "canary.db"))
			return err
		}, []any{st, st.Store}}
	},
	"PostgreSQL": func(t *testing.T, out *output, password string) engine {
		server := services.StartPostgres(t, "log_statement=all", "log_min_duration_statement=0", "log_parameter_max_length=-1", "log_parameter_max_length_on_error=-1")
		dsn := strings.Replace(server.DSN("postgres"), "postgres@", "postgres:"+password+"@", 1)
		st, err := postgres.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		cached, err := cache.New(cache.Config{Store: st, MaxStale: -1, WatchError: func(err error) {
			slog.Warn("watch", "err", err)
			out.failed(err)
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			cached.Close()
			st.Close()
		})
		write := func() {
			db, err := sql.Open("pgx", server.DSN("postgres"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.ExecContext(t.Context(), "CHECKPOINT"); err != nil {
				t.Fatal(err)
			}
		}
		again := func() error {
			_, err1 := postgres.Open(t.Context(), dsn)
			_, err2 := postgres.Open(t.Context(), dsn+"&sslmode=nonsense")
			_, err3 := postgres.Open(t.Context(), strings.Replace(dsn, "127.0.0.1:", "127.0.0.1:x", 1))
			return errors.Join(err1, err2, err3)
		}
		return engine{cached, server.Dir(), write, server.Kill, again, []any{st, st.Store, cache.Config{Store: st}}}
	},
	"Redis": func(t *testing.T, _ *output, password string) engine {
		server := services.StartRedis(t, "--appendonly", "yes", "--appendfsync", "always", "--rdbcompression", "no", "--loglevel", "debug")
		command := func(args ...string) {
			if answer, err := server.Do(args...); err != nil || answer != "OK" {
				t.Fatal(answer, err)
			}
		}
		command("ACL", "SETUSER", "app", "on", ">"+password, "~*", "&*", "+@all")
		options := rueidis.ClientOption{InitAddress: []string{server.Addr()}, Username: "app", Password: password, ConnWriteTimeout: 2 * time.Second}
		client, err := rueidis.NewClient(options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		cfg := redisstore.Config{Client: client, Prefix: "canary"}
		st, err := redisstore.New(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		again := func() error {
			_, err := redisstore.New(t.Context(), cfg)
			return err
		}
		return engine{st, server.Dir(), func() { command("SAVE") }, server.Kill, again, []any{st, cfg}}
	},
}

// planted is to be found: of each character some encoding writes another.
const planted = "?>~+p/n>~?~>"

// B1, T3, C4: whatever is done, nothing that comes out has a credential or a
// piece of one, but for the one answer that shows it. What is planted in the same
// places is found in all of them.
func TestCanary(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(engines)) {
		t.Run(name, func(t *testing.T) {
			out := newOutput(t)
			d := &driver{t: t, canaries: make(map[string]string), statuses: make(map[int]int)}
			with := configured{pepper: rand.Text() + rand.Text(), password: "correct " + imported()}
			if name == "memory" || name == "PostgreSQL" {
				with.codec = cookie.AEAD
			}
			old, next := d.key(t, "key"), d.key(t, "next key")
			with.keys = []cookie.Key{old}
			d.canaries["pepper"], d.canaries["pepper within"], d.canaries["pepper without"] = with.pepper, xor(with.pepper, 0x36), xor(with.pepper, 0x5c)
			d.canaries["password"], d.canaries["database password"] = with.password, rand.Text()

			e := engines[name](t, out, d.canaries["database password"])
			d.service = start(t, out, e.store, with)
			d.drive(with)
			before := d.service
			with.keys = []cookie.Key{next, old}
			d.service = start(t, out, e.store, with)
			d.show("renewed session", inSetCookie, "GET /api", "", "Cookie: __Host-session="+d.canaries["session"])
			if with.codec == cookie.AEAD {
				d.canaries["session, sealed"] = unsealed(t, next, d.canaries["renewed session"])
			}
			d.mistakes(t, with)

			for _, fail := range []fault{wraps, d.store.panics} {
				d.store.fail.Store(&fail)
				d.fail(with)
				toMake := fault(func(op string, given []any) error {
					if op == "insert" || op == "rotate" {
						return fail(op, given)
					}
					return nil
				})
				d.store.fail.Store(&toMake)
				d.failToMake(with)
				d.store.fail.Store(nil)
			}

			d.plant(t)
			e.write()
			found := out.search(t, hide(map[string]string{"it": planted}), e.dir)
			want := make(map[string][]string)
			for _, place := range places {
				for _, as := range encodings {
					want[place] = append(want[place], "it as "+as.name)
				}
			}
			if e.dir != "" {
				want["files"] = want["events"]
			}
			for _, where := range found {
				slices.Sort(where)
			}
			for _, where := range want {
				slices.Sort(where)
			}
			if diff := cmp.Diff(want, found); diff != "" {
				t.Errorf("what is planted and what is found:\n%s", diff)
			}

			if e.kill != nil {
				e.kill()
				d.untilDown()
				d.fail(with)
				out.failed(e.again())
			}
			d.print(before, e.also)
			for place, what := range out.search(t, hide(d.canaries), e.dir) {
				if len(what) > 0 {
					t.Errorf("%s: %q", place, what)
				}
			}
			for _, status := range []int{200, 400, 401, 403, 429, 500, 503} {
				if d.statuses[status] == 0 {
					t.Errorf("no answer with status %d among %v", status, d.statuses)
				}
			}
			for _, event := range []auth.EventType{auth.Authenticated, auth.Refused, auth.Issued, auth.Rotated, auth.Revoked, auth.Reused, auth.SignedIn, auth.SignedOut} {
				if !out.types[event] {
					t.Errorf("nothing was %s", event)
				}
			}
			t.Logf("%d credentials, statuses %v", len(d.canaries), d.statuses)
		})
	}
}

// key makes a key of cookies whose bytes and text are canaries.
func (d *driver) key(t *testing.T, as string) cookie.Key {
	t.Helper()
	raw := (rand.Text() + rand.Text())[:32]
	k, err := cookie.ParseKey(base64.RawURLEncoding.EncodeToString([]byte(raw)))
	if err != nil {
		t.Fatal(err)
	}
	d.canaries[as], d.canaries[as+", revealed"] = raw, k.Reveal()
	return k
}

func xor(s string, with byte) string {
	b := []byte(s)
	for i := range b {
		b[i] ^= with
	}
	return string(b)
}

// unsealed returns the credential within a cookie.
func unsealed(t *testing.T, k cookie.Key, value string) string {
	t.Helper()
	raw, err1 := base64.RawURLEncoding.DecodeString(k.Reveal())
	derived, err2 := hkdf.Key(sha256.New, raw, nil, "keystile/cookie/aead/__Host-session", 32)
	aead, err3 := chacha20poly1305.NewX(derived)
	sealed, err4 := base64.RawURLEncoding.DecodeString(value)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	payload, err := aead.Open(nil, sealed[1:25], sealed[25:], append([]byte{1}, "__Host-session"...))
	plaintext := regexp.MustCompile(`[0-9a-z]+_[0-9A-Za-z]{46}`).FindString(string(payload))
	if err != nil || plaintext == "" {
		t.Fatalf("%q, %v", payload, err)
	}
	return plaintext
}

// mistakes configures everything wrongly, with secrets in it.
func (d *driver) mistakes(t *testing.T, with configured) {
	short := []byte(with.pepper[:31])
	_, err1 := bearer.New(bearer.Config{Peppers: [][]byte{short, []byte(with.pepper), []byte(with.pepper), nil}, Prefix: "PAT", Realm: "\n"})
	_, err2 := secret.New(secret.Config{Peppers: [][]byte{short}, Limit: -1})
	_, err3 := cookie.New(cookie.Config{Keys: append(with.keys, with.keys[0]), Name: "__Host-session", Domain: "example.com"})
	_, err4 := cookie.New(cookie.Config{Keys: append(with.keys, cookie.Key{}), Codec: 7})
	errs := []error{err1, err2, err3, err4}
	for _, key := range []string{"key", "next key"} {
		for _, text := range []string{d.canaries[key], d.canaries[key+", revealed"] + "!", d.canaries[key+", revealed"] + "AAAA", d.canaries[key+", revealed"] + "\n", d.canaries[key+", revealed"][1:]} {
			_, err := cookie.ParseKey(text)
			errs = append(errs, err)
		}
	}
	for i, err := range errs {
		if err == nil {
			t.Errorf("mistake %d: no error", i)
		}
		d.out.failed(err)
	}
}

// plant puts what is to be found wherever it should be found, in each encoding.
func (d *driver) plant(t *testing.T) {
	for i, as := range encodings {
		text := as.encode(planted)
		log.Print(text)
		d.out.observe(t.Context(), auth.Event{Err: errors.New(text)})
		d.out.failed(fmt.Errorf("x%sx", text))
		io.WriteString(d.out.to("stacks"), text)
		d.out.tell("values", struct{ text string }{text})
		d.ask(200, "GET /echo", "", "Authorization: "+text)
		c := &store.Credential{ID: fmt.Sprint("planted", i), Kind: store.KindToken, Subject: subject, Family: "planted", CreatedAt: time.Now(), Data: []byte(text)}
		rand.Read(c.Digest[:])
		if _, err := d.store.Store.Insert(t.Context(), c, store.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
}
