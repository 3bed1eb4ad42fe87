// Package api lists what the public packages export, one line for each symbol,
// field and method, so that a change of it shows in a diff.
package api

import (
	"cmp"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Root is the path of the root module.
const Root = "github.com/keystile/keystile"

// Modules returns the directories of the modules that are released, relative to
// root, the root module first.
func Modules(root string) ([]string, error) {
	var files []string
	for _, pattern := range []string{"store/*/go.mod", "store/*/*/go.mod"} { // a module comes after those it requires
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	dirs := []string{"."}
	for _, file := range files {
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, filepath.ToSlash(dir))
	}
	return dirs, nil
}

// File returns the name of the file, relative to root, that has the API of the
// module in dir.
func File(dir string) string {
	name := "keystile"
	if dir != "." {
		name = strings.ReplaceAll(dir, "/", "-")
	}
	return "api/" + name + ".txt"
}

// List returns the API of the module in dir, which is relative to root: sorted
// lines. The go command compiles the packages, and what they export is read
// from that, so it is what callers get.
func List(root, dir string) ([]string, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.DepOnly}} {{.Export}}", "./...")
	cmd.Dir = filepath.Join(root, dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w\n%s", dir, err, stderr.String())
	}
	exports := make(map[string]string)
	var public []string
	for line := range strings.Lines(string(out)) {
		var path, file string
		var dep bool
		if n, _ := fmt.Sscan(line, &path, &dep, &file); n < 2 {
			return nil, fmt.Errorf("go list in %s: %q", dir, line)
		}
		exports[path] = file
		if !dep && !strings.Contains(path+"/", "/internal/") {
			public = append(public, path)
		}
	}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	var lines []string
	for _, path := range public {
		p, err := imports.Import(path)
		if err != nil {
			return nil, err
		}
		lines = append(lines, packageLines(p)...)
	}
	slices.Sort(lines)
	return lines, nil
}

func packageLines(p *types.Package) []string {
	var lines []string
	add := func(format string, a ...any) {
		lines = append(lines, "pkg "+strings.TrimPrefix(p.Path(), Root+"/")+", "+fmt.Sprintf(format, a...))
	}
	text := func(t types.Type) string {
		return types.TypeString(unnamed(t), func(other *types.Package) string {
			if other == p {
				return ""
			}
			return other.Name()
		})
	}
	call := func(t types.Type) string { return strings.TrimPrefix(text(t), "func") }
	for _, name := range p.Scope().Names() {
		o := p.Scope().Lookup(name)
		if !o.Exported() {
			continue
		}
		switch o := o.(type) {
		case *types.Const:
			add("const %s %s = %s", name, text(o.Type()), o.Val().ExactString())
		case *types.Var:
			add("var %s %s", name, text(o.Type()))
		case *types.Func:
			add("func %s%s", name, call(o.Type()))
		case *types.TypeName:
			if o.IsAlias() {
				add("type %s = %s", name, text(types.Unalias(o.Type())))
				continue
			}
			typeLines(o, add, text, call)
		}
	}
	return lines
}

func typeLines(o *types.TypeName, add func(string, ...any), text, call func(types.Type) string) {
	switch u := o.Type().Underlying().(type) {
	case *types.Struct:
		add("type %s struct", o.Name())
		if types.Comparable(u) {
			add("type %s struct, comparable", o.Name())
		}
		for f := range u.Fields() {
			switch {
			case f.Embedded() && f.Exported():
				add("type %s struct, embedded %s", o.Name(), text(f.Type()))
			case f.Exported():
				add("type %s struct, %s %s", o.Name(), f.Name(), text(f.Type()))
			}
		}
	case *types.Interface:
		add("type %s interface", o.Name())
		for m := range u.Methods() {
			if m.Exported() {
				add("type %s interface, %s%s", o.Name(), m.Name(), call(m.Type()))
			} else {
				add("type %s interface, unexported methods", o.Name())
			}
		}
		return
	default:
		add("type %s %s", o.Name(), text(u))
	}
	values := types.NewMethodSet(o.Type())
	for m := range types.NewMethodSet(types.NewPointer(o.Type())).Methods() { // promoted ones too
		if !m.Obj().Exported() {
			continue
		}
		star := "*"
		if values.Lookup(nil, m.Obj().Name()) != nil {
			star = ""
		}
		add("method (%s%s) %s%s", star, o.Name(), m.Obj().Name(), call(m.Type()))
	}
}

// unnamed returns t without the names of parameters: to change one is no change
// of the API.
func unnamed(t types.Type) types.Type {
	switch t := t.(type) {
	case *types.Pointer:
		return types.NewPointer(unnamed(t.Elem()))
	case *types.Slice:
		return types.NewSlice(unnamed(t.Elem()))
	case *types.Array:
		return types.NewArray(unnamed(t.Elem()), t.Len())
	case *types.Map:
		return types.NewMap(unnamed(t.Key()), unnamed(t.Elem()))
	case *types.Chan:
		return types.NewChan(t.Dir(), unnamed(t.Elem()))
	case *types.Signature:
		params := func(in *types.Tuple) *types.Tuple {
			var out []*types.Var
			for v := range in.Variables() {
				out = append(out, types.NewParam(token.NoPos, nil, "", unnamed(v.Type())))
			}
			return types.NewTuple(out...)
		}
		var typeParams []*types.TypeParam
		for p := range t.TypeParams().TypeParams() {
			typeParams = append(typeParams, p)
		}
		if len(typeParams) > 0 {
			return t // a type parameter belongs to one signature
		}
		return types.NewSignatureType(nil, nil, nil, params(t.Params()), params(t.Results()), t.Variadic())
	}
	return t
}

// A Change is what became of an API.
type Change struct {
	Removed, Added []string
	Incompatible   bool
}

// Compare returns what has to change in the sorted lines of before to make those
// of after. It is incompatible if a line is gone, or if an interface that was
// there has one more method, which the types of others lack.
func Compare(before, after []string) Change {
	var c Change
	for _, line := range before {
		if _, found := slices.BinarySearch(after, line); !found {
			c.Removed = append(c.Removed, line)
		}
	}
	c.Incompatible = len(c.Removed) > 0
	for _, line := range after {
		if _, found := slices.BinarySearch(before, line); found {
			continue
		}
		c.Added = append(c.Added, line)
		if name, _, ok := strings.Cut(line, " interface, "); ok {
			_, was := slices.BinarySearch(before, name+" interface")
			c.Incompatible = c.Incompatible || was
		}
	}
	return c
}

// Empty reports whether nothing has changed.
func (c Change) Empty() bool { return len(c.Removed)+len(c.Added) == 0 }

// String returns the lines as a diff shows them, in order.
func (c Change) String() string {
	var lines []string
	for _, l := range c.Removed {
		lines = append(lines, "-"+l+"\n")
	}
	for _, l := range c.Added {
		lines = append(lines, "+"+l+"\n")
	}
	slices.SortStableFunc(lines, func(a, b string) int { return cmp.Compare(a[1:], b[1:]) })
	return strings.Join(lines, "")
}

// Lines returns the lines of a file that [Text] has made, sorted whatever has
// become of it since.
func Lines(text string) []string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return line == "" })
	slices.Sort(lines)
	return lines
}

// Text returns the text of a file with these lines.
func Text(lines []string) string { return strings.Join(lines, "\n") + "\n" }
