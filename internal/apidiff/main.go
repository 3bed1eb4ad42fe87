// Apidiff compares what the public packages export with what the files in api say,
// and fails if there is a difference:
//
//	go run ./internal/apidiff [-update]
//
// With -update it writes the files anew.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/keystile/keystile/internal/api"
)

func main() {
	update := flag.Bool("update", false, "write the files anew")
	flag.Parse()
	if err := run(*update); err != nil {
		fmt.Fprintln(os.Stderr, "apidiff:", err)
		os.Exit(1)
	}
}

func run(update bool) error {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", api.Root).Output()
	if err != nil {
		return fmt.Errorf("go list -m %s: %w", api.Root, err)
	}
	root := strings.TrimSpace(string(out))
	modules, err := api.Modules(root)
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range modules {
		if err := check(root, dir, update); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func check(root, dir string, update bool) error {
	lines, err := api.List(root, dir)
	if err != nil {
		return err
	}
	file := filepath.Join(root, api.File(dir))
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	change := api.Compare(api.Lines(string(before)), lines)
	switch {
	case change.Empty():
		return nil
	case update:
		fmt.Printf("%s:\n%s", api.File(dir), change)
		return os.WriteFile(file, []byte(api.Text(lines)), 0o644)
	}
	verdict := "It is compatible: callers compile as before."
	if change.Incompatible {
		verdict = "It is incompatible: code of others may not compile any more."
	}
	return fmt.Errorf("%s differs from what is exported:\n%s%s If it is meant, record it with\n\n\tgo run ./internal/apidiff -update", api.File(dir), change, verdict)
}
