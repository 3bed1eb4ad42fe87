package auth

import (
	"fmt"
	"strings"

	"github.com/keystile/keystile/internal/grammar"
)

// A Challenge is one line of the WWW-Authenticate header: RFC 9110 section
// 11.6.1.
type Challenge struct {
	Scheme string      // as in Authorization: "Bearer", for instance
	Params [][2]string // name and value, in order; values are quoted when written
}

// String returns the line as it is sent, such as
//
//	Bearer realm="api", error="invalid_token"
//
// Every value is a quoted-string, with quotes and backslashes escaped: RFC 9110
// section 5.6.4. Whether it can be sent is not checked here, but by [New].
func (c Challenge) String() string {
	var b strings.Builder
	b.WriteString(c.Scheme)
	for i, p := range c.Params {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte(' ')
		b.WriteString(p[0])
		b.WriteString(`="`)
		for j := range len(p[1]) {
			if ch := p[1][j]; ch == '"' || ch == '\\' {
				b.WriteByte('\\')
			}
			b.WriteByte(p[1][j])
		}
		b.WriteByte('"')
	}
	return b.String()
}

// validate returns an error if c cannot be written as a header line.
func (c Challenge) validate() error {
	if !grammar.IsToken(c.Scheme) {
		return fmt.Errorf("challenge: scheme %q: must be a token: letters, digits and punctuation such as -, without spaces", c.Scheme)
	}
	for _, p := range c.Params {
		if !grammar.IsToken(p[0]) {
			return fmt.Errorf("challenge of %s: parameter %q: must be a token: letters, digits and punctuation such as -, without spaces", c.Scheme, p[0])
		}
		if !grammar.IsPrintable(p[1]) {
			return fmt.Errorf("challenge of %s: %s %q: only printable ASCII can be sent", c.Scheme, p[0], p[1])
		}
	}
	return nil
}
