package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The exported API is what the files in api say, and each change of it is
// noticed: the compiler is given a changed file in the place of the other.
func TestApidiff(t *testing.T) {
	for _, tt := range []struct {
		name           string
		file, old, new string // old occurs once in file
		want           []string
	}{
		{name: "as it is"},
		{
			name: "what is not exported", file: "auth/guard.go",
			old: "type Guard struct {", new: "type Guard struct {\n\tmore int",
		},
		{
			name: "a method is removed", file: "auth/error.go",
			old: "func (e *Error) Detail() string { return e.kind().detail }", new: "",
			want: []string{"api/keystile.txt differs", "\n-pkg auth, method (*Error) Detail() string\n", "It is incompatible", "go run ./internal/apidiff -update"},
		},
		{
			name: "a field is added", file: "auth/challenge.go",
			old: "type Challenge struct {\n", new: "type Challenge struct {\n\tCharset string\n",
			want: []string{"\n+pkg auth, type Challenge struct, Charset string\n", "It is compatible", "go run ./internal/apidiff -update"},
		},
		{
			name: "a method of an interface is added", file: "auth/identity.go",
			old: "type Accounts interface {", new: "type Accounts interface {\n\tMore()",
			want: []string{"\n+pkg auth, type Accounts interface, More()\n", "It is incompatible"},
		},
		{
			name: "a field is added in a nested module", file: "store/cache/cache.go",
			old: "type Config struct {", new: "type Config struct {\n\tMore int",
			want: []string{"api/store-cache.txt differs", "\n+pkg store/cache, type Config struct, More int\n", "It is compatible"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command("go", "run", ".")
			cmd.Env = append(os.Environ(), "GOFLAGS="+os.Getenv("GOFLAGS")+overlay(t, tt.file, tt.old, tt.new))
			out, err := cmd.CombinedOutput()
			if (err == nil) != (tt.want == nil) {
				t.Errorf("%v\n%s", err, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
		})
	}
}

// overlay returns the flag that makes the go command take new for old.
func overlay(t *testing.T, file, old, new string) string {
	t.Helper()
	if file == "" {
		return ""
	}
	path, err := filepath.Abs(filepath.Join("../..", file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), old) != 1 {
		t.Fatalf("%s has %q %d times, error %v", file, old, strings.Count(string(text), old), err)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "changed.go")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: changed}})
	for name, b := range map[string][]byte{changed: []byte(strings.Replace(string(text), old, new, 1)), filepath.Join(dir, "overlay.json"): replace} {
		if err == nil {
			err = os.WriteFile(name, b, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return " -overlay=" + filepath.Join(dir, "overlay.json")
}
