// Release checks whether the modules of this repository can be released under a
// version, and prints the commands that do it. It tags and pushes nothing:
//
//	go run ./internal/release [-prepare] VERSION
//
// With -prepare it changes the files that must name the version, to be looked at
// and committed.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/keystile/keystile/internal/api"
)

func main() {
	prepare := flag.Bool("prepare", false, "change the files that must name the version")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "release: one version is needed, such as v0.1.0")
		os.Exit(2)
	}
	r := release{root: ".", version: flag.Arg(0), out: os.Stdout}
	if err := r.run(*prepare); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// A release is a version of all modules, made of the checkout in root.
type release struct {
	root    string
	version string // with its v
	out     io.Writer
	last    string   // the tag of the release before, "" if there is none
	modules []string // directories of those that are released
}

// run checks one thing after the other, the cheap ones first.
func (r *release) run(prepare bool) error {
	if !regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`).MatchString(r.version) {
		return fmt.Errorf("version %q: must be like v0.1.0", r.version)
	}
	if parts(r.version)[0] > 1 {
		return fmt.Errorf("version %s: from v2 on the paths of modules end with the major version, and ours do not", r.version)
	}
	var err error
	if r.modules, err = api.Modules(r.root); err != nil {
		return err
	}
	if prepare {
		return r.prepare()
	}
	for _, check := range []func() error{r.tree, r.tags, r.changelog, r.requires, r.golden, r.builds, r.api} {
		if err := check(); err != nil {
			return err
		}
	}
	r.print()
	return nil
}

// tree checks that what would be tagged is what is here, and on main.
func (r *release) tree() error {
	branch, err := r.git("rev-parse", "--abbrev-ref", "HEAD")
	if err != nil {
		return err
	}
	if branch != "main" {
		return fmt.Errorf("the branch is %s: releases are made of main", branch)
	}
	changed, err := r.git("status", "--porcelain")
	if err != nil {
		return err
	}
	if changed != "" {
		return fmt.Errorf("the tree has changes that are not committed:\n%s", changed)
	}
	return nil
}

// tags finds the release before, and checks that the version is a later one.
func (r *release) tags() error {
	tags, err := r.git("tag", "--list", "v*", "--sort=-version:refname")
	if err != nil {
		return err
	}
	r.last, _, _ = strings.Cut(tags, "\n")
	if r.last != "" && !later(r.version, r.last) {
		return fmt.Errorf("the last release is %s: %s is not later", r.last, r.version)
	}
	return nil
}

// changelog checks that the changes have a section, with a date, for the version.
func (r *release) changelog() error {
	text, err := os.ReadFile(filepath.Join(r.root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	heading := regexp.MustCompile(`(?m)^## \[` + regexp.QuoteMeta(r.version[1:]) + `\] - \d{4}-\d{2}-\d{2}\n\s*([^#\s]|### )`)
	if !heading.Match(text) {
		return fmt.Errorf("CHANGELOG.md has no section %q with text below: move there what is under [Unreleased]", "## ["+r.version[1:]+"] - YYYY-MM-DD")
	}
	return nil
}

// builds checks that each module builds by itself, as it will for others.
func (r *release) builds() error {
	for _, dir := range r.modules {
		cmd := exec.Command("go", "build", "./...")
		cmd.Dir = filepath.Join(r.root, dir)
		cmd.Env = append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build in %s: %w\n%s", dir, err, out)
		}
	}
	return nil
}

// print prints what is left to do.
func (r *release) print() {
	fmt.Fprintf(r.out, "%s can be released. Once .ci/run has passed on this commit, the root module first,\nbecause the others require it:\n\n", r.version)
	for _, dir := range r.modules {
		fmt.Fprintf(r.out, "git tag -a %s -m %s\n", r.tag(dir), r.tag(dir))
	}
	for _, dir := range r.modules {
		fmt.Fprintf(r.out, "git push origin %s\n", r.tag(dir))
	}
	fmt.Fprint(r.out, "\nThen see, from outside of this repository, that everybody can have them. A tag that\nwas pushed is never moved: the proxy and the checksum database keep what they saw.\n\n")
	for _, dir := range r.modules {
		fmt.Fprintf(r.out, "GOPROXY=https://proxy.golang.org go list -m %s@%s\n", modulePath(dir), r.version)
	}
}

// tag returns the name of the tag for the module in dir.
func (r *release) tag(dir string) string {
	if dir == "." {
		return r.version
	}
	return dir + "/" + r.version
}

func modulePath(dir string) string {
	if dir == "." {
		return api.Root
	}
	return api.Root + "/" + dir
}

// git returns what a command of git prints.
func (r *release) git(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = r.root
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out)), nil
}
