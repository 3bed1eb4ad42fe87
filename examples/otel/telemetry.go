package main

import (
	"context"
	"errors"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/keystile/keystile/auth"
)

// A telemetry tells metrics, traces and a log of the events of a Guard.
type telemetry struct {
	requests metric.Int64Counter
	duration metric.Float64Histogram
	log      *slog.Logger
}

func newTelemetry(meter metric.Meter, log *slog.Logger) (t telemetry, err error) {
	t.log = log
	if t.requests, err = meter.Int64Counter("auth.requests",
		metric.WithUnit("{request}"), metric.WithDescription("Requests that were authenticated or refused.")); err != nil {
		return t, err
	}
	t.duration, err = meter.Float64Histogram("auth.duration",
		metric.WithUnit("s"), metric.WithDescription("How long it took to decide."),
		metric.WithExplicitBucketBoundaries(1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10))
	return t, err
}

// observe is for Config.Observe. It runs before the handler, so it only counts and
// logs: exporting is for the SDK to do elsewhere.
func (t telemetry) observe(ctx context.Context, ev auth.Event) {
	attrs := []attribute.KeyValue{attribute.String("auth.event", string(ev.Type)), attribute.String("auth.scheme", ev.Scheme)}
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(attrs...)
	if ev.Subject != "" {
		span.SetAttributes(semconv.EnduserID(ev.Subject)) // personal data: mind who can read the traces
	}
	if ev.Type == auth.Refused {
		attrs = append(attrs, semconv.ErrorTypeKey.String(kind(ev)))
	}
	set := metric.WithAttributeSet(attribute.NewSet(attrs...))
	t.requests.Add(ctx, 1, set)
	t.duration.Record(ctx, ev.Duration.Seconds(), set)

	level := slog.LevelInfo
	if ev.Outage() { // something is broken, and it is not the client
		level = slog.LevelError
		span.RecordError(ev.Err)
	}
	t.log.LogAttrs(ctx, level, "auth", slog.String("trace_id", span.SpanContext().TraceID().String()), slog.Any("event", ev))
}

// kinds are the errors that clients are to blame for.
var kinds = []struct {
	err  error
	name string
}{
	{auth.ErrMalformed, "malformed"},
	{auth.ErrInvalidCredentials, "invalid"},
	{auth.ErrInsufficientScope, "insufficient_scope"},
	{auth.ErrCrossOrigin, "cross_origin"},
	{auth.ErrThrottled, "throttled"},
	{auth.ErrNoCredentials, "no_credentials"},
}

// kind returns one of seven words for why a request was refused. The text of the
// error would be without end, and names subjects.
func kind(ev auth.Event) string {
	if !ev.Outage() {
		for _, k := range kinds {
			if errors.Is(ev.Err, k.err) {
				return k.name
			}
		}
	}
	return "unavailable"
}
