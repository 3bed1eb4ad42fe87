// Mutants plants faults in the library's guards, one at a time, and runs the
// test that should notice each:
//
//	go run ./internal/mutants [-part I/N] [WORD...]
//
// With words, only the mutants whose reason has one of them are run; with -part
// 1/3 every third, beginning with the first. All that there are is checked for
// whether it still applies. It prints the score, and fails if a
// mutant survives, does not compile, or has nothing to change any more. The tree
// is not touched: the compiler is given the changed file in the place of the
// other.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A mutant is a fault, and the test that kills it.
type mutant struct {
	reason   string // the guard that is missing
	file     string
	old, new string // old occurs once
	pkg      string // directory of the test
	test     string // its name, of a subtest perhaps
}

const (
	timeout = 2 * time.Minute // for one mutant, its compilation included
	workers = 2
)

func main() {
	part := flag.String("part", "1/1", "`I/N`: the Ith of N parts")
	flag.Parse()
	var i, n int
	if _, err := fmt.Sscanf(*part, "%d/%d", &i, &n); err != nil || i < 1 || i > n {
		fmt.Fprintf(os.Stderr, "mutants: -part %s: want 1/3, for instance\n", *part)
		os.Exit(2)
	}
	if err := run(i, n, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(part, parts int, words []string) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	var chosen []mutant
	var stale []error // of all, chosen or not: they are found at once
	for i, m := range mutants {
		if _, err := m.plant(root); err != nil {
			stale = append(stale, err)
		}
		wanted := len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m.reason, w) })
		if i%parts == part-1 && wanted {
			chosen = append(chosen, m)
		}
	}
	if err := errors.Join(stale...); err != nil {
		return err
	}
	// Each test must pass without a mutant, or it would kill them all.
	tests := make(map[[2]string]bool)
	for _, m := range chosen {
		tests[[2]string{m.pkg, m.test}] = true
	}
	var jobs []func() error
	for t := range tests {
		jobs = append(jobs, func() error {
			out, err := test(root, t[0], t[1])
			if err != nil || !strings.Contains(out, "--- PASS: "+t[1]) {
				return fmt.Errorf("%s %s does not pass as it is:\n%s", t[0], t[1], out)
			}
			return nil
		})
	}
	if err := each(jobs); err != nil {
		return err
	}
	jobs = nil
	for i, m := range chosen {
		jobs = append(jobs, func() error {
			err := m.run(root, filepath.Join(tmp, fmt.Sprint(i)))
			verdict := "killed"
			if err != nil {
				verdict = "ALIVE"
			}
			fmt.Printf("%-6s  %-58s  %s %s\n", verdict, m.reason, m.pkg, m.test)
			return err
		})
	}
	err = each(jobs)
	alive := 0
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		alive = len(joined.Unwrap())
	}
	fmt.Printf("%d of %d mutants killed\n", len(jobs)-alive, len(jobs))
	return err
}

// each runs jobs and joins their errors.
func each(jobs []func() error) error {
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	next := make(chan func() error)
	for range workers {
		wg.Go(func() {
			for job := range next {
				if err := job(); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, job := range jobs {
		next <- job
	}
	close(next)
	wg.Wait()
	return errors.Join(errs...)
}

// plant returns the file with the fault in it.
func (m mutant) plant(root string) ([]byte, error) {
	source, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(source, []byte(m.old)); n != 1 {
		return nil, fmt.Errorf("%s: %s: %q occurs %d times: bring the mutant up to date", m.reason, m.file, m.old, n)
	}
	return bytes.Replace(source, []byte(m.old), []byte(m.new), 1), nil
}

// run returns nil if m is killed.
func (m mutant) run(root, tmp string) error {
	source, err := m.plant(root)
	if err != nil {
		return err
	}
	changed := tmp + ".go"
	if err := os.WriteFile(changed, source, 0o600); err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, m.file): changed}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(tmp+".json", overlay, 0o600); err != nil {
		return err
	}
	out, err := test(root, m.pkg, m.test, "-overlay", tmp+".json")
	switch {
	case err == nil:
		return fmt.Errorf("%s: %s: %s %s does not notice", m.reason, m.file, m.pkg, m.test)
	case strings.Contains(out, "[build failed]"), strings.Contains(out, "[setup failed]"):
		return fmt.Errorf("%s: %s: does not compile:\n%s", m.reason, m.file, out)
	case !strings.Contains(out, "--- FAIL: ") && !strings.Contains(out, "panic: "):
		return fmt.Errorf("%s: %s: the test was not run:\n%s", m.reason, m.file, out)
	}
	return nil
}

// test runs one test and returns what it says.
func test(root, pkg, name string, flags ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	pattern := "^" + strings.ReplaceAll(name, "/", "$/^") + "$"
	args := append([]string{"test", "-count=1", "-vet=off", "-failfast", "-v", "-timeout=60s", "-run", pattern}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
	cmd.Dir = filepath.Join(root, pkg)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// findRoot returns the directory of the workspace that this one is in.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no go.work here or above")
		}
	}
	return "", err
}
