package canary

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/keystile/keystile/auth"
)

// An output is all that comes out of a service, by where.
type output struct {
	mu     sync.Mutex
	places map[string]*bytes.Buffer
	types  map[auth.EventType]bool // of the events
}

// places are where something comes out, besides the files of a store.
var places = []string{"log as text", "log as JSON", "events", "errors", "stacks", "responses", "values"}

// newOutput returns an output that has everything that is logged, until the
// test's end.
func newOutput(t *testing.T) *output {
	o := &output{places: make(map[string]*bytes.Buffer), types: make(map[auth.EventType]bool)}
	for _, place := range places {
		o.places[place] = new(bytes.Buffer)
	}
	all := &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewMultiHandler(
		slog.NewTextHandler(o.to("log as text"), all), slog.NewJSONHandler(o.to("log as JSON"), all))))
	return o
}

type place struct {
	*output
	name string
}

func (o *output) to(name string) io.Writer { return place{o, name} }

func (p place) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.places[p.name].Write(b)
}

// tell writes values in every way that there is.
func (o *output) tell(place string, values ...any) {
	w := o.to(place)
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(w, verb+"\n", v)
		}
		if b, err := json.Marshal(v); err == nil {
			w.Write(append(b, '\n'))
		}
		slog.Debug("told", "value", v)
	}
}

// observe is the hook of every Config that has one.
func (o *output) observe(ctx context.Context, ev auth.Event) {
	o.mu.Lock()
	o.types[ev.Type] = true
	o.mu.Unlock()
	o.tell("events", ev, &ev, ev.Identity)
	slog.InfoContext(ctx, "event", "event", ev)
	o.failed(ev.Err)
}

// failed takes an error, and all that it wraps.
func (o *output) failed(err error) {
	if err == nil {
		return
	}
	o.tell("errors", err, fmt.Errorf("wrapped: %w", err))
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			o.failed(err)
		}
	}
	o.failed(errors.Unwrap(err))
}

// stack takes the stacks of all goroutines.
func (o *output) stack() {
	b := make([]byte, 1<<20)
	o.to("stacks").Write(b[:runtime.Stack(b, true)])
}

// search returns what is found, and where. dir has the files of the store; "" for
// none.
func (o *output) search(t *testing.T, n *needles, dir string) map[string][]string {
	found := make(map[string][]string)
	o.mu.Lock()
	for place, b := range o.places {
		if b.Len() < 1000 {
			t.Errorf("%s: only %q", place, b)
		}
		found[place] = n.find(b.Bytes())
	}
	o.mu.Unlock()
	if dir == "" {
		return found
	}
	rows := false // whether these are the files
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the server has removed it
		}
		rows = rows || bytes.Contains(b, []byte(subject))
		for _, what := range n.find(b) {
			if !slices.Contains(found["files"], what) {
				found["files"] = append(found["files"], what)
			}
		}
		return err
	})
	if err != nil || !rows {
		t.Errorf("files with rows: %t, %v", rows, err)
	}
	return found
}
