package cookie

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/internal/grammar"
)

// findTests are Cookie lines and what find makes of them for the name "id".
var findTests = []struct {
	lines     []string
	value     string
	found, ok bool
}{
	{nil, "", false, true},
	{[]string{""}, "", false, true},
	{[]string{"a=b"}, "", false, true},
	{[]string{"id"}, "", true, true},
	{[]string{"id="}, "", true, true},
	{[]string{"id=v"}, "v", true, true},
	{[]string{"id=v=w"}, "v=w", true, true},
	{[]string{"a=b; id=v; c=d"}, "v", true, true},
	{[]string{"a=b;id=v;c=d"}, "v", true, true},
	{[]string{"a=b", "id=v"}, "v", true, true},
	{[]string{" \tid=v\t "}, "v", true, true},
	{[]string{"id =v"}, "v", true, true},
	{[]string{"id= v"}, " v", true, true},
	{[]string{";;; id=v ;;;"}, "v", true, true},
	{[]string{`id="v"`}, "v", true, true},
	{[]string{`id=""`}, "", true, true},
	{[]string{`id="`}, `"`, true, true},
	{[]string{`id="v`}, `"v`, true, true},
	{[]string{`id=v"`}, `v"`, true, true},
	{[]string{`id=""v""`}, `"v"`, true, true},
	{[]string{`a="; id=v; b="`}, "v", true, true}, // quotes do not hide a semicolon
	{[]string{"id=v\n"}, "v\n", true, true},       // a server of net/http refuses it earlier
	{[]string{"ID=v"}, "", false, true},
	{[]string{"idx=v"}, "", false, true},
	{[]string{"xid=v"}, "", false, true},
	{[]string{"a=id=v"}, "", false, true},
	{[]string{"=id"}, "", false, true},
	{[]string{"a, id=v"}, "", false, true},

	{[]string{"id=v; id=v"}, "v", true, true},
	{[]string{"id=v", "id=v"}, "v", true, true},
	{[]string{`id=v; id="v"`}, "v", true, true},
	{[]string{"id=v; id=w"}, "", true, false},
	{[]string{"id=v", "id=w"}, "", true, false},
	{[]string{"id=; id=v"}, "", true, false},
	{[]string{"id; id=v"}, "", true, false},
	{[]string{"id=v; id=\x01"}, "", true, false}, // net/http leaves the second one out

	{[]string{strings.Repeat(";", 2999)}, "", false, true},
	{[]string{strings.Repeat(";", 3000)}, "", true, false},
	{[]string{strings.Repeat(";", 2998), "id=v"}, "v", true, true},
	{[]string{strings.Repeat(";", 2999), "id=v"}, "", true, false},
	{[]string{"id=v", strings.Repeat(";", 2999)}, "", true, false},
	{slices.Repeat([]string{"id=v"}, 3000), "v", true, true},
	{slices.Repeat([]string{"id=v"}, 3001), "", true, false},
}

func TestFind(t *testing.T) {
	for _, tt := range findTests {
		value, found, ok := find(http.Header{"Cookie": tt.lines}, "id")
		if value != tt.value || found != tt.found || ok != tt.ok {
			t.Errorf("%.60q: %q, found %t, ok %t; want %q, %t, %t", tt.lines, value, found, ok, tt.value, tt.found, tt.ok)
		}
	}
}

// FuzzFind compares find with net/http, which reads every cookie and leaves out
// those with characters that it does not like.
func FuzzFind(f *testing.F) {
	for _, tt := range findTests {
		if len(tt.lines) > 0 {
			f.Add("id", tt.lines[0], tt.lines[len(tt.lines)-1], len(tt.lines) > 1)
		}
	}
	f.Add("__Host-session", "theme=dark; __Host-session=v", "__host-session=w", true)
	for _, line := range vectors(f) {
		f.Add("__Host-session", line, line, false)
	}
	f.Fuzz(func(t *testing.T, name, first, second string, two bool) {
		lines := []string{first}
		if two {
			lines = append(lines, second)
		}
		all := strings.Join(lines, ";")
		if !grammar.IsToken(name) || len(all) > 1<<16 || strings.ContainsAny(all, "\r\n") {
			return // New refuses such names, and servers such lines
		}
		h := http.Header{"Cookie": lines}
		value, found, ok := find(h, name)
		if strings.Count(all, ";")+1 > maxCookies {
			if value != "" || !found || ok {
				t.Errorf("too many cookies: %q, found %t, ok %t", value, found, ok)
			}
			return
		}
		var theirs []string
		for _, c := range (&http.Request{Header: h}).CookiesNamed(name) {
			theirs = append(theirs, c.Value)
		}
		unique := slices.Compact(slices.Clone(theirs))
		if ok && len(unique) > 0 && (!found || value != unique[0] || len(unique) > 1) {
			t.Errorf("%q, found %t; net/http has %q", value, found, theirs)
		}
		if !ok && (value != "" || !found) {
			t.Errorf("%q, found %t, ok %t", value, found, ok)
		}
		legible := grammar.IsPrintable(all) && !strings.ContainsAny(all, `"\`) // net/http leaves nothing out
		if legible && (found != (len(unique) > 0) || ok != (len(unique) <= 1)) {
			t.Errorf("found %t, ok %t; net/http has %q", found, ok, theirs)
		}
	})
}

// vectors returns the Cookie lines in testdata/vectors, placeholders and all.
func vectors(t testing.TB) (lines []string) {
	t.Helper()
	b, err := os.ReadFile("../testdata/vectors/v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct{ Request struct{ Headers [][2]string } }
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		for _, h := range c.Request.Headers {
			if h[0] == "Cookie" {
				lines = append(lines, h[1])
			}
		}
	}
	if len(lines) == 0 {
		t.Fatal("no cookies in the vectors")
	}
	return lines
}
