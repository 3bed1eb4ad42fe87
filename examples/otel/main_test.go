package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/examples/internal/program"
)

// What the program prints works as pasted, and what a collector would get follows.
func TestProgram(t *testing.T) {
	p := program.Start(t)
	p.Want(401, 200)
	p.WantLog(`"Key":"enduser.id","Value":\{"Type":"STRING","Value":"ada"\}`)
	trace := p.WantLog(`"trace_id":"([0-9a-f]{32})","event":\{"type":"authenticated"`)[1]
	p.WantLog(`"TraceID":"` + trace + `"`)
}

// A watched server authenticates by what the header X-Test says, and keeps what it
// tells.
type watched struct {
	t       *testing.T
	server  *httptest.Server
	spans   *tracetest.InMemoryExporter
	numbers *metric.ManualReader
	log     bytes.Buffer
}

func newWatched(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, spans: tracetest.NewInMemoryExporter(), numbers: metric.NewManualReader()}
	scheme := auth.AuthenticatorFunc(func(r *http.Request) (*auth.Identity, error) {
		switch x := r.Header.Get("X-Test"); x {
		case "":
			return nil, auth.ErrNoCredentials
		case "invalid":
			return nil, fmt.Errorf("%w: unknown", auth.ErrInvalidCredentials)
		case "outage":
			return nil, errors.New("dial tcp 10.0.0.7: connection refused")
		default:
			return &auth.Identity{Subject: x, Scheme: "Test"}, nil
		}
	})
	handler, err := routes(scheme, trace.WithSyncer(w.spans), w.numbers, slog.New(slog.NewJSONHandler(&w.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	w.server = httptest.NewServer(handler)
	t.Cleanup(w.server.Close)
	return w
}

func (w *watched) ask(as ...string) {
	w.t.Helper()
	for _, x := range as {
		r, err := http.NewRequestWithContext(w.t.Context(), "GET", w.server.URL+"/hello", nil)
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("X-Test", x)
		res, err := w.server.Client().Do(r)
		if err != nil {
			w.t.Fatal(err)
		}
		res.Body.Close()
	}
	w.server.Close() // and so every span has ended
}

// metric returns the points of a metric by their attributes.
func (w *watched) metric(name string) map[string]int64 {
	w.t.Helper()
	var all metricdata.ResourceMetrics
	if err := w.numbers.Collect(w.t.Context(), &all); err != nil {
		w.t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					got[p.Attributes.Encoded(attribute.DefaultEncoder())] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					if p.Sum <= 0 || p.Sum > 60 {
						w.t.Errorf("%s: %v seconds", name, p.Sum)
					}
					got[p.Attributes.Encoded(attribute.DefaultEncoder())] = int64(p.Count)
				}
			}
		}
	}
	return got
}

// Every request is counted by outcome, whoever it is from.
func TestMetrics(t *testing.T) {
	w := newWatched(t)
	as := []string{"", "invalid", "invalid", "outage"}
	for i := range 50 {
		as = append(as, fmt.Sprintf("user%d", i))
	}
	w.ask(as...)
	want := map[string]int64{
		"auth.event=authenticated,auth.scheme=Test":                 50,
		"auth.event=refused,auth.scheme=,error.type=no_credentials": 1,
		"auth.event=refused,auth.scheme=,error.type=invalid":        2,
		"auth.event=refused,auth.scheme=,error.type=unavailable":    1,
	}
	for _, name := range []string{"auth.requests", "auth.duration"} {
		if diff := cmp.Diff(want, w.metric(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The span says who it was, the line of the log names the span's trace, and an
// outage is an error in both.
func TestSpansAndLog(t *testing.T) {
	for _, test := range []struct {
		as, level string
		attrs     map[string]string
		events    int
	}{
		{"ada", "INFO", map[string]string{"auth.event": "authenticated", "auth.scheme": "Test", "enduser.id": "ada"}, 0},
		{"invalid", "INFO", map[string]string{"auth.event": "refused", "auth.scheme": ""}, 0},
		{"outage", "ERROR", map[string]string{"auth.event": "refused", "auth.scheme": ""}, 1},
	} {
		t.Run(test.as, func(t *testing.T) {
			w := newWatched(t)
			w.ask(test.as)
			spans := w.spans.GetSpans()
			if len(spans) != 1 {
				t.Fatalf("%d spans", len(spans))
			}
			attrs := map[string]string{}
			for _, a := range spans[0].Attributes {
				if key := string(a.Key); strings.HasPrefix(key, "auth.") || strings.HasPrefix(key, "enduser.") {
					attrs[key] = a.Value.AsString()
				}
			}
			if diff := cmp.Diff(test.attrs, attrs); diff != "" {
				t.Errorf("span (-want +got):\n%s", diff)
			}
			if len(spans[0].Events) != test.events {
				t.Errorf("events of the span: %v", spans[0].Events)
			}
			var line struct {
				Level string
				Trace string `json:"trace_id"`
			}
			if err := json.Unmarshal(w.log.Bytes(), &line); err != nil {
				t.Fatalf("%v: %s", err, w.log.String())
			}
			if line.Level != test.level || line.Trace != spans[0].SpanContext.TraceID().String() {
				t.Errorf("log %s, want level %s and trace %s", w.log.String(), test.level, spans[0].SpanContext.TraceID())
			}
		})
	}
}

// Each error of package auth has a word of its own.
func TestKinds(t *testing.T) {
	seen := map[string]error{}
	for _, err := range []error{
		auth.ErrNoCredentials, auth.ErrMalformed, auth.ErrInvalidCredentials, auth.ErrInsufficientScope,
		auth.ErrCrossOrigin, auth.ErrThrottled, auth.ErrUnavailable,
	} {
		got := kind(auth.Event{Type: auth.Refused, Err: fmt.Errorf("because: %w", err)})
		if before, ok := seen[got]; ok {
			t.Errorf("%q is both %v and %v", got, before, err)
		}
		seen[got] = err
	}
}
