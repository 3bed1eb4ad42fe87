package auth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

const canary = "pat_Zk3v9QxW7bLm2RtY8sHd4FgJ6nPc1AeU5KoVi0w9TqXj2y"

// leak returns what of canary is in out: itself, one of its encodings, or any
// 12 characters of one; or "".
func leak(out string) string {
	out = strings.ToLower(out)
	for name, s := range map[string]string{
		"plaintext":     canary,
		"base64":        base64.RawStdEncoding.EncodeToString([]byte(canary)),
		"base64 url":    base64.RawURLEncoding.EncodeToString([]byte(canary)),
		"hex":           hex.EncodeToString([]byte(canary)),
		"spaced hex":    fmt.Sprintf("% x", canary),
		"list of bytes": strings.Trim(fmt.Sprint([]byte(canary)), "[]"),
		"JSON bytes":    strings.ReplaceAll(strings.Trim(fmt.Sprint([]byte(canary)), "[]"), " ", ","),
	} {
		s = strings.ToLower(s)
		for i := range len(s) - 11 {
			if strings.Contains(out, s[i:i+12]) {
				return fmt.Sprintf("%s %q", name, s[i:i+12])
			}
		}
	}
	return ""
}

// The alarm goes off.
func TestLeak(t *testing.T) {
	for _, out := range []string{
		canary, canary[7:19], strings.ToUpper(canary), fmt.Sprintf("%x", canary), fmt.Sprintf("% X", canary), fmt.Sprint([]byte(canary)),
		base64.StdEncoding.EncodeToString([]byte(canary)), base64.URLEncoding.EncodeToString([]byte(canary)),
		fmt.Sprintf("%v", struct{ s string }{canary}),
	} {
		if leak("before "+out+" after") == "" {
			t.Errorf("%s is no leak", out)
		}
	}
	if got := leak(canary[:11] + " " + canary[12:23]); got != "" {
		t.Errorf("11 characters: %s", got)
	}
}

type (
	exported   struct{ Token auth.Plaintext }
	unexported struct{ token auth.Plaintext }
	pointing   struct{ token *auth.Plaintext }
	deep       struct {
		Outer exported
		inner unexported
		many  []unexported
	}
	failed struct{ token auth.Plaintext }
)

func (e *failed) Error() string { return fmt.Sprintf("refused %v %+v", e.token, *e) }

// holders hold a Plaintext in every way that one can be held.
func holders(p auth.Plaintext) map[string]any {
	pp := &p
	return map[string]any{
		"itself":                p,
		"pointer":               pp,
		"pointer to pointer":    &pp,
		"exported field":        exported{p},
		"unexported field":      unexported{p},
		"pointer to exported":   &exported{p},
		"pointer to unexported": &unexported{p},
		"pointer in field":      pointing{pp},
		"deep":                  deep{exported{p}, unexported{p}, []unexported{{p}}},
		"slice":                 []auth.Plaintext{p},
		"array":                 [1]auth.Plaintext{p},
		"slice of any":          []any{p, pp, unexported{p}},
		"map":                   map[string]auth.Plaintext{"token": p},
		"map of any":            map[string]any{"token": unexported{p}},
		"error":                 &failed{p},
		"wrapped error":         fmt.Errorf("tokens: %w", &failed{p}),
		"error's text":          errors.New(fmt.Sprint("refused ", p)),
		"method":                p.Reveal,
	}
}

// B1
func TestPlaintextIsNeverPrinted_B1(t *testing.T) {
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%t", "%p", "%T", "%c", "%U", "%b", "%o", "%e", "%g", "%+q", "%50v", "%-50s", "%.3s", "%!"}
	for name, v := range holders(auth.NewPlaintext(canary)) {
		t.Run(name, func(t *testing.T) {
			for _, verb := range verbs {
				if out := fmt.Sprintf(verb, v); leak(out) != "" {
					t.Errorf("Sprintf(%q): %s in %s", verb, leak(out), out)
				}
			}
			if out := fmt.Sprintln(v, v); leak(out) != "" {
				t.Errorf("Println: %s in %s", leak(out), out)
			}

			var out bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
				l := slog.New(h).With("with", v)
				l.Info("any", "key", v)
				l.Info("group", slog.Group("group", "key", v))
			}
			// What cannot be encoded is an error, which must not tell either.
			jsonOut, jsonErr := json.Marshal(map[string]any{"key": v})
			xmlOut, xmlErr := xml.Marshal(v)
			gobErr := gob.NewEncoder(&out).Encode(v)
			fmt.Fprintln(&out, string(jsonOut), jsonErr, string(xmlOut), xmlErr, gobErr)
			if leak(out.String()) != "" {
				t.Errorf("%s in %s", leak(out.String()), out.String())
			}
		})
	}
}

func TestPlaintextIsRedacted(t *testing.T) {
	for name, p := range map[string]auth.Plaintext{"canary": auth.NewPlaintext(canary), "empty": auth.NewPlaintext(""), "zero": {}} {
		t.Run(name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%50v"} {
				if out := fmt.Sprintf(verb, p); out != "[redacted]" {
					t.Errorf("Sprintf(%q) = %s", verb, out)
				}
			}
			if out := fmt.Sprint(exported{p}, []auth.Plaintext{p}, &p); out != "{[redacted]} [[redacted]] [redacted]" {
				t.Errorf("Sprint = %s", out)
			}
			out, err := json.Marshal(map[string]any{"a": p, "b": exported{p}, "c": []auth.Plaintext{p}, "d": &p, "e": unexported{p}})
			if want := `{"a":"[redacted]","b":{"Token":"[redacted]"},"c":["[redacted]"],"d":"[redacted]","e":{}}`; string(out) != want || err != nil {
				t.Errorf("JSON %s, %v, want %s", out, err, want)
			}
			if v := slog.AnyValue(p).Resolve(); !v.Equal(slog.StringValue("[redacted]")) { // what any handler sees
				t.Errorf("slog resolves it to %v", v)
			}
			var text, jsonLog strings.Builder
			slog.New(slog.NewTextHandler(&text, withoutTime)).Info("", "token", p)
			slog.New(slog.NewJSONHandler(&jsonLog, withoutTime)).Info("", "token", p)
			if want := "level=INFO msg=\"\" token=[redacted]\n"; text.String() != want {
				t.Errorf("slog: %s, want %s", text.String(), want)
			}
			if want := `{"level":"INFO","msg":"","token":"[redacted]"}` + "\n"; jsonLog.String() != want {
				t.Errorf("slog: %s, want %s", jsonLog.String(), want)
			}
		})
	}
}

func TestPlaintextReveal(t *testing.T) {
	if got := auth.NewPlaintext(canary).Reveal(); got != canary {
		t.Errorf("Reveal() = %s, want %s", got, canary)
	}
	if got := (auth.Plaintext{}).Reveal(); got != "" {
		t.Errorf("zero: Reveal() = %s, want nothing", got)
	}
}
