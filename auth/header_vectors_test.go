package auth_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keystile/keystile/auth"
)

// A headerVector is a request's Authorization lines and what they carry.
type headerVector struct {
	name   string
	scheme string // "": Bearer
	lines  []string
	want   string
	err    error
}

// headerVectors go through HeaderCredentials, through a Guard, and over a
// connection to a real server.
var headerVectors = slices.Concat([]headerVector{
	// P1: the name in any case, one or more spaces.
	{name: "one space", lines: []string{"Bearer T"}, want: "T"},
	{name: "lower case", lines: []string{"bearer T"}, want: "T"},
	{name: "upper case", lines: []string{"BEARER T"}, want: "T"},
	{name: "mixed case", lines: []string{"bEaReR  T"}, want: "T"},
	{name: "many spaces", lines: []string{"Bearer" + strings.Repeat(" ", 100) + "T"}, want: "T"},
	{name: "whitespace around the value", lines: []string{" \tBearer T\t "}, want: "T"},
	{name: "the scheme in upper case", scheme: "BEARER", lines: []string{"bearer T"}, want: "T"},
	{name: "the first and the last letter", scheme: "aZ", lines: []string{"Az T"}, want: "T"},
	{name: "case of the credentials is kept", lines: []string{"Bearer tOkEn"}, want: "tOkEn"},
	{name: "credentials that are the name", lines: []string{"Bearer Bearer"}, want: "Bearer"},

	// P2: no other delimiter.
	{name: "tab", lines: []string{"Bearer\tT"}, err: auth.ErrMalformed},
	{name: "space and tab", lines: []string{"Bearer \tT"}, err: auth.ErrMalformed},
	{name: "nothing between", lines: []string{"BearerT"}, err: auth.ErrNoCredentials},
	{name: "colon", lines: []string{"Bearer:T"}, err: auth.ErrMalformed},
	{name: "colon and space", lines: []string{"Bearer: T"}, err: auth.ErrMalformed},
	{name: "comma", lines: []string{"Bearer,T"}, err: auth.ErrMalformed},
	{name: "equals", lines: []string{"Bearer=T"}, err: auth.ErrMalformed},
	{name: "quote", lines: []string{`Bearer"T"`}, err: auth.ErrMalformed},
	{name: "slash", lines: []string{"Bearer/T"}, err: auth.ErrMalformed},
	{name: "plus", lines: []string{"Bearer+T"}, err: auth.ErrNoCredentials},
	{name: "escaped space", lines: []string{"Bearer%20T"}, err: auth.ErrNoCredentials},
	{name: "no-break space", lines: []string{"Bearer\u00a0T"}, err: auth.ErrMalformed},

	// P3: only token68.
	{name: "every character", lines: []string{"Bearer " + everyToken68}, want: everyToken68},
	{name: "padding", lines: []string{"Bearer T="}, want: "T="},
	{name: "more padding", lines: []string{"Bearer T=="}, want: "T=="},
	{name: "padding alone", lines: []string{"Bearer ="}, err: auth.ErrMalformed},
	{name: "padding first", lines: []string{"Bearer =T"}, err: auth.ErrMalformed},
	{name: "padding within", lines: []string{"Bearer T=T"}, err: auth.ErrMalformed},
	{name: "comma after", lines: []string{"Bearer T,"}, err: auth.ErrMalformed},
	{name: "comma before", lines: []string{"Bearer ,T"}, err: auth.ErrMalformed},
	{name: "quoted", lines: []string{`Bearer "T"`}, err: auth.ErrMalformed},
	{name: "percent", lines: []string{"Bearer T%20"}, err: auth.ErrMalformed},
	{name: "two words", lines: []string{"Bearer T T"}, err: auth.ErrMalformed},
	{name: "parameter", lines: []string{`Bearer token="T"`}, err: auth.ErrMalformed},
	{name: "semicolon", lines: []string{"Bearer T;T"}, err: auth.ErrMalformed},
	{name: "backslash", lines: []string{`Bearer T\T`}, err: auth.ErrMalformed},

	// P4: the name alone is malformed, an empty value is none.
	{name: "name alone", lines: []string{"Bearer"}, err: auth.ErrMalformed},
	{name: "name and space", lines: []string{"Bearer "}, err: auth.ErrMalformed},
	{name: "name and spaces", lines: []string{"bearer   "}, err: auth.ErrMalformed},
	{name: "no header", lines: nil, err: auth.ErrNoCredentials},
	{name: "empty", lines: []string{""}, err: auth.ErrNoCredentials},
	{name: "a space", lines: []string{" "}, err: auth.ErrNoCredentials},
	{name: "whitespace", lines: []string{" \t "}, err: auth.ErrNoCredentials},

	// P5: one credential per request.
	{name: "two lines", lines: []string{"Bearer T", "Bearer U"}, err: auth.ErrMalformed},
	{name: "two equal lines", lines: []string{"Bearer T", "Bearer T"}, err: auth.ErrMalformed},
	{name: "a line of another scheme first", lines: []string{"Basic eA==", "Bearer T"}, err: auth.ErrMalformed},
	{name: "a line of another scheme second", lines: []string{"Bearer T", "Basic eA=="}, err: auth.ErrMalformed},
	{name: "an empty line first", lines: []string{"", "Bearer T"}, err: auth.ErrMalformed},
	{name: "an empty line second", lines: []string{"Bearer T", ""}, err: auth.ErrMalformed},
	{name: "joined", lines: []string{"Bearer T, Bearer U"}, err: auth.ErrMalformed},
	{name: "joined without space", lines: []string{"Bearer T,Bearer U"}, err: auth.ErrMalformed},
	{name: "joined with another scheme after", lines: []string{"Bearer T, Basic eA=="}, err: auth.ErrMalformed},
	{name: "joined with another scheme before", lines: []string{"Basic eA==, Bearer T"}, err: auth.ErrMalformed},
	{name: "joined before without space", lines: []string{"Basic eA==,Bearer T"}, err: auth.ErrMalformed},
	{name: "joined before in lower case", lines: []string{"Basic eA==, bearer T"}, err: auth.ErrMalformed},
	{name: "joined before with spaces", lines: []string{"Basic eA==,    Bearer T"}, err: auth.ErrMalformed},
	{name: "joined before with a tab", lines: []string{"Basic eA==,\tBearer T"}, err: auth.ErrMalformed},
	{name: "joined before by empty elements", lines: []string{"Basic eA==, , ,Bearer T"}, err: auth.ErrMalformed},
	{name: "joined third", lines: []string{"Basic eA==, Digest a=b, Bearer T"}, err: auth.ErrMalformed},
	{name: "joined without credentials", lines: []string{"Basic eA==, Bearer"}, err: auth.ErrMalformed},
	{name: "comma first", lines: []string{", Bearer T"}, err: auth.ErrMalformed},

	// P6: 4096 bytes, whatever they are.
	{name: "4096 bytes", lines: []string{"Bearer " + strings.Repeat("T", 4096-7)}, want: strings.Repeat("T", 4096-7)},
	{name: "4097 bytes", lines: []string{"Bearer " + strings.Repeat("T", 4097-7)}, err: auth.ErrMalformed},
	{name: "4097 bytes of another scheme", lines: []string{"Basic " + strings.Repeat("T", 4097-6)}, err: auth.ErrMalformed},
	{name: "900 KiB of dots", lines: []string{"Bearer " + strings.Repeat(".", 900<<10)}, err: auth.ErrMalformed},
	{name: "900 KiB without a scheme", lines: []string{strings.Repeat(".", 900<<10)}, err: auth.ErrMalformed},

	// Another scheme's are none of this one.
	{name: "another scheme", lines: []string{"Basic eA=="}, err: auth.ErrNoCredentials},
	{name: "another scheme with parameters", lines: []string{`Digest username="a", realm="b"`}, err: auth.ErrNoCredentials},
	{name: "two of another scheme", lines: []string{"Basic eA==, Basic eQ=="}, err: auth.ErrNoCredentials},
	{name: "a longer name", lines: []string{"Bearerx T"}, err: auth.ErrNoCredentials},
	{name: "a longer name, joined", lines: []string{"Basic eA==, Bearerx T"}, err: auth.ErrNoCredentials},
	{name: "a longer name with a hyphen", lines: []string{"Bearer-Token T"}, err: auth.ErrNoCredentials},
	{name: "a shorter name", lines: []string{"Beare T"}, err: auth.ErrNoCredentials},
	{name: "the name later", lines: []string{"Basic Bearer T"}, err: auth.ErrNoCredentials},
	{name: "no scheme", lines: []string{"T"}, err: auth.ErrNoCredentials},

	// Only ASCII letters have two cases.
	{name: "long s", scheme: "Secret", lines: []string{"ſecret T"}, err: auth.ErrMalformed},
	{name: "long s, joined", scheme: "Secret", lines: []string{"Basic eA==, ſecret T"}, err: auth.ErrMalformed},
	{name: "Kelvin sign", scheme: "Key", lines: []string{"\u212Aey T"}, err: auth.ErrMalformed},
	{name: "a bit of difference", scheme: "Key^", lines: []string{"Key~ T"}, err: auth.ErrNoCredentials},
	{name: "a bit of difference, the other way", scheme: "Key~", lines: []string{"Key^ T"}, err: auth.ErrNoCredentials},

	// P8: folds.
	{name: "fold after the name", lines: []string{"Bearer\r\n T"}, err: auth.ErrMalformed},
	{name: "fold in the credentials", lines: []string{"Bearer T\r\n T"}, err: auth.ErrMalformed},
	{name: "fold at the end", lines: []string{"Bearer T\r\n "}, err: auth.ErrMalformed},
	{name: "fold in another scheme's", lines: []string{"Basic eA==\r\n Bearer T"}, err: auth.ErrMalformed},
}, controls())

const everyToken68 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"

// controls returns every control and non-ASCII byte in every place. P8
func controls() (vectors []headerVector) {
	for b := range 256 {
		if ' ' <= b && b <= '~' {
			continue
		}
		c := string([]byte{byte(b)})
		for _, v := range []headerVector{
			{name: "at the start", lines: []string{c + "Bearer T"}},
			{name: "in the name", lines: []string{"Bea" + c + "rer T"}},
			{name: "after the name", lines: []string{"Bearer" + c + " T"}},
			{name: "before the credentials", lines: []string{"Bearer " + c + "T"}},
			{name: "in the credentials", lines: []string{"Bearer T" + c + "T"}},
			{name: "in the padding", lines: []string{"Bearer T=" + c + "="}},
			{name: "at the end", lines: []string{"Bearer T" + c}},
			{name: "in another scheme's", lines: []string{"Basic e" + c + "A=="}},
		} {
			v.err = auth.ErrMalformed
			if c == "\t" && (v.name == "at the start" || v.name == "at the end") {
				v.want, v.err = "T", nil // around the value, and so not of it: RFC 9110 section 5.5
			}
			v.name = fmt.Sprintf("%#02x %s", b, v.name)
			vectors = append(vectors, v)
		}
	}
	return vectors
}
