package redisstore_test

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/internal/services"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/redisstore"
)

var update = flag.Bool("update", false, "add rows to testdata that are not there")

// golden are credentials whose rows are in testdata/rows-1.txt, by their IDs.
func golden() []*store.Credential {
	moment := time.Date(2026, 2, 3, 4, 5, 6, 789012000, time.UTC)
	return []*store.Credential{
		{ID: "empty"},
		{
			ID: "plain", Kind: store.KindToken, Subject: "ada", Scopes: []string{"*"}, Family: "plain",
			CreatedAt: moment, ExpiresAt: moment.Add(24 * time.Hour),
		},
		{
			ID: "full", Kind: store.KindSecret, Subject: "gra\x00ce\xff", Name: "Zoë's \"CI\" 🔑\n",
			Scopes: []string{"reports:read", "", "a b"}, Family: "first", ClientID: "secret", Hint: "sec_…KQDc", Actor: "support",
			Networks: []netip.Prefix{
				netip.MustParsePrefix("10.1.2.3/8"), netip.MustParsePrefix("0.0.0.0/0"),
				netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::ffff:192.0.2.0/120"),
			},
			CreatedAt: moment, ExpiresAt: moment.Add(1), RotatedAt: moment.Add(2 * time.Second),
			RevokedAt: moment.Add(3 * time.Second), LastUsedAt: moment.Add(4 * time.Second), LastUsedAddr: netip.MustParseAddr("2001:db8::7"),
			Data: []byte("\x00\xff{}"),
		},
		{
			ID: "far", Kind: store.KindSession, Subject: "ada",
			CreatedAt: time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), ExpiresAt: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
			RevokedAt: time.Unix(0, 0).UTC(), LastUsedAt: time.Date(1969, 7, 20, 20, 17, 40, 123456000, time.UTC),
		},
	}
}

// T7: this version reads the rows of all releases, and writes the same rows as
// rows-1.txt.
func TestGoldenRows(t *testing.T) {
	const name = "testdata/rows-1.txt"
	client := connect(t, services.StartRedis(t))
	st := openWith(t, redisstore.Config{Client: client, Prefix: "test"})
	rows := make(map[string]string)
	if text, err := os.ReadFile(name); err == nil {
		for line := range strings.Lines(string(text)) {
			id, row, _ := strings.Cut(strings.TrimSpace(line), " ")
			rows[id] = row
		}
	} else if !*update {
		t.Fatal(err)
	}
	for i, c := range golden() {
		c.Digest[0] = byte(i)
		if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
			t.Fatal(err)
		}
		key := key(t, client, c)
		row, err := client.Do(t.Context(), client.B().Get().Key(key).Build()).AsBytes()
		if err != nil {
			t.Fatal(err)
		}
		if *update && rows[c.ID] == "" {
			rows[c.ID] = hex.EncodeToString(row)
			f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(f, c.ID, rows[c.ID])
			f.Close()
		}
		if hex.EncodeToString(row) != rows[c.ID] {
			t.Errorf("%s: is written as\n%x, want\n%s", c.ID, row, rows[c.ID])
		}
		old, err := hex.DecodeString(rows[c.ID])
		if err != nil {
			t.Fatal(err)
		}
		set(t, client, key, string(old))
		for _, read := range []func() (*store.Credential, error){
			func() (*store.Credential, error) { return st.Find(t.Context(), c.Kind, c.Digest) },
			func() (*store.Credential, error) { return st.Get(t.Context(), c.ID) },
		} {
			got, err := read()
			if err != nil {
				t.Fatalf("%s: %v", c.ID, err)
			}
			want := c.Clone()
			want.ExpiresAt = want.ExpiresAt.Truncate(time.Microsecond)
			if len(got.Data) == 0 && len(want.Data) == 0 {
				got.Data = want.Data
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: is read as\n%+v, want\n%+v", c.ID, got, want)
			}
		}
	}
}

// key returns the key of c's row.
func key(tb testing.TB, client rueidis.Client, c *store.Credential) string {
	tb.Helper()
	keys, err := client.Do(tb.Context(), client.B().Keys().Pattern("*}:d:*").Build()).AsStrSlice()
	if err != nil {
		tb.Fatal(err)
	}
	for _, key := range keys {
		if row, err := client.Do(tb.Context(), client.B().Get().Key(key).Build()).ToString(); strings.HasSuffix(key, string(c.Digest[:])) && err == nil && len(row) != 10 { // not a pointer
			return key
		}
	}
	tb.Fatalf("no row of %q", c.ID)
	return ""
}

func set(tb testing.TB, client rueidis.Client, key, value string) {
	tb.Helper()
	if err := client.Do(tb.Context(), client.B().Set().Key(key).Value(value).Build()).Error(); err != nil {
		tb.Fatal(err)
	}
}

// B4: a damaged row is an outage, not an unknown credential. Writes do not treat it
// as unknown, and do not change it.
func TestDamagedRowIsAnOutage(t *testing.T) {
	client := connect(t, services.StartRedis(t))
	for name, damage := range map[string]func(row string) string{
		"empty":             func(string) string { return "" },
		"cut off":           func(row string) string { return row[:len(row)-1] },
		"too long":          func(row string) string { return row + "x" },
		"of a later format": func(row string) string { return "2" + row[1:] },
		"with a bad time":   func(row string) string { return row[:20] + "x" + row[21:] },
		"cut off in times":  func(row string) string { return row[:50] },
	} {
		t.Run(name, func(t *testing.T) {
			st := openWith(t, redisstore.Config{Client: client, Prefix: name})
			c := credential("ada")
			if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
				t.Fatal(err)
			}
			key := key(t, client, c)
			get := func() string {
				row, err := client.Do(t.Context(), client.B().Get().Key(key).Build()).ToString()
				if err != nil {
					t.Fatal(err)
				}
				return row
			}
			damaged := damage(get())
			set(t, client, key, damaged)
			_, err := st.Find(t.Context(), c.Kind, c.Digest)
			outage(t, "Find", err)
			_, err = st.Get(t.Context(), c.ID)
			outage(t, "Get", err)
			_, _, err = st.List(t.Context(), store.Query{Kind: c.Kind, Subject: "ada"})
			outage(t, "List", err)
			if name == "too long" || name == "cut off" {
				return // scripts do not read the end of a row
			}
			outage(t, "Touch", st.Touch(t.Context(), []store.Use{{ID: c.ID, At: c.ExpiresAt}}))
			outage(t, "Rotate", st.Rotate(t.Context(), c.ID, c.ExpiresAt, credential("ada"), store.Limits{}))
			_, err = st.Revoke(t.Context(), store.Filter{Subject: "ada"}, c.ExpiresAt)
			outage(t, "Revoke", err)
			if get() != damaged {
				t.Error("the damaged row was changed")
			}
		})
	}
	t.Run("of another type", func(t *testing.T) {
		st := openWith(t, redisstore.Config{Client: client, Prefix: "type"})
		c := credential("ada")
		if _, err := st.Insert(t.Context(), c, store.Limits{}); err != nil {
			t.Fatal(err)
		}
		key := key(t, client, c)
		if err := errors.Join(client.Do(t.Context(), client.B().Del().Key(key).Build()).Error(),
			client.Do(t.Context(), client.B().Lpush().Key(key).Element("x").Build()).Error()); err != nil {
			t.Fatal(err)
		}
		_, err := st.Find(t.Context(), c.Kind, c.Digest)
		outage(t, "Find", err)
	})
}

// Values that a row cannot represent exactly are refused.
func TestUnfitCredentialsAreRefused(t *testing.T) {
	st := open(t, connect(t, services.StartRedis(t)))
	late, early, network := credential("ada"), credential("ada"), credential("ada")
	late.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	early.LastUsedAt = time.Time{}.Add(-time.Second)
	network.Networks = []netip.Prefix{{}}
	for _, c := range []*store.Credential{late, early, network} {
		_, err := st.Insert(t.Context(), c, store.Limits{})
		outage(t, "Insert", err)
		if err := expect(st, c, false, "Insert"); err != nil {
			t.Error(err)
		}
	}
	_, err := st.Revoke(t.Context(), store.Filter{Subject: "ada"}, late.ExpiresAt)
	outage(t, "Revoke", err)
}
