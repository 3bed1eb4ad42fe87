package auth_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

// B8: New refuses, and names all that is wrong at once.
func TestNewRefuses_B8(t *testing.T) {
	var (
		noScheme   *scheme
		noFunc     auth.AuthenticatorFunc
		noAccounts accounts
		noDatabase *database
	)
	of := func(authenticators ...auth.Authenticator) auth.Config {
		return auth.Config{Authenticators: authenticators}
	}
	param := func(name, value string) auth.Authenticator {
		return fixedChallenge{auth.Challenge{Scheme: "ApiKey", Params: [][2]string{{name, value}}}}
	}
	one := &scheme{name: "Bearer"}
	tests := []struct {
		name string
		cfg  auth.Config
		want []string // how the lines of the error begin, after "auth: Config."
	}{
		{"zero", auth.Config{}, []string{`Authenticators: empty: `}},
		{"empty", of(), []string{`Authenticators: empty: `}},
		{"nil authenticator", of(one, nil), []string{`Authenticators[1]: nil`}},
		{"nil pointer", of(one, noScheme), []string{`Authenticators[1]: nil`}},
		{"nil function", of(noFunc), []string{`Authenticators[0]: nil`}},
		{"nil pointer of Accounts", auth.Config{Authenticators: []auth.Authenticator{one}, Accounts: noDatabase}, []string{`Accounts: a nil *auth_test.database`}},
		{"nil function of Accounts", auth.Config{Authenticators: []auth.Authenticator{one}, Accounts: noAccounts}, []string{`Accounts: a nil auth_test.accounts`}},
		{"two of one scheme", of(one, &scheme{name: "Bearer"}), []string{`Authenticators[1]: a second one for the scheme Bearer: `}},
		{"the same twice", of(one, one), []string{`Authenticators[1]: a second one for the scheme Bearer: `}},
		{"two in another case", of(one, &scheme{name: "ApiKey"}, &scheme{name: "bEARER"}), []string{`Authenticators[2]: a second one for the scheme bEARER: `}},

		// C2
		{"no scheme", of(&scheme{}), []string{`Authenticators[0]: a *auth_test.scheme whose challenge names no scheme`}},
		{"scheme of two words", of(&scheme{name: "Api Key"}), []string{`Authenticators[0]: challenge: scheme "Api Key": must be a token`}},
		{"scheme with a newline", of(&scheme{name: "Api\r\nKey"}), []string{`Authenticators[0]: challenge: scheme "Api\r\nKey": must be a token`}},
		{"non-ASCII scheme", of(&scheme{name: "Clé"}), []string{`Authenticators[0]: challenge: scheme "Clé": must be a token`}},
		{"no parameter", of(param("", "api")), []string{`Authenticators[0]: challenge of ApiKey: parameter "": must be a token`}},
		{"parameter with a space", of(param("realm ", "api")), []string{`Authenticators[0]: challenge of ApiKey: parameter "realm ": must be a token`}},
		{"CR", of(param("realm", "a\rb")), []string{`Authenticators[0]: challenge of ApiKey: realm "a\rb": only printable ASCII`}},
		{"LF", of(param("realm", "a\nb")), []string{`Authenticators[0]: challenge of ApiKey: realm "a\nb": only printable ASCII`}},
		{"non-ASCII", of(param("realm", "é")), []string{`Authenticators[0]: challenge of ApiKey: realm "é": only printable ASCII`}},

		{"everything at once", auth.Config{
			Authenticators: []auth.Authenticator{one, nil, noScheme, noFunc, &scheme{name: "BEARER"}, &scheme{name: "a b"}, param("realm", "a\nb")},
			Accounts:       noDatabase,
		}, []string{
			`Accounts: a nil *auth_test.database`,
			`Authenticators[1]: nil`,
			`Authenticators[2]: nil`,
			`Authenticators[3]: nil`,
			`Authenticators[4]: a second one for the scheme BEARER: `,
			`Authenticators[5]: challenge: scheme "a b": must be a token`,
			`Authenticators[6]: challenge of ApiKey: realm "a\nb": only printable ASCII can be sent`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, err := auth.New(tt.cfg)
			if g != nil || err == nil {
				t.Fatalf("New = %v, %v, want an error alone", g, err)
			}
			var got []string // a line each; the same challenge may be wrong for several reasons
			for line := range strings.Lines(err.Error()) {
				if line, ok := strings.CutPrefix(line, "auth: Config."); ok {
					got = append(got, strings.TrimSuffix(line, "\n"))
				}
			}
			if !slices.EqualFunc(got, tt.want, strings.HasPrefix) {
				t.Errorf("New: %v\nwant %q", err, tt.want)
			}
		})
	}
}

// A challenge is sent for four reasons, and must be one that can be sent for
// each. C2
func TestNewChecksEveryChallenge(t *testing.T) {
	for _, reason := range []error{auth.ErrNoCredentials, auth.ErrMalformed, auth.ErrInvalidCredentials, auth.ErrInsufficientScope} {
		t.Run(reason.Error(), func(t *testing.T) {
			if _, err := auth.New(auth.Config{Authenticators: []auth.Authenticator{badFor{reason}}}); err == nil {
				t.Error("New took it")
			}
		})
	}
}

// badFor challenges with what cannot be sent, for one reason.
type badFor struct{ reason error }

func (badFor) Authenticate(*http.Request) (*auth.Identity, error) { return nil, auth.ErrNoCredentials }

func (b badFor) Challenge(reason error, _ []string) auth.Challenge {
	c := auth.Challenge{Scheme: "Bearer", Params: [][2]string{{"realm", "api"}}}
	if reason == b.reason {
		c.Params[0][1] = "a\r\nb"
	}
	return c
}

// database is an Accounts that is a pointer.
type database struct{}

func (*database) Account(context.Context, string) (*auth.Account, error) {
	return nil, auth.ErrUnknownAccount
}

// Several schemes without a challenge are no mistake: nothing says that they
// are the same.
func TestNewAccepts(t *testing.T) {
	for name, authenticators := range map[string][]auth.Authenticator{
		"two functions":           {answers["none"], answers["none"]},
		"two of different names":  {&scheme{name: "Bearer"}, &scheme{name: "Bearerx"}},
		"a zero value":            {fixedChallenge{auth.Challenge{Scheme: "Bearer"}}},
		"function and challenger": {answers["none"], &scheme{name: "Bearer"}, session},
	} {
		t.Run(name, func(t *testing.T) {
			if g, err := auth.New(auth.Config{Authenticators: authenticators}); g == nil || err != nil {
				t.Errorf("New = %v, %v", g, err)
			}
		})
	}
}

// The Guard is of the configuration as it was.
func TestNewCopiesConfig(t *testing.T) {
	cfg := auth.Config{Authenticators: []auth.Authenticator{session, bearer(nil, auth.ErrInvalidCredentials)}}
	h := newGuard(t, cfg).Require()(never(t))
	cfg.Authenticators[0], cfg.Authenticators[1] = answers["ada"], answers["ada"]
	cfg.Accounts = account(auth.Account{})
	cfg.Refuse = func(http.ResponseWriter, *http.Request, *auth.Error) { t.Error("the new Refuse was called") }
	if got := serve(h, request("Bearer T")); got.Status != 401 {
		t.Errorf("%v, want 401 as before", got)
	}
	if _, ok := cfg.Authenticators[0].(auth.AuthenticatorFunc); !ok {
		t.Error("New changed the slice")
	}
}
