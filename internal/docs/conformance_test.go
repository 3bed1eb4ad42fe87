package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every requirement has one row of docs/conformance.md, and every test that the
// row names is there and carries the ID in its name, its comment or a comment
// inside.
func TestConformance(t *testing.T) {
	var want []string
	for _, group := range []struct {
		letter string
		n      int
	}{{"P", 10}, {"C", 8}, {"K", 13}, {"X", 5}, {"T", 7}, {"R", 10}, {"B", 8}} {
		for i := range group.n {
			want = append(want, fmt.Sprint(group.letter, i+1))
		}
	}
	var got []string
	text := read(t, "docs/conformance.md")
	row := regexp.MustCompile(`(?m)^\| ([PCKXTRB][0-9]+) \| (.+?) \| (.+?) \| (.+) \|$`)
	named := regexp.MustCompile("\\[`([^`]+)`\\]\\(\\.\\./([^)]+)\\)")
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		id := m[1]
		got = append(got, id)
		tests := named.FindAllStringSubmatch(m[4], -1)
		if len(tests) == 0 {
			t.Errorf("%s: no tests", id)
		}
		for _, test := range tests {
			carried, found := carries(t, test[2], test[1], id)
			switch {
			case !found:
				t.Errorf("%s: %s has no %s", id, test[2], test[1])
			case !carried:
				t.Errorf("%s: %s in %s does not carry the ID", id, test[1], test[2])
			}
		}
	}
	for _, id := range want {
		if !slices.Contains(got, id) {
			t.Errorf("no row for %s", id)
		}
	}
}

// carries reports whether the function of a test file carries an ID, and whether
// it is there.
func carries(t *testing.T, file, name, id string) (carried, found bool) {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, filepath.Join(root, file), nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(file, "_test.go") {
		return false, false
	}
	for _, decl := range f.Decls {
		d, ok := decl.(*ast.FuncDecl)
		if !ok || d.Recv != nil || d.Name.Name != name {
			continue
		}
		text := name
		for _, c := range f.Comments {
			if c == d.Doc || c.Pos() >= d.Pos() && c.End() <= d.End() {
				text += "\n" + c.Text()
			}
		}
		return regexp.MustCompile(`(^|[^0-9A-Za-z])` + id + `($|[^0-9A-Za-z])`).MatchString(text), true
	}
	return false, false
}
