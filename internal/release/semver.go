package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/keystile/keystile/internal/api"
)

// parts returns the numbers of a version.
func parts(version string) (n [3]int) {
	fmt.Sscanf(version, "v%d.%d.%d", &n[0], &n[1], &n[2])
	return n
}

// later reports whether version a comes after b.
func later(a, b string) bool {
	m, n := parts(a), parts(b)
	for i := range m {
		if m[i] != n[i] {
			return m[i] > n[i]
		}
	}
	return false
}

// allowed returns an error if a release with this change of the API must not be
// called next, after last: Semantic Versioning, where before 1.0.0 a new minor
// version may break what there was.
func allowed(last, next string, change api.Change) error {
	m, n := parts(last), parts(next)
	major, minor := n[0] > m[0], n[0] > m[0] || n[1] > m[1]
	switch {
	case change.Incompatible && m[0] > 0 && !major:
		return errors.New("the change is incompatible: it takes a new major version")
	case change.Incompatible && !minor:
		return errors.New("the change is incompatible: it takes a new minor version")
	case !change.Empty() && !minor:
		return errors.New("something is added: it takes a new minor version")
	}
	return nil
}

// api checks that the files in api are what is exported, and that the version
// goes with what has changed in them since the last release.
func (r *release) api() error {
	for _, dir := range r.modules {
		file := api.File(dir)
		text, err := os.ReadFile(filepath.Join(r.root, file))
		if err != nil {
			return err
		}
		now := api.Lines(string(text))
		exported, err := api.List(r.root, dir)
		if err != nil {
			return err
		}
		if !api.Compare(now, exported).Empty() {
			return fmt.Errorf("%s is not what is exported: see go run ./internal/apidiff", file)
		}
		if r.last == "" {
			continue
		}
		before, err := r.git("show", r.last+":"+file)
		if err != nil {
			if found, _ := r.git("ls-tree", r.last, file); found != "" {
				return err
			}
			before = "" // a module that is new
		}
		change := api.Compare(api.Lines(before), now)
		if err := allowed(r.last, r.version, change); err != nil {
			return fmt.Errorf("%s after %s: %w\n%s:\n%s", r.version, r.last, err, file, change)
		}
	}
	return nil
}
