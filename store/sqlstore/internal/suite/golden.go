package suite

import (
	"embed"
	"encoding/hex"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/sqlstore"
)

func digest(s string) (d store.Digest) {
	hex.Decode(d[:], []byte(s))
	return d
}

// golden are the rows in testdata.
var golden = []*store.Credential{
	{
		ID: "7QZT3NLEFULL", Kind: "token", Digest: digest("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
		Subject: "ada@example.com", Name: `café ☃ "CI"`, Hint: "pat_…KQDc", Scopes: []string{"reports:read", "reports:write"},
		Family: "7QZT3NLEROOT", ClientID: "7QZT3NLESECRET", Actor: "support:grace", Networks: prefixes("10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"),
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC), ExpiresAt: time.Date(2026, 4, 2, 3, 4, 5, 678902000, time.UTC),
		RotatedAt: time.Date(2026, 2, 2, 3, 4, 5, 678903000, time.UTC), RevokedAt: time.Date(2026, 2, 3, 3, 4, 5, 678904000, time.UTC),
		LastUsedAt: time.Date(2026, 2, 1, 3, 4, 5, 678905000, time.UTC), LastUsedAddr: netip.MustParseAddr("192.0.2.7"), Data: []byte("\x00\xff's'\n"),
	},
	{
		ID: "7QZT3NLEBARE", Kind: "token", Digest: digest("202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"),
		Subject: "ada@example.com", Scopes: []string{}, Family: "7QZT3NLEBARE", CreatedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Data: []byte{},
	},
	{
		ID: "7QZT3NLESECRET", Kind: "secret", Digest: digest("404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"),
		Subject: "ada@example.com", Name: "server", Hint: "sec_…x0", Scopes: []string{"*"}, Family: "7QZT3NLESECRET", Networks: prefixes("::1/128"),
		CreatedAt: time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC), ExpiresAt: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		LastUsedAt: time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC), LastUsedAddr: netip.MustParseAddr("fe80::1%eth0"), Data: []byte{},
	},
	{
		ID: "7QZT3NLESESSION", Kind: "session", Digest: digest("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0"),
		Subject: "grace", Scopes: []string{"*"}, Family: "7QZT3NLESESSION",
		CreatedAt: time.Date(2026, 1, 1, 12, 0, 0, 500000000, time.UTC), ExpiresAt: time.Unix(0, 0).UTC(), Data: []byte("{}"),
	},
}

// same compares two credentials. Empty slices may be nil.
func same(a, b *store.Credential) bool {
	a, b = a.Clone(), b.Clone()
	for _, c := range []*store.Credential{a, b} {
		c.Scopes, c.Networks, c.Data = append([]string{}, c.Scopes...), append([]netip.Prefix{}, c.Networks...), append([]byte{}, c.Data...)
	}
	return reflect.DeepEqual(a, b)
}

//go:embed testdata
var testdata embed.FS

// load executes a file of testdata.
func (d *Database) load(t testing.TB, release string) {
	t.Helper()
	b, err := testdata.ReadFile("testdata/" + release + "/" + strings.ToLower(string(d.Dialect)) + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	Exec(t, d.DB, string(b))
}

// T7: this version reads the rows that older releases wrote, and migrates their
// schemas. v1 is the current schema; older ones are named after their releases.
func testGolden(t *testing.T, d *Database) {
	releases, err := testdata.ReadDir("testdata")
	if err != nil || len(releases) == 0 {
		t.Fatalf("releases %v, error %v", releases, err)
	}
	for _, release := range releases {
		t.Run(release.Name(), func(t *testing.T) {
			d := d.Engine.Database(t)
			d.load(t, release.Name())
			st := d.Store(t)
			for _, want := range golden {
				got, err := st.Find(t.Context(), want.Kind, want.Digest)
				if err != nil || !same(got, want) {
					t.Errorf("Find = %+v, %v, want %+v", got, err, want)
				}
				if got, err := st.Get(t.Context(), want.ID); err != nil || !same(got, want) {
					t.Errorf("Get = %+v, %v, want %+v", got, err, want)
				}
			}
			list, _, err := st.List(t.Context(), store.Query{Subject: "ada@example.com", Kind: store.KindToken, ClientID: golden[0].ClientID})
			if err != nil || !slices.EqualFunc(list, golden[:1], same) {
				t.Errorf("List = %+v, %v", list, err)
			}
			if got, want := d.schema(t), d.fresh(t).schema(t); !reflect.DeepEqual(got, want) {
				t.Errorf("schema\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// T7: inserting the golden credentials writes the same rows as in testdata.
func testGoldenIsWritten(t *testing.T, d *Database) {
	d.load(t, "v1")
	row := `SELECT concat(id, kind, digest, subject, name, hint, scopes, family, client_id, actor, networks, created_at, expires_at, rotated_at, revoked_at, last_used_at, last_used_addr, data) FROM keystile_credentials ORDER BY id`
	if d.Dialect == sqlstore.SQLite {
		row = `SELECT concat_ws('|', id, kind, hex(digest), subject, name, hint, scopes, family, client_id, actor, networks, created_at, expires_at, rotated_at, revoked_at, last_used_at, last_used_addr, hex(data), typeof(data)) FROM keystile_credentials ORDER BY id`
	}
	want := Texts(t, d.DB, row)
	Exec(t, d.DB, `DELETE FROM keystile_credentials`)
	Insert(t, d.Store(t), golden...)
	if got := Texts(t, d.DB, row); !reflect.DeepEqual(got, want) || len(got) != len(golden) {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func prefixes(s ...string) (ps []netip.Prefix) {
	for _, p := range s {
		ps = append(ps, netip.MustParsePrefix(p))
	}
	return ps
}
