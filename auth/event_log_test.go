package auth_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
)

// withoutTime makes the lines of slog's handlers the same every time.
var withoutTime = &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}

func TestEventLogValue(t *testing.T) {
	tests := []struct {
		name       string
		event      auth.Event
		text, json string
	}{
		{
			name: "all", event: auth.Event{
				Type: auth.Refused, Scheme: "Bearer", Identity: ada("pat_1"), Subject: "ada", Credential: "pat_1",
				Err: errors.New("expired"), Duration: 1500 * time.Microsecond,
			},
			text: `ev.type=refused ev.scheme=Bearer ev.subject=ada ev.credential=pat_1 ev.err=expired ev.duration=1.5ms`,
			json: `"ev":{"type":"refused","scheme":"Bearer","subject":"ada","credential":"pat_1","err":"expired","duration":1500000}`,
		},
		{
			name: "type alone", event: auth.Event{Type: auth.Issued},
			text: `ev.type=issued`,
			json: `"ev":{"type":"issued"}`,
		},
		{
			name: "a line of its own in the error", event: auth.Event{Type: auth.Refused, Err: errors.New("bad\nlevel=ERROR")},
			text: `ev.type=refused ev.err="bad\nlevel=ERROR"`,
			json: `"ev":{"type":"refused","err":"bad\nlevel=ERROR"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var text, json strings.Builder
			slog.New(slog.NewTextHandler(&text, withoutTime)).Info("", "ev", tt.event)
			slog.New(slog.NewJSONHandler(&json, withoutTime)).Info("", "ev", tt.event)
			if want := `level=INFO msg="" ` + tt.text + "\n"; text.String() != want {
				t.Errorf("text: %s, want %s", text.String(), want)
			}
			if want := `{"level":"INFO","msg":"",` + tt.json + "}\n"; json.String() != want {
				t.Errorf("JSON: %s, want %s", json.String(), want)
			}
		})
	}
}

// B1: neither a plaintext that came into an error nor the host's own value of
// the account is logged.
func TestEventLogsNoPlaintext_B1(t *testing.T) {
	plain := auth.NewPlaintext(canary)
	id := ada("pat_1")
	id.Account = &auth.Account{User: struct{ Password string }{canary}}
	event := auth.Event{Type: auth.Refused, Identity: id, Subject: "ada", Credential: "pat_1",
		Err: fmt.Errorf("%w: %v %s %q %x", auth.ErrInvalidCredentials, plain, plain, plain, struct{ p auth.Plaintext }{plain})}
	var out strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		l := slog.New(h)
		l.Info("value", "ev", event)
		l.Info("pointer", "ev", &event)
		l.With("ev", event).WithGroup("g").Info("with", slog.Group("h", "ev", event))
	}
	if got := leak(out.String()); got != "" {
		t.Errorf("%s in %s", got, out.String())
	}
	if !strings.Contains(out.String(), "pat_1") {
		t.Errorf("no credential in %s", out.String())
	}
}
