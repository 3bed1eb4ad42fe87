package auth_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

func TestChallengeString(t *testing.T) {
	tests := []struct {
		name      string
		challenge auth.Challenge
		want      string
	}{
		{"scheme alone", auth.Challenge{Scheme: "Bearer"}, `Bearer`},
		{"a parameter", auth.Challenge{Scheme: "Bearer", Params: [][2]string{{"realm", "api"}}}, `Bearer realm="api"`},
		{"in order", auth.Challenge{Scheme: "Bearer", Params: [][2]string{{"realm", "api"}, {"error", "invalid_token"}, {"a", "b"}}}, `Bearer realm="api", error="invalid_token", a="b"`},
		{"empty value", auth.Challenge{Scheme: "Bearer", Params: [][2]string{{"realm", ""}}}, `Bearer realm=""`},
		{"quotes and backslashes", auth.Challenge{Scheme: "Bearer", Params: [][2]string{{"realm", `a"b\c`}}}, `Bearer realm="a\"b\\c"`}, // C2
		{"separators in a value", auth.Challenge{Scheme: "Bearer", Params: [][2]string{{"realm", `a, b="c"`}}}, `Bearer realm="a, b=\"c\""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.challenge.String()
			if got != tt.want {
				t.Errorf("String() = %s, want %s", got, tt.want)
			}
			if parsed, err := parseChallenge(got); err != nil || !reflect.DeepEqual(parsed, tt.challenge) {
				t.Errorf("parsed: %#v, %v, want %#v", parsed, err, tt.challenge)
			}
		})
	}
}

// C1 C2: what a client gets is one line per scheme, each by the grammar, with
// the reason on the line of the scheme that refused.
func TestChallengesOfEveryRefusal(t *testing.T) {
	none := func(scheme, realm string) auth.Challenge {
		return auth.Challenge{Scheme: scheme, Params: [][2]string{{"realm", realm}}}
	}
	with := func(c auth.Challenge, params ...[2]string) auth.Challenge {
		c.Params = append(c.Params, params...)
		return c
	}
	const realm = `a"b\c, d="e"`
	apiKey, token := none("ApiKey", "keys"), none("Bearer", realm)
	tests := []struct {
		name          string
		authorization []string
		scopes        []string
		err           error
		status        int
		want          []auth.Challenge
	}{
		{name: "none", status: 401, want: []auth.Challenge{apiKey, token}}, // C3: no error=
		{name: "none of these", authorization: []string{"Basic eA=="}, status: 401, want: []auth.Challenge{apiKey, token}},
		{name: "malformed", authorization: []string{"Bearer"}, status: 400,
			want: []auth.Challenge{with(token, [2]string{"error", "invalid_request"})}},
		{name: "invalid", authorization: []string{"Bearer T"}, err: auth.ErrInvalidCredentials, status: 401,
			want: []auth.Challenge{apiKey, with(token, [2]string{"error", "invalid_token"})}},
		{name: "scope", authorization: []string{"Bearer T"}, scopes: []string{"reports:read", "reports:write"}, status: 403,
			want: []auth.Challenge{with(token, [2]string{"error", "insufficient_scope"}, [2]string{"scope", "reports:read reports:write"})}}, // C3
		{name: "scope, says the scheme", authorization: []string{"Bearer T"}, scopes: []string{"reports:read"}, err: auth.ErrInsufficientScope, status: 403,
			want: []auth.Challenge{with(token, [2]string{"error", "insufficient_scope"}, [2]string{"scope", "reports:read"})}},
		{name: "cross-origin", authorization: []string{"Bearer T"}, err: auth.ErrCrossOrigin, status: 403},
		{name: "throttled", authorization: []string{"Bearer T"}, err: auth.ErrThrottled, status: 429},
		{name: "outage", authorization: []string{"Bearer T"}, err: errDown, status: 503}, // C6
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tokens := bearer(&auth.Identity{Subject: "ada"}, tt.err)
			tokens.realm = realm
			g := guardOf(t, &scheme{name: "ApiKey", realm: "keys"}, tokens)
			got := serve(g.Require(tt.scopes...)(never(t)), request(tt.authorization...))
			if got.Status != tt.status {
				t.Errorf("status %d, want %d", got.Status, tt.status)
			}
			var challenges []auth.Challenge
			for _, line := range got.Header["Www-Authenticate"] {
				c, err := parseChallenge(line)
				if err != nil {
					t.Error(err)
				}
				challenges = append(challenges, c)
			}
			if !reflect.DeepEqual(challenges, tt.want) {
				t.Errorf("challenges %q, want %q", challenges, tt.want)
			}
		})
	}
}

// C1: RFC 9110 section 15.5.2 wants a challenge in every 401, whoever has none
// of its own.
func TestChallengeWhereNoSchemeHasOne(t *testing.T) {
	for name, err := range map[string]error{"none": auth.ErrNoCredentials, "invalid": auth.ErrInvalidCredentials} {
		t.Run(name, func(t *testing.T) {
			got := serve(guardOf(t, answering(nil, err)).Require()(never(t)), request())
			if want := []string{"Custom"}; got.Status != 401 || !reflect.DeepEqual(got.Header["Www-Authenticate"], want) {
				t.Errorf("%d %q, want 401 %q", got.Status, got.Header["Www-Authenticate"], want)
			}
		})
	}
	t.Run("beside one that has", func(t *testing.T) {
		got := serve(guardOf(t, answering(nil, auth.ErrNoCredentials), bearer(nil, nil)).Require()(never(t)), request())
		if want := []string{`Bearer realm="api"`}; !reflect.DeepEqual(got.Header["Www-Authenticate"], want) {
			t.Errorf("challenges %q, want %q", got.Header["Www-Authenticate"], want)
		}
	})
}

// Any value that New accepts arrives as it was; and New refuses no other than
// those that the header cannot carry. C2
func FuzzChallenge(f *testing.F) {
	for _, s := range []string{"", "api", `a"b\c`, `\`, `"`, `\"`, `", error="x`, "a, b", "\r\nSet-Cookie: a=b", "\x00", "\x7f", "\t", "é", "\xff", " ~"} {
		f.Add("realm", s)
	}
	f.Add("error description", "a")
	f.Add("", "a")
	f.Fuzz(func(t *testing.T, param, value string) {
		want := auth.Challenge{Scheme: "Bearer", Params: [][2]string{{param, value}}}
		g, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{fixedChallenge{want}}})
		sendable := printable.MatchString(value) && (&challengeParser{param}).token() == param && param != ""
		if (err == nil) != sendable {
			t.Fatalf("New with the parameter %q and the value %q: %v", param, value, err)
		}
		if err != nil {
			if !strings.Contains(err.Error(), "Config.Authenticators[0]") {
				t.Errorf("New: %v, which does not say where", err)
			}
			return
		}
		got := serve(g.Require()(never(t)), request()).Header["Www-Authenticate"]
		if len(got) != 1 {
			t.Fatalf("challenges %q, want one", got)
		}
		if parsed, err := parseChallenge(got[0]); err != nil || !reflect.DeepEqual(parsed, want) {
			t.Errorf("%s parsed: %#v, %v, want %#v", got[0], parsed, err, want)
		}
	})
}

// fixedChallenge finds no credentials and challenges alike for every reason.
type fixedChallenge struct{ challenge auth.Challenge }

func (fixedChallenge) Authenticate(*http.Request) (*auth.Identity, error) {
	return nil, auth.ErrNoCredentials
}

func (c fixedChallenge) Challenge(error, []string) auth.Challenge { return c.challenge }
