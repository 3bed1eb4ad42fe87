package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keystile/keystile/internal/api"
)

// A kept file is test data that later versions are held to: what this one has
// written. VERSION in its name stands for the version.
type keptFile struct{ current, kept string }

var keptFiles = []keptFile{
	{"cookie/testdata/golden.json", "cookie/testdata/golden-VERSION.json"},
	{"store/redisstore/testdata/rows-1.txt", "store/redisstore/testdata/rows-VERSION.txt"},
	{"store/sqlstore/internal/suite/testdata/v1/postgresql.sql", "store/sqlstore/internal/suite/testdata/VERSION/postgresql.sql"},
	{"store/sqlstore/internal/suite/testdata/v1/sqlite.sql", "store/sqlstore/internal/suite/testdata/VERSION/sqlite.sql"},
}

// read returns what a kept file must hold, its path under the version's name,
// and what it holds there.
func (r *release) read(k keptFile) (want []byte, path string, got []byte, err error) {
	path = filepath.Join(r.root, strings.ReplaceAll(k.kept, "VERSION", r.version))
	if want, err = os.ReadFile(filepath.Join(r.root, k.current)); err != nil {
		return nil, path, nil, err
	}
	if got, err = os.ReadFile(path); os.IsNotExist(err) {
		err = nil
	}
	return want, path, got, err
}

// golden checks that what this version writes is kept under its name.
func (r *release) golden() error {
	for _, k := range keptFiles {
		want, path, got, err := r.read(k)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s is not there, or is not what %s is: run with -prepare", path, k.current)
		}
	}
	return nil
}

// goMod is what go mod edit -json prints of a go.mod.
type goMod struct {
	Require []struct{ Path, Version string }
}

// ours returns the modules of this repository that the one in dir requires in
// another version than this.
func (r *release) ours(dir string) ([]string, error) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = filepath.Join(r.root, dir)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go mod edit in %s: %w", dir, err)
	}
	var mod goMod
	if err := json.Unmarshal(out, &mod); err != nil {
		return nil, err
	}
	var other []string
	for _, m := range mod.Require {
		if (m.Path == api.Root || strings.HasPrefix(m.Path, api.Root+"/")) && m.Version != r.version {
			other = append(other, m.Path)
		}
	}
	return other, nil
}

// requires checks that our modules require each other in this version. Here the
// replace lines beside it count; for who depends on a module, these are ignored,
// and the version is looked for as a tag.
func (r *release) requires() error {
	for _, dir := range r.modules {
		other, err := r.ours(dir)
		if err != nil {
			return err
		}
		if len(other) > 0 {
			return fmt.Errorf("%s/go.mod does not require %s in %s: run with -prepare", dir, strings.Join(other, ", "), r.version)
		}
	}
	return nil
}

// prepare makes what requires and golden check, also for the modules that are not
// released, so that all go.mod say the same.
func (r *release) prepare() error {
	for _, dir := range slices.Concat(r.modules, []string{"bench", "examples"}) {
		other, err := r.ours(dir)
		if err != nil {
			return err
		}
		for _, path := range other {
			cmd := exec.Command("go", "mod", "edit", "-require="+path+"@"+r.version)
			cmd.Dir = filepath.Join(r.root, dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("go mod edit in %s: %w\n%s", dir, err, out)
			}
		}
	}
	for _, k := range keptFiles {
		want, path, _, err := r.read(k)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = os.WriteFile(path, want, 0o644)
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(r.out, "Look at the changes, give CHANGELOG.md a section for %s, run the tests, and commit:\n\ngit add --all && git commit -m 'repo: prepare %s'\n", r.version, r.version)
	return nil
}
