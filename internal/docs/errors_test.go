package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// errorPackages are those whose errors others see, by themselves or through the
// public packages. Not among them is store/storetest: what its checks print is
// for the author of a store, and says itself what was promised and why.
var errorPackages = append(
	slices.DeleteFunc(slices.Clone(publicPackages), func(pkg string) bool { return pkg == "store/storetest" }),
	"internal/credential", "internal/grammar", "store/sqlstore/internal/row",
)

// TestErrorsPage holds docs/errors.md to the code: every text of an error has an
// entry there, and every entry a text.
func TestErrorsPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "errors.md"))
	if err != nil {
		t.Fatal(err)
	}
	entries := errorEntries(string(page))
	if len(entries) < 100 {
		t.Fatalf("the page has %d entries", len(entries))
	}
	var formats []string
	for _, pkg := range errorPackages {
		formats = append(formats, errorFormats(t, filepath.Join(root, pkg))...)
	}
	slices.Sort(formats)
	formats = slices.Compact(formats)

	for _, format := range formats {
		text := errorPattern(format, true)
		if !slices.ContainsFunc(entries, text.MatchString) {
			t.Errorf("docs/errors.md has no entry for %q", format)
		}
	}
	for _, entry := range entries {
		if !slices.ContainsFunc(formats, func(format string) bool { return errorPattern(format, false).MatchString(entry) }) {
			t.Errorf("docs/errors.md has an entry that no source has: %q", entry)
		}
	}
}

// errorEntries returns the texts that list items of the page begin with: code
// spans, one or several joined by commas.
func errorEntries(page string) []string {
	var entries []string
	for _, item := range regexp.MustCompile("(?m)^- (`[^`\n]+`(?:,\\s+`[^`\n]+`)*)").FindAllStringSubmatch(page, -1) {
		for _, span := range regexp.MustCompile("`[^`]+`").FindAllString(item[1], -1) {
			entries = append(entries, strings.Trim(span, "`"))
		}
	}
	return entries
}

var (
	errorVerb = regexp.MustCompile(`%[-+# 0.]*[a-zA-Z]`)
	errorTail = regexp.MustCompile(` ?%[wvs]$`)
)

// errorPattern returns what an error of format looks like, after whatever the
// callers put before it. A format that does little but wrap another error is
// printed with dots in the other's place; if loose is set, also with an example.
func errorPattern(format string, loose bool) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`^(?:.*[.: ])?`)
	rest := format
	if lead := errorTail.ReplaceAllString(format, ""); lead != format && !loose && len(strings.Fields(errorVerb.ReplaceAllString(lead, ""))) < 4 {
		rest = lead + " ..."
	}
	for rest != "" {
		at := errorVerb.FindStringIndex(rest)
		if at == nil {
			break
		}
		b.WriteString(regexp.QuoteMeta(rest[:at[0]]) + `.+`)
		rest = rest[at[1]:]
	}
	b.WriteString(regexp.QuoteMeta(rest) + "$")
	return regexp.MustCompile("(?s)" + b.String())
}

// errorFormats returns the formats of the errors of the package in dir, of its
// panics, and of what it tells clients.
func errorFormats(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, error %v", dir, len(files), err)
	}
	var formats []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			prefixes, inside := errorHelpers(decl)
			ast.Inspect(decl, func(n ast.Node) bool {
				if n != nil && inside[n] {
					return false
				}
				for _, format := range formatsOf(n, prefixes) {
					// What is made of verbs alone has no text of its own.
					if regexp.MustCompile(`[a-z]`).MatchString(errorVerb.ReplaceAllString(format, "")) {
						formats = append(formats, format)
					}
				}
				return true
			})
		}
	}
	return formats
}

// errorHelpers returns what the functions that decl makes for itself, such as
// fail, put before their format, and the bodies of these.
func errorHelpers(decl ast.Decl) (prefixes map[string]string, bodies map[ast.Node]bool) {
	prefixes, bodies = make(map[string]string), make(map[ast.Node]bool)
	ast.Inspect(decl, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok || len(assign.Rhs) != 1 {
			return true
		}
		helper, ok := assign.Rhs[0].(*ast.FuncLit)
		if !ok {
			return true
		}
		ast.Inspect(helper, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && callee(call) == "fmt.Errorf" {
				if sum, ok := call.Args[0].(*ast.BinaryExpr); ok {
					prefixes[callee(&ast.CallExpr{Fun: assign.Lhs[0]})] = literal(sum.X)
					bodies[helper] = true
				}
			}
			return true
		})
		return true
	})
	return prefixes, bodies
}

// formatsOf returns the formats that a node of the syntax has.
func formatsOf(n ast.Node, prefixes map[string]string) []string {
	switch n := n.(type) {
	case *ast.CallExpr:
		switch name := callee(n); name {
		case "errors.New", "fmt.Errorf", "fail", "bad", "invalid", "m.errorf", "panic":
			text, _, _ := strings.Cut(literal(n.Args[0]), "\n") // a stack follows
			return []string{prefixes[name] + text}
		case "invalidRequest":
			return []string{"invalid_request: " + literal(n.Args[0])}
		case "refuse", "http.Error":
			if len(n.Args) > 1 {
				return []string{literal(n.Args[1])}
			}
		}
	case *ast.CompositeLit:
		if of, ok := n.Type.(*ast.Ident); ok && of.Name == "refusal" && len(n.Elts) == 2 && literal(n.Elts[1]) != "%s" {
			return []string{literal(n.Elts[0]) + ": " + literal(n.Elts[1])}
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "detail" {
			return []string{literal(n.Value)}
		}
	case *ast.AssignStmt:
		if left, ok := n.Lhs[0].(*ast.Ident); ok && left.Name == "reason" {
			return []string{literal(n.Rhs[0])}
		}
	}
	return nil
}

// callee returns the name of the function that is called, as it is written.
func callee(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

// literal returns the text of an expression, with a verb for what is none.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil {
			return s
		}
	case *ast.BinaryExpr:
		return literal(e.X) + literal(e.Y)
	case *ast.CallExpr:
		if callee(e) == "fmt.Sprintf" {
			return literal(e.Args[0])
		}
	}
	return "%s"
}
