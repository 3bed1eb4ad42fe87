package docs

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	pathpkg "path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestFloors compares what each package imports with the table in
// CONTRIBUTING.md.
func TestFloors(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| package | imports")
	want := make(map[string][]string)
	for row := range strings.Lines(table) {
		if row == "\n" {
			break
		}
		cells := strings.Split(row, "|")
		var names [2][]string
		for i := range names {
			if len(cells) == 4 {
				names[i] = regexp.MustCompile("`[^`]+`").FindAllString(cells[i+1], -1)
			}
		}
		for _, pkg := range names[0] {
			imports := []string{}
			for _, name := range names[1] {
				imports = append(imports, strings.Trim(name, "`"))
			}
			slices.Sort(imports)
			want[strings.Trim(pkg, "`")] = imports
		}
	}

	got := make(map[string][]string)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		pkg, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		pkg = filepath.ToSlash(pkg)
		if d.IsDir() && (pkg == "bench" || pkg == "examples" || strings.HasPrefix(pkg, ".") && pkg != "." || d.Name() == "testdata") {
			return filepath.SkipDir // which may import anything
		}
		if pkg = pathpkg.Dir(pkg); !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if got[pkg] == nil {
			got[pkg] = []string{}
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") { // not of the standard library
				got[pkg] = append(got[pkg], strings.TrimPrefix(name, "github.com/keystile/keystile/"))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg, imports := range got {
		slices.Sort(imports)
		got[pkg] = slices.Compact(imports)
	}
	for _, pkg := range slices.Sorted(maps.Keys(got)) {
		if _, listed := want[pkg]; !listed {
			t.Errorf("%s is not in the table of CONTRIBUTING.md", pkg)
			continue
		}
		if !slices.Equal(got[pkg], want[pkg]) {
			t.Errorf("%s imports\n%q, CONTRIBUTING.md says\n%q", pkg, got[pkg], want[pkg])
		}
	}
	for pkg := range got {
		if !strings.Contains("/"+pkg, "/internal/") && !slices.Contains(publicPackages, pkg) {
			t.Errorf("%s is not among publicPackages, whose documentation is checked", pkg)
		}
	}
	for pkg := range want {
		if _, found := got[pkg]; !found {
			t.Errorf("CONTRIBUTING.md has a row for %s, which is not there", pkg)
		}
	}
}
