// Package testbed is a testing.TB outside of a test, for package services, which
// starts servers and ends them with the test.
package testbed

import (
	"fmt"
	"os"
	"testing"
)

// A testbed panics instead of failing: whoever calls Fatal must not go on.
type testbed struct {
	testing.TB // for what services does not call
	cleanups   []func()
}

type failure struct{ error }

func (t *testbed) Helper()                   {}
func (t *testbed) Cleanup(f func())          { t.cleanups = append(t.cleanups, f) }
func (t *testbed) Error(a ...any)            { fmt.Fprintln(os.Stderr, a...) }
func (t *testbed) Fatal(a ...any)            { panic(failure{fmt.Errorf("%s", fmt.Sprint(a...))}) }
func (t *testbed) Fatalf(f string, a ...any) { panic(failure{fmt.Errorf(f, a...)}) }
func (t *testbed) Skipf(f string, a ...any)  { t.Fatalf(f, a...) }

// Run calls f, which must use tb on its own goroutine alone, and does then what
// tb.Cleanup was given. What tb.Fatal is called with is the error.
func Run(f func(tb testing.TB) error) (err error) {
	t := &testbed{}
	defer func() {
		v := recover()
		failed, ok := v.(failure)
		if v != nil && !ok {
			panic(v)
		}
		if ok {
			err = failed
		}
	}()
	defer t.close()
	return f(t)
}

func (t *testbed) close() {
	for len(t.cleanups) > 0 {
		last := len(t.cleanups) - 1
		f := t.cleanups[last]
		t.cleanups = t.cleanups[:last]
		f()
	}
}
