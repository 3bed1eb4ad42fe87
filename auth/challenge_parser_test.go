package auth_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keystile/keystile/auth"
)

// parseChallenge reads one line of WWW-Authenticate with no code of package
// auth, by the grammar of RFC 9110 sections 11.2, 11.3 and 5.6.4 (without
// token68, which an auth.Challenge cannot hold):
//
//	challenge     = auth-scheme [ 1*SP #auth-param ]
//	auth-param    = token BWS "=" BWS ( token / quoted-string )
//	quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
//
// A list of two challenges is an error: each has a line of its own. C2
func parseChallenge(line string) (c auth.Challenge, err error) {
	p := &challengeParser{line}
	if c.Scheme = p.token(); c.Scheme == "" {
		return c, fmt.Errorf("%q: no scheme", line)
	}
	if p.rest == "" {
		return c, nil
	}
	if p.skip(" ") == 0 {
		return c, fmt.Errorf("%q: no space after the scheme", line)
	}
	for {
		param, err := p.param()
		if err != nil {
			return c, fmt.Errorf("%q: %w", line, err)
		}
		if slices.ContainsFunc(c.Params, func(q [2]string) bool { return strings.EqualFold(q[0], param[0]) }) {
			return c, fmt.Errorf("%q: a second parameter %s", line, param[0])
		}
		c.Params = append(c.Params, param)
		p.skip(" \t")
		if p.rest == "" {
			return c, nil
		}
		if !p.next(',') {
			return c, fmt.Errorf("%q: no comma before %q", line, p.rest)
		}
		p.skip(" \t")
	}
}

type challengeParser struct{ rest string }

// skip drops the leading characters that are in set, and returns how many.
func (p *challengeParser) skip(set string) int {
	before := len(p.rest)
	p.rest = strings.TrimLeft(p.rest, set)
	return before - len(p.rest)
}

// next drops c if it is next.
func (p *challengeParser) next(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

// token reads 1*tchar: RFC 9110 section 5.6.2.
func (p *challengeParser) token() string {
	const tchar = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	token := p.rest[:len(p.rest)-len(strings.TrimLeft(p.rest, tchar))]
	p.rest = p.rest[len(token):]
	return token
}

func (p *challengeParser) param() (param [2]string, err error) {
	if param[0] = p.token(); param[0] == "" {
		return param, fmt.Errorf("no parameter at %q", p.rest)
	}
	p.skip(" \t")
	if !p.next('=') {
		return param, fmt.Errorf("no = after %s", param[0])
	}
	p.skip(" \t")
	if p.next('"') {
		param[1], err = p.quoted()
		return param, err
	}
	if param[1] = p.token(); param[1] == "" {
		return param, fmt.Errorf("no value of %s", param[0])
	}
	return param, nil
}

// quoted reads the rest of a quoted-string, without its escapes.
func (p *challengeParser) quoted() (string, error) {
	var value strings.Builder
	for {
		switch {
		case p.rest == "":
			return "", errors.New("the quote is not closed")
		case p.next('"'):
			return value.String(), nil
		case p.next('\\') && p.rest == "":
			return "", errors.New("nothing is escaped")
		}
		c := p.rest[0]
		if c != '\t' && c < ' ' || c == 0x7f {
			return "", fmt.Errorf("control character %#x", c)
		}
		value.WriteByte(c)
		p.rest = p.rest[1:]
	}
}
