// Package docs checks what the documentation shows: every Go snippet in the
// README, in docs and in a package comment must compile.
package docs

import (
	"fmt"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// publicPackages are those that others import.
var publicPackages = []string{
	"auth", "auth/authtest", "auth/throttle", "bearer", "bearer/endpoint", "cookie", "secret", "store",
	"store/cache", "store/redisstore", "store/sqlstore", "store/sqlstore/postgres", "store/sqlstore/sqlite", "store/storetest",
}

// prelude is what snippets take for granted.
const prelude = `package snippet

import (
	"context"
	"database/sql"
	"errors"
	"expvar"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/authtest"
	"github.com/keystile/keystile/auth/throttle"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
	"github.com/keystile/keystile/store/cache"
	"github.com/keystile/keystile/store/redisstore"
	"github.com/keystile/keystile/store/sqlstore"
	"github.com/keystile/keystile/store/sqlstore/postgres"
	"github.com/keystile/keystile/store/sqlstore/sqlite"
	"github.com/keystile/keystile/store/storetest"
)

var (
	_ = sql.Open
	_ = errors.Is
	_ = endpoint.New
	_ = expvar.NewMap
	_ = fmt.Sprint
	_ = log.Fatal
	_ = slog.Info
	_ = httptest.NewRequest
	_ = authtest.ActingAs
	_ = storetest.Run
	_ = time.Now
	_ = os.Getenv
	_ = cache.New
	_ = postgres.Open
	_ = redisstore.New
	_ = rueidis.NewClient
	_ = sqlstore.New
	_ = sqlite.Open
	_ = throttle.New

	ctx       context.Context
	mux       *http.ServeMux
	tokens    *bearer.Tokens
	secrets   *secret.Secrets
	sessions  *cookie.Sessions
	key       cookie.Key
	profile   http.Handler
	login     http.Handler
	guard     *auth.Guard
	w         http.ResponseWriter
	r         *http.Request
	clientID  string
	subject   string
	st        store.Store
	db        store.Store
	stEurope  store.Store
	stAmerica store.Store
	handler   http.Handler
	reports   http.Handler
	openEmpty func(*testing.T) store.Store
)


%s
`

func TestSnippets(t *testing.T) {
	dir := t.TempDir()
	abs, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	mod := "module snippets\n\ngo 1.26.0\n"
	for _, module := range []string{"", "/store/cache", "/store/redisstore", "/store/sqlstore", "/store/sqlstore/postgres", "/store/sqlstore/sqlite"} {
		mod += fmt.Sprintf("\nrequire github.com/keystile/keystile%[1]s v0.0.0\nreplace github.com/keystile/keystile%[1]s => %[2]s%[1]s\n", module, filepath.ToSlash(abs))
	}
	write(t, filepath.Join(dir, "go.mod"), mod)

	n := 0
	add := func(from, code string) {
		n++
		name := fmt.Sprintf("s%02d", n)
		t.Logf("%s: from %s", name, from)
		write(t, filepath.Join(dir, name, "snippet.go"), wrap(code))
	}
	shown := migrations(t)
	for _, page := range pages(t) {
		if page.name == "docs/tutorial.md" {
			continue // whole programs, which a test in examples runs
		}
		for _, m := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(page.text, -1) {
			if !strings.Contains(shown, m[1]) { // where it is compiled already
				add(page.name, m[1])
			}
		}
	}
	for _, pkg := range publicPackages {
		before := n
		for _, code := range packageSnippets(t, filepath.Join(root, pkg)) {
			add(pkg, code)
		}
		if n == before {
			t.Errorf("the package comment of %s shows no example", pkg)
		}
	}

	cmd := exec.Command("go", "vet", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("snippets do not compile: %v\n%s", err, out)
	}
}

// migrations returns the programs that docs/migrating.md shows pieces of.
func migrations(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "examples", "migrating", "*", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// wrap makes a file of a snippet: of a whole program, of declarations, or of
// statements.
func wrap(code string) string {
	switch {
	case strings.Contains(code, "package main\n"):
		return code
	case regexp.MustCompile(`^(func|type|var|const) `).MatchString(code):
		return fmt.Sprintf(prelude, code+"\n"+missing(code))
	}
	if strings.Contains(code, "st.DB()") { // a store on a database
		code = "var st *sqlite.Store\n" + code
	}
	return fmt.Sprintf(prelude, "func _() {\n"+code+"\n_, _ = tokens, st // some snippets end with these\n}\n"+missing(code))
}

// missing declares the handler and the accounts that some snippets name without
// showing them.
func missing(code string) string {
	text := ""
	if !strings.Contains(code, "func hello(") {
		text += "func hello(http.ResponseWriter, *http.Request) {}\n"
	}
	if !strings.Contains(code, "type accounts ") {
		text += "type accounts struct{ auth.Accounts }\n"
	}
	return text
}

// notGo matches what is not Go in package comments: commands, and settings of a
// server.
var notGo = regexp.MustCompile(`^(go test|ACL SETUSER|appendonly|GRANT) `)

// packageSnippets returns the code blocks of the comment of the package in dir.
func packageSnippets(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var code []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if f.Doc == nil {
			continue
		}
		var p comment.Parser
		for _, block := range p.Parse(f.Doc.Text()).Content {
			if block, ok := block.(*comment.Code); ok && !notGo.MatchString(block.Text) {
				code = append(code, block.Text)
			}
		}
	}
	return code
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
