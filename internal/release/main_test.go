package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/internal/api"
)

// A checkout is a clone of this repository, on main and without tags.
type checkout struct {
	t    *testing.T
	root string
}

func clone(t *testing.T, from string) checkout {
	t.Helper()
	c := checkout{t, filepath.Join(t.TempDir(), "keystile")}
	if out, err := exec.Command("git", "clone", "--quiet", "--no-tags", from, c.root).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	c.git("checkout", "--quiet", "-B", "main")
	return c
}

func (c checkout) git(args ...string) string {
	c.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}, args...)...)
	cmd.Dir = c.root
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// edit changes what old matches in a file, once.
func (c checkout) edit(file, old, new string) {
	c.t.Helper()
	name := filepath.Join(c.root, file)
	text, err := os.ReadFile(name)
	if err != nil {
		c.t.Fatal(err)
	}
	at := regexp.MustCompile(old).FindIndex(text)
	if at == nil {
		c.t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(name, []byte(string(text[:at[0]])+new+string(text[at[1]:])), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c checkout) commit() { c.git("commit", "--quiet", "--all", "--message", "repo: change") }

// release runs the command and returns what it prints.
func (c checkout) release(prepare bool, version string) (string, error) {
	var out strings.Builder
	r := release{root: c.root, version: version, out: &out}
	err := r.run(prepare)
	return out.String(), err
}

// prepared prepares a release and commits it.
func (c checkout) prepared(version string) checkout {
	c.t.Helper()
	if _, err := c.release(true, version); err != nil {
		c.t.Fatal(err)
	}
	c.edit("CHANGELOG.md", `## \[Unreleased\]\n`, "## [Unreleased]\n\n## ["+version[1:]+"] - 2026-01-02\n")
	c.git("add", "--all")
	c.commit()
	return c
}

const version = "v0.999.0"

func TestRelease(t *testing.T) {
	c := clone(t, "../..").prepared(version)
	got, err := c.release(false, version)
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, "git ") || strings.HasPrefix(line, "GOPROXY=") {
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	want := []string{
		"git tag -a v0.999.0 -m v0.999.0",
		"git tag -a store/cache/v0.999.0 -m store/cache/v0.999.0",
		"git tag -a store/redisstore/v0.999.0 -m store/redisstore/v0.999.0",
		"git tag -a store/sqlstore/v0.999.0 -m store/sqlstore/v0.999.0",
		"git tag -a store/sqlstore/postgres/v0.999.0 -m store/sqlstore/postgres/v0.999.0",
		"git tag -a store/sqlstore/sqlite/v0.999.0 -m store/sqlstore/sqlite/v0.999.0",
		"git push origin v0.999.0",
		"git push origin store/cache/v0.999.0",
		"git push origin store/redisstore/v0.999.0",
		"git push origin store/sqlstore/v0.999.0",
		"git push origin store/sqlstore/postgres/v0.999.0",
		"git push origin store/sqlstore/sqlite/v0.999.0",
		"GOPROXY=https://proxy.golang.org go list -m github.com/keystile/keystile@v0.999.0",
		"GOPROXY=https://proxy.golang.org go list -m github.com/keystile/keystile/store/cache@v0.999.0",
		"GOPROXY=https://proxy.golang.org go list -m github.com/keystile/keystile/store/redisstore@v0.999.0",
		"GOPROXY=https://proxy.golang.org go list -m github.com/keystile/keystile/store/sqlstore@v0.999.0",
		"GOPROXY=https://proxy.golang.org go list -m github.com/keystile/keystile/store/sqlstore/postgres@v0.999.0",
		"GOPROXY=https://proxy.golang.org go list -m github.com/keystile/keystile/store/sqlstore/sqlite@v0.999.0",
	}
	if !slices.Equal(commands, want) {
		t.Errorf("commands\n%s\nwant\n%s", strings.Join(commands, "\n"), strings.Join(want, "\n"))
	}
	if tags := c.git("tag"); tags != "" {
		t.Errorf("it has made the tags %s", tags)
	}
	if changed := c.git("status", "--porcelain"); changed != "" {
		t.Errorf("it has changed %s", changed)
	}
	for _, dir := range []string{"bench", "examples"} { // which name the version, too
		cmd := exec.Command("go", "list", "-m", "all")
		cmd.Dir = filepath.Join(c.root, dir)
		cmd.Env = append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), api.Root+" v0.999.0 => ../") {
			t.Errorf("%s: %v\n%s", dir, err, out)
		}
	}
}

func TestReleaseRefuses(t *testing.T) {
	base := clone(t, "../..").prepared(version)
	for _, tt := range []struct {
		name, version string
		change        func(c checkout)
		want          string
	}{
		{"no version", "1.0", func(checkout) {}, `version "1.0": must be like v0.1.0`},
		{"a candidate", "v0.999.0-rc.1", func(checkout) {}, `version "v0.999.0-rc.1": must be like v0.1.0`},
		{"v2", "v2.0.0", func(checkout) {}, "version v2.0.0: from v2 on the paths"},
		{"another branch", version, func(c checkout) { c.git("checkout", "--quiet", "-b", "fix") }, "the branch is fix: releases are made of main"},
		{"a changed file", version, func(c checkout) { c.edit("README.md", "keystile", "Keystile") }, "changes that are not committed:\nM README.md"},
		{"a new file", version, func(c checkout) {
			if err := os.WriteFile(filepath.Join(c.root, "new.go"), nil, 0o644); err != nil {
				c.t.Fatal(err)
			}
		}, "changes that are not committed:\n?? new.go"},
		{"released already", version, func(c checkout) { c.git("tag", version) }, "the last release is v0.999.0: v0.999.0 is not later"},
		{"an earlier one", version, func(c checkout) { c.git("tag", "v0.1000.0") }, "the last release is v0.1000.0: v0.999.0 is not later"},
		{"no changes listed", version, func(c checkout) { c.edit("CHANGELOG.md", `## \[0.999.0\] - 2026-01-02\n`, ""); c.commit() }, `no section "## [0.999.0] - YYYY-MM-DD"`},
		{"changes without a date", version, func(c checkout) { c.edit("CHANGELOG.md", `\[0.999.0\] - 2026-01-02`, "[0.999.0]"); c.commit() }, `no section "## [0.999.0] - YYYY-MM-DD"`},
		{"an empty section", version, func(c checkout) {
			c.edit("CHANGELOG.md", `2026-01-02\n`, "2026-01-02\n\n## [0.998.0] - 2026-01-01\n")
			c.commit()
		}, `no section "## [0.999.0] - YYYY-MM-DD"`},
		{"another version required", version, func(c checkout) {
			c.edit("store/cache/go.mod", `v0\.999\.0`, "v0.998.0")
			c.commit()
		}, "store/cache/go.mod does not require github.com/keystile/keystile in v0.999.0"},
		{"test data not kept", version, func(c checkout) {
			c.git("rm", "--quiet", "store/sqlstore/internal/suite/testdata/v0.999.0/sqlite.sql")
			c.commit()
		}, "store/sqlstore/internal/suite/testdata/v0.999.0/sqlite.sql is not there"},
		{"test data of before", version, func(c checkout) {
			c.edit("cookie/testdata/golden-v0.999.0.json", `"ada"`, `"eve"`)
			c.commit()
		}, "golden-v0.999.0.json is not there, or is not what cookie/testdata/golden.json is"},
		{"what does not build", version, func(c checkout) {
			c.edit("store/cache/cache.go", `func New\(`, "func New(more int, ")
			c.edit("store/cache/cache.go", `import \(`, "import (\n\t\"github.com/keystile/keystile/nothing\"")
			c.commit()
		}, "go build in store/cache: "},
		{"an API that is not written down", version, func(c checkout) {
			c.edit("auth/challenge.go", "type Challenge struct {\n", "type Challenge struct {\n\tCharset string\n")
			c.commit()
		}, "api/keystile.txt is not what is exported"},
		{"something removed, before 1.0", "v0.999.1", func(c checkout) {
			c.edit("api/keystile.txt", "^", "pkg auth, func Abolished()\n")
			c.commit()
			c.git("tag", version)
			c.edit("api/keystile.txt", `^.*\n`, "")
			c.edit("CHANGELOG.md", `\[Unreleased\]\n`, "[Unreleased]\n\n### Fixed\n\n- A typo.\n")
			c.prepared("v0.999.1")
		}, "v0.999.1 after v0.999.0: the change is incompatible: it takes a new minor version\napi/keystile.txt:\n-pkg auth, func Abolished()"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := clone(t, base.root)
			tt.change(c)
			out, err := c.release(false, tt.version)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if out != "" {
				t.Errorf("it prints %s", out)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	incompatible := api.Change{Removed: []string{"a"}, Incompatible: true}
	added := api.Change{Added: []string{"a"}}
	for _, tt := range []struct {
		last, next string
		change     api.Change
		want       bool
	}{
		{"v0.1.0", "v0.1.1", api.Change{}, true},
		{"v0.1.0", "v0.1.1", added, false},
		{"v0.1.0", "v0.2.0", added, true},
		{"v0.1.0", "v0.1.1", incompatible, false},
		{"v0.1.0", "v0.2.0", incompatible, true},
		{"v0.9.0", "v1.0.0", incompatible, true},
		{"v1.0.0", "v1.0.1", api.Change{}, true},
		{"v1.0.0", "v1.0.1", added, false},
		{"v1.0.0", "v1.1.0", added, true},
		{"v1.0.0", "v1.1.0", incompatible, false},
		{"v1.0.0", "v2.0.0", incompatible, true},
	} {
		if err := allowed(tt.last, tt.next, tt.change); (err == nil) != tt.want {
			t.Errorf("%s after %s with %+v: %v", tt.next, tt.last, tt.change, err)
		}
	}
}
