package cookie_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/store"
)

var update = flag.Bool("update", false, "write testdata/golden.json anew")

// A goldenFile is a file of cookies that this version of the package, or one of
// before, has made at the start of 2000: the time at which bubbles begin, so
// that they never expire. Files of releases are kept, under other names, when a
// new one is written.
type goldenFile struct {
	Keys    map[string]string // of no other use
	Cookies []goldenCookie
}

type goldenCookie struct {
	Codec   string
	Keys    []string // names
	Value   string
	Subject string
	ID      string
	Scopes  []string
	Row     *goldenRow `json:",omitempty"` // in the store
}

// A goldenRow is a row with what its JSON form leaves out.
type goldenRow struct {
	store.Credential
	Digest, Data []byte
}

var goldenCodecs = map[string]cookie.Codec{"SecureCookie": cookie.SecureCookie, "AEAD": cookie.AEAD}

// TestGolden opens the golden cookies. (T7)
func TestGolden(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	files, err := filepath.Glob("testdata/golden*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, error %v", files, err)
	}
	for _, file := range files {
		g := readGolden(t, file)
		if len(g.Cookies) != 8 {
			t.Errorf("%s: %d cookies, want 8: two codecs, two orders of keys, with a store and without", file, len(g.Cookies))
		}
		for i, c := range g.Cookies {
			synctest.Test(t, func(t *testing.T) {
				for _, names := range [][]string{c.Keys, {"k1"}, {"k2", "k1"}, {"k1", "k2"}, {"k2"}} {
					opens := slices.Contains(names, c.Keys[0]) // the first one sealed it
					if err := checkGolden(t, g, c, names); (err == nil) != opens {
						t.Errorf("%s: cookie %d, keys %v: %v", file, i, names, err)
					}
				}
			})
		}
	}
}

// checkGolden returns an error if c does not open, and fails the test if it
// opens as something else.
func checkGolden(t *testing.T, g goldenFile, c goldenCookie, names []string) error {
	t.Helper()
	s := newSite(t, g.config(t, c.Codec, names, c.rows(t)))
	id, err := s.guard.Authenticate(request("GET", "Cookie: __Host-session="+c.Value))
	if err != nil {
		return err
	}
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	if id.Subject != c.Subject || id.Credential != c.ID || !slices.Equal(id.Scopes, c.Scopes) || id.Scheme != "Cookie" ||
		!id.IssuedAt.Equal(start) || !id.ExpiresAt.Equal(start.Add(time.Hour)) {
		t.Errorf("identity %+v of %+v", id, c)
	}
	return nil
}

// config returns the configuration that c was made with, under the keys with
// these names.
func (g goldenFile) config(t *testing.T, codec string, names []string, rows store.Store) cookie.Config {
	t.Helper()
	cfg := cookie.Config{Codec: goldenCodecs[codec], Store: rows}
	for _, name := range names {
		cfg.Keys = append(cfg.Keys, parse(t, g.Keys[name]))
	}
	return cfg
}

// rows returns a store with the row of c, or nil if it has none.
func (c goldenCookie) rows(t *testing.T) store.Store {
	t.Helper()
	if c.Row == nil {
		return nil
	}
	row := c.Row.Credential
	row.Digest, row.Data = store.Digest(c.Row.Digest), c.Row.Data
	rows := store.NewMemory()
	if _, err := rows.Insert(t.Context(), &row, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	return rows
}

func readGolden(t *testing.T, file string) (g goldenFile) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil && !(*update && errors.Is(err, fs.ErrNotExist)) {
		t.Fatal(err)
	}
	return g
}

func writeGolden(t *testing.T) {
	const file = "testdata/golden.json"
	g := readGolden(t, file)
	g.Cookies = nil
	if g.Keys == nil {
		g.Keys = map[string]string{"k1": cookie.NewKey().Reveal(), "k2": cookie.NewKey().Reveal()}
	}
	synctest.Test(t, func(t *testing.T) {
		for _, codec := range []string{"SecureCookie", "AEAD"} {
			for _, names := range [][]string{{"k1"}, {"k2", "k1"}} {
				for _, rows := range []store.Store{nil, store.NewMemory()} {
					g.Cookies = append(g.Cookies, g.makeCookie(t, codec, names, rows))
				}
			}
		}
	})
	b, err := json.MarshalIndent(g, "", "\t")
	if err == nil {
		err = os.WriteFile(file, append(b, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (g goldenFile) makeCookie(t *testing.T, codec string, names []string, rows store.Store) goldenCookie {
	t.Helper()
	s := newSite(t, g.config(t, codec, names, rows))
	req := cookie.Request{Subject: "ada", UserAgent: "curl/8.5.0"}
	if len(names) > 1 {
		req.Scopes = []string{"reports:read", "reports:write"}
	}
	w := httptest.NewRecorder()
	id, err := s.SignIn(w, request("POST"), req)
	if err != nil {
		t.Fatal(err)
	}
	c := goldenCookie{Codec: codec, Keys: names, Value: cookieOf(t, w).Value, Subject: id.Subject, ID: id.Credential, Scopes: id.Scopes}
	if rows != nil {
		row, err := rows.Get(t.Context(), id.Credential)
		if err != nil {
			t.Fatal(err)
		}
		c.Row = &goldenRow{*row, row.Digest[:], row.Data}
	}
	return c
}
