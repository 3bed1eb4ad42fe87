package auth

import (
	"fmt"
	"io"
	"log/slog"
)

// A Plaintext holds a credential as its owner presents it. [Plaintext.Reveal]
// returns it, and nothing else does: printed, logged, or encoded as text or
// JSON, it is "[redacted]". The zero Plaintext holds the empty string.
type Plaintext struct {
	// A function, not a string: fmt does not call the methods of an
	// unexported field of somebody else's struct, and other printers call
	// none at all. All that either can print of a function is its address.
	reveal func() string
}

const redacted = "[redacted]"

// NewPlaintext returns s as a Plaintext.
func NewPlaintext(s string) Plaintext { return Plaintext{func() string { return s }} }

// Reveal returns the credential itself. Show it to its owner, once, and keep
// it nowhere.
func (p Plaintext) Reveal() string {
	if p.reveal == nil {
		return ""
	}
	return p.reveal()
}

// Format implements [fmt.Formatter]. Every verb prints "[redacted]".
func (p Plaintext) Format(s fmt.State, _ rune) { io.WriteString(s, redacted) }

// LogValue implements [slog.LogValuer]. It answers "[redacted]".
func (p Plaintext) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], and so JSON. It answers
// "[redacted]".
func (p Plaintext) MarshalText() ([]byte, error) { return []byte(redacted), nil }
