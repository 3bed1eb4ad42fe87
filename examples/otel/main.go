// Otel shows what Config.Observe is for in a service that is watched: a counter and
// a histogram for OpenTelemetry, attributes on the request's span, and log lines
// that name the trace. An outage is logged as an error: alert on that, or on
//
//	rate(auth_requests_total{error_type="unavailable"}[5m]) > 0
//
// It does not show where to send them: it prints what a collector would get, every
// ten seconds. Metrics have no subject: every account would be a time series.
//
//	go run ./examples/otel
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "`host:port` to listen on; port 0 is a free one")
	flag.Parse()
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		log.Fatal(err)
	}
	spans, err := stdouttrace.New()
	if err != nil {
		log.Fatal(err)
	}
	numbers, err := stdoutmetric.New()
	if err != nil {
		log.Fatal(err)
	}
	every := metric.NewPeriodicReader(numbers, metric.WithInterval(10*time.Second))
	handler, err := routes(tokens, trace.WithSyncer(spans), every, slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	if err != nil {
		log.Fatal(err)
	}
	plain, _, err := tokens.Issue(context.Background(), bearer.Request{Subject: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf(`Without a token, 401, and with one. Each prints a line of the log and a span:

curl -i http://%[1]s/hello
curl -i http://%[1]s/hello -H 'Authorization: Bearer %[2]s'

Ctrl-C ends it.
`, listener.Addr(), plain.Reveal())
	log.Fatal(http.Serve(listener, handler))
}

func routes(tokens auth.Authenticator, spans trace.TracerProviderOption, numbers metric.Reader, logger *slog.Logger) (http.Handler, error) {
	tracers := trace.NewTracerProvider(spans)
	meters := metric.NewMeterProvider(metric.WithReader(numbers))
	told, err := newTelemetry(meters.Meter("example"), logger)
	if err != nil {
		return nil, err
	}
	guard, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{tokens}, Observe: told.observe})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /hello", guard.Require()(http.HandlerFunc(hello)))
	// Around the guard: Observe finds the span in its context.
	return otelhttp.NewHandler(mux, "server", otelhttp.WithTracerProvider(tracers), otelhttp.WithMeterProvider(meters)), nil
}

func hello(w http.ResponseWriter, r *http.Request) {
	id, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "Hello, %s.\n", id.Subject)
}
