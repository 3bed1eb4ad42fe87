package stores

import (
	"fmt"
	"os"
	"testing"
)

// A testbed is a testing.TB outside of a test, for package services: it starts
// servers and ends them when it is closed.
type testbed struct {
	testing.TB // for what services does not call
	cleanups   []func()
}

// A failure is what a testbed panics with: services must not go on.
type failure struct{ error }

func (t *testbed) Helper()                   {}
func (t *testbed) Cleanup(f func())          { t.cleanups = append(t.cleanups, f) }
func (t *testbed) Error(a ...any)            { fmt.Fprintln(os.Stderr, a...) }
func (t *testbed) Fatal(a ...any)            { panic(failure{fmt.Errorf("%s", fmt.Sprint(a...))}) }
func (t *testbed) Fatalf(f string, a ...any) { panic(failure{fmt.Errorf(f, a...)}) }
func (t *testbed) Skipf(f string, a ...any)  { t.Fatalf(f, a...) }

func (t *testbed) close() {
	for len(t.cleanups) > 0 {
		last := len(t.cleanups) - 1
		f := t.cleanups[last]
		t.cleanups = t.cleanups[:last]
		f()
	}
}
