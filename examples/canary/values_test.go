package canary

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/auth/throttle"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/bearer/endpoint"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// print prints all that a host may hold in its hands.
func (d *driver) print(before *service, also []any) {
	for _, s := range []*service{before, d.service} {
		d.out.tell("values", s.values()...)
	}
	for _, key := range []string{"key", "next key"} {
		k, err := cookie.ParseKey(d.canaries[key+", revealed"])
		if err != nil {
			d.t.Fatal(err)
		}
		d.out.tell("values", k, &k, struct{ k cookie.Key }{k}, map[string]cookie.Key{"k": k})
	}
	for _, c := range d.canaries {
		p := auth.NewPlaintext(c)
		d.out.tell("values", p, &p, struct{ p auth.Plaintext }{p}, []any{p}, map[string]auth.Plaintext{"p": p})
	}
	for _, v := range also { // not with %s, for which fmt prints a *sql.DB with the password of the database
		fmt.Fprintf(d.out.to("values"), "%v\n%+v\n%#v\n", v, v, v)
	}
}

// values returns a value of each exported struct.
func (s *service) values() []any {
	values := []any{
		s.tokens, s.secrets, s.unused, s.endpoint, s.limiter, *s.tokens, *s.secrets, *s.unused, *s.endpoint,
		auth.Challenge{}, &auth.Error{}, auth.Event{}, auth.Account{}, auth.Identity{}, auth.Plaintext{},
		bearer.Request{}, secret.Request{}, cookie.Request{}, cookie.Session{Addr: netip.IPv6Loopback()}, cookie.Key{},
		store.Credential{}, store.Filter{}, store.Query{}, store.Limits{}, store.Changes{}, store.Use{}, store.PruneBefore{}, store.ScanFilter{}, store.NewMemory(), throttle.Config{}, endpoint.MetadataConfig{},
	}
	for _, g := range s.guards {
		values = append(values, g)
	}
	return append(values, s.configs...)
}

// No exported struct is forgotten.
func TestEveryStructIsPrinted(t *testing.T) {
	s := start(t, newOutput(t), store.NewMemory(), configured{keys: []cookie.Key{cookie.NewKey()}, pepper: strings.Repeat("pepper", 6)})
	printed := make(map[string]bool)
	for _, v := range s.values() {
		typ := reflect.TypeOf(v)
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		printed[typ.String()] = true
	}
	n := 0
	for _, dir := range []string{"auth", "auth/throttle", "bearer", "bearer/endpoint", "cookie", "secret", "store"} {
		files, err := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(node ast.Node) bool {
				spec, ok := node.(*ast.TypeSpec)
				if !ok || !spec.Name.IsExported() {
					return true
				}
				if _, ok := spec.Type.(*ast.StructType); ok {
					n++
					if name := file.Name.Name + "." + spec.Name.Name; !printed[name] {
						t.Errorf("%s is not printed", name)
					}
				}
				return true
			})
		}
	}
	if n < 20 {
		t.Errorf("only %d structs", n)
	}
}
