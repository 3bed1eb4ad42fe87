package auth

import (
	"log/slog"
	"time"
)

// An EventType says what happened.
type EventType string

// The events of the [Guard] are Authenticated and Refused; the others are those
// of the schemes, from the Observe of their own configuration.
const (
	Authenticated EventType = "authenticated"
	Refused       EventType = "refused"
	Issued        EventType = "issued"
	Rotated       EventType = "rotated"
	Revoked       EventType = "revoked"
	Reused        EventType = "reused" // a rotated credential was presented after its end: it may have been stolen
	SignedIn      EventType = "signed in"
	SignedOut     EventType = "signed out"
)

// An Event is what happened, for audit logs, metrics and traces. It never holds
// a plaintext, and its Err is not fit to be shown to clients.
type Event struct {
	Type       EventType     // what happened
	Scheme     string        // whose event it is, "Bearer" for instance; "" where unknown
	Identity   *Identity     // nil where unknown; copy what is to be kept, it belongs to the request
	Subject    string        // "" where unknown
	Credential string        // public ID; "" where unknown; Revoked: of one, or the ID of a family or a client, or "" for all of Subject's
	Err        error         // Refused: the cause, wrapping an error of this package or the outage itself; Reused: why the family could not be revoked
	Duration   time.Duration // Authenticated, Refused: how long the decision took
}

// Outage reports whether the request was refused because something did not work,
// and not because of what it carried: what an operator should be woken for.
func (e Event) Outage() bool { return e.Type == Refused && classify(e.Err) == unavailable }

// LogValue implements [slog.LogValuer]: a group of those attributes that are
// set.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("type", string(e.Type))}
	if e.Scheme != "" {
		attrs = append(attrs, slog.String("scheme", e.Scheme))
	}
	if e.Subject != "" {
		attrs = append(attrs, slog.String("subject", e.Subject))
	}
	if e.Credential != "" {
		attrs = append(attrs, slog.String("credential", e.Credential))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("err", e.Err.Error()))
	}
	if e.Duration != 0 {
		attrs = append(attrs, slog.Duration("duration", e.Duration))
	}
	return slog.GroupValue(attrs...)
}
