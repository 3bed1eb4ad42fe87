// Package vectors runs the vectors in testdata/vectors through the library.
package vectors_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors/v1.json anew")

const fileName = "../../testdata/vectors/v1.json"

// A file is what testdata/vectors/README.md describes.
type file struct {
	Version int       `json:"version"`
	Cases   []*vector `json:"cases"`
}

type vector struct {
	Name          string   `json:"name"`
	Class         string   `json:"class"`
	Section       string   `json:"section"`
	Reason        string   `json:"reason"`
	Transports    []string `json:"transports"`
	ServerRefuses []string `json:"server_refuses,omitempty"`
	Request       message  `json:"request"`
	Response      answer   `json:"response"`
}

type message struct {
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Headers [][2]string `json:"headers,omitempty"`
	Body    string      `json:"body,omitempty"`
}

type answer struct {
	Status  int                 `json:"status"`
	Subject string              `json:"subject,omitempty"`
	Scheme  string              `json:"scheme,omitempty"`
	Headers map[string][]string `json:"headers"`
}

// latin1 returns a string with a character for each byte of s, as the file has
// header values.
func latin1(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// raw undoes latin1.
func raw(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteByte(byte(r))
	}
	return b.String()
}

func load(t testing.TB) *file {
	t.Helper()
	b, err := os.ReadFile(fileName)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	f := new(file)
	if err := dec.Decode(f); err != nil {
		t.Fatal(err)
	}
	return f
}

// The file is what is generated, names each case once, and is about refusals.
func TestFile(t *testing.T) {
	want := generate().encode()
	if *update {
		if err := os.WriteFile(fileName, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(fileName)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is generated: go test ./internal/vectors -update", fileName)
	}
	f := load(t)
	if f.Version != 1 {
		t.Errorf("version %d", f.Version)
	}
	names, requests, classes, negative := map[string]bool{}, map[string]string{}, map[string]int{}, 0
	for _, c := range f.Cases {
		if names[c.Name] {
			t.Errorf("%q: two cases of that name", c.Name)
		}
		names[c.Name] = true
		request := fmt.Sprintf("%q %q", c.Transports, c.Request)
		if other, ok := requests[request]; ok {
			t.Errorf("%q: the same request as %q", c.Name, other)
		}
		requests[request] = c.Name
		if c.Section == "" || c.Reason == "" || len(c.Transports) == 0 {
			t.Errorf("%q: incomplete", c.Name)
		}
		for _, tr := range append(slices.Clone(c.Transports), c.ServerRefuses...) {
			if !slices.Contains(everywhere, tr) {
				t.Errorf("%q: transport %q", c.Name, tr)
			}
		}
		classes[c.Class]++
		if c.Response.Status >= 400 {
			negative++
		}
		if (c.Class == "ok") != (c.Response.Status < 400) {
			t.Errorf("%q: %s, but %d", c.Name, c.Class, c.Response.Status)
		}
	}
	for _, class := range []string{"ok", "no-credentials", "malformed", "invalid", "insufficient-scope", "cross-origin", "throttled", "unavailable"} {
		if classes[class] < 3 {
			t.Errorf("class %s: %d cases", class, classes[class])
		}
	}
	if n := len(f.Cases); n < 200 || negative*100 < 80*n {
		t.Errorf("%d cases, %d of them negative", n, negative)
	}
	t.Logf("%d cases, %d negative (%d %%): %v", len(f.Cases), negative, negative*100/len(f.Cases), classes)
}
