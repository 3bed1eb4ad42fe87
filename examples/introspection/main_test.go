package main

import (
	"bufio"
	"encoding/json"
	"go/parser"
	gotoken "go/token"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// portal runs the portal until the test ends, and returns what it says of itself.
func portal(t *testing.T) (about struct {
	URL, Token, Secret string
	ClientID           string `json:"client_id"`
	Other              struct {
		Token, Secret string
		ClientID      string `json:"client_id"`
	}
}) {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "portal")
	if out, err := exec.Command("go", "build", "-o", bin, "../portal").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(bin, "-addr", "localhost:0", "-json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(line, &about); err != nil {
		t.Fatal(err)
	}
	return about
}

// The service lets in who has a token of its own account, until that is revoked.
func TestIntrospection(t *testing.T) {
	a := portal(t)
	in := &inspector{endpoint: a.URL + "/oauth/introspect", id: a.ClientID, secret: a.Secret, client: http.DefaultClient}
	service := httptest.NewServer(in.routes())
	defer service.Close()
	post := func(path, id, secret string, params url.Values) map[string]any {
		t.Helper()
		r, _ := http.NewRequest("POST", a.URL+path, strings.NewReader(params.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(id, secret)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != 200 {
			t.Fatalf("%s: %s", path, res.Status)
		}
		var v map[string]any
		json.NewDecoder(res.Body).Decode(&v)
		return v
	}
	exchange := func(scope string) string {
		params := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
		return post("/oauth/token", a.ClientID, a.Secret, params)["access_token"].(string)
	}
	may, mayNot := exchange("reports:read"), exchange("reports:write")
	want := func(name, authorization string, status int) {
		t.Helper()
		r, _ := http.NewRequest("GET", service.URL+"/reports", nil)
		r.Header.Set("Authorization", authorization)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s: %s, want %d", name, res.Status, status)
		}
	}
	want("nobody", "", 401)
	want("personal", "Bearer "+a.Token, 200)
	want("exchanged", "Bearer "+may, 200)
	want("another scope", "Bearer "+mayNot, 403)
	want("another account", "Bearer "+a.Other.Token, 401)
	want("a secret", "Bearer "+a.Secret, 401)
	want("junk", "Bearer junk", 401)

	post("/oauth/revoke", a.Other.ClientID, a.Other.Secret, url.Values{"token": {may}})
	want("revoked by another account", "Bearer "+may, 200)
	post("/oauth/revoke", a.ClientID, a.Secret, url.Values{"token": {may}})
	want("revoked", "Bearer "+may, 401)

	in.secret = "wrong" // its own failure is not the caller's
	want("no answer", "Bearer "+a.Token, 503)
}

// The service is made of the standard library alone.
func TestStandardLibraryAlone(t *testing.T) {
	f, err := parser.ParseFile(gotoken.NewFileSet(), "main.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range f.Imports {
		if strings.Contains(i.Path.Value, ".") {
			t.Errorf("main.go imports %s", i.Path.Value)
		}
	}
}
