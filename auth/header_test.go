package auth_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/keystile/keystile/auth"
)

// P1 P2 P3 P4 P5 P6 P8
func TestHeaderCredentials(t *testing.T) {
	for _, v := range headerVectors {
		t.Run(v.name, func(t *testing.T) {
			got, err := auth.HeaderCredentials(http.Header{"Authorization": v.lines}, cmp.Or(v.scheme, "Bearer"))
			if got != v.want || err != v.err {
				t.Errorf("HeaderCredentials(%.60q) = %.60q, %v, want %.60q, %v", v.lines, got, err, v.want, v.err)
			}
		})
	}
}

// status returns how a Guard of one scheme answers to v.
func (v headerVector) status() int {
	switch v.err {
	case nil:
		return http.StatusOK
	case auth.ErrMalformed:
		return http.StatusBadRequest
	}
	return http.StatusUnauthorized
}

// guarded returns a handler that writes the credentials it got, behind a Guard
// of v's scheme.
func (v headerVector) guarded(t *testing.T) (*scheme, http.Handler) {
	s := &scheme{name: cmp.Or(v.scheme, "Bearer")}
	return s, guardOf(t, s).Require()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := auth.FromContext(r.Context())
		w.Write([]byte(id.Credential))
	}))
}

// check compares an answer with what v should get: that nothing is looked up
// for a refused header, above all.
func (v headerVector) check(t *testing.T, s *scheme, status int, body string) {
	t.Helper()
	if status != v.status() {
		t.Errorf("%.60q: status %d, want %d", v.lines, status, v.status())
	}
	lookups := int32(0)
	if v.err == nil {
		lookups = 1
		if body != v.want {
			t.Errorf("%.60q: the handler got %.60q, want %.60q", v.lines, body, v.want)
		}
	}
	if got := s.lookups.Load(); got != lookups {
		t.Errorf("%.60q: %d lookups, want %d", v.lines, got, lookups)
	}
}

// P1 P2 P3 P4 P5 P6 P8, through our own code alone: a ResponseRecorder checks
// no header before the Guard sees it.
func TestHeaderThroughGuard(t *testing.T) {
	for _, v := range headerVectors {
		t.Run(v.name, func(t *testing.T) {
			s, h := v.guarded(t)
			got := serve(h, request(v.lines...))
			v.check(t, s, got.Status, got.Body)
		})
	}
}

// P1 P2 P3 P4 P5 P6 P8, from the bytes on the wire. What net/http refuses by
// itself it answers 400, as the Guard does.
func TestHeaderThroughServer(t *testing.T) {
	for _, v := range headerVectors {
		if strings.Contains(strings.Join(v.lines, ""), "\n") {
			continue // ends the line, so that the value is another
		}
		t.Run(v.name, func(t *testing.T) {
			s, h := v.guarded(t)
			var lines []string
			for _, line := range v.lines {
				lines = append(lines, "Authorization: "+line)
			}
			status, _, body := exchange(t, "GET", mount(t, h), lines...)
			v.check(t, s, status, body)
		})
	}
}

// P8: RFC 9112 section 5.2 lets a server refuse a fold or read it as spaces.
// The Guard sees what net/http made of it, and never half of a value.
func TestHeaderFoldedOnTheWire(t *testing.T) {
	tests := []struct {
		name, line string
		as         headerVector
	}{
		{"before the credentials", "Bearer\r\n T", headerVector{lines: []string{"Bearer T"}, want: "T"}},
		{"in the credentials", "Bearer T\r\n U", headerVector{lines: []string{"Bearer T U"}, err: auth.ErrMalformed}},
		{"before another scheme", "Basic eA==,\r\n Bearer T", headerVector{lines: []string{"Basic eA==, Bearer T"}, err: auth.ErrMalformed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, h := tt.as.guarded(t)
			status, _, body := exchange(t, "GET", mount(t, h), "Authorization: "+tt.line)
			if status == http.StatusBadRequest && s.asked.Load() == 0 {
				return // net/http refused it
			}
			tt.as.check(t, s, status, body)
		})
	}
}

// P7: the header is the only place that is looked at.
func TestHeaderIsTheOnlyPlace(t *testing.T) {
	for _, name := range []string{"Proxy-Authorization", "X-Authorization", "Access-Token", "Cookie", "X-Forwarded-Authorization"} {
		t.Run(name, func(t *testing.T) {
			r := request()
			r.Header.Set(name, "Bearer T")
			if got := serve(guardOf(t, bearer(ada("T"), nil)).Require()(never(t)), r); got.Status != http.StatusUnauthorized {
				t.Errorf("status %d, want 401", got.Status)
			}
		})
	}
	t.Run("query and form", func(t *testing.T) {
		r, err := http.NewRequest("POST", "/?access_token=T&Authorization=Bearer+T", strings.NewReader("access_token=T"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := serve(guardOf(t, bearer(ada("T"), nil)).Require()(never(t)), r); got.Status != http.StatusUnauthorized {
			t.Errorf("status %d, want 401", got.Status)
		}
	})
}

// The grammar of the Authorization header, as the RFCs have it, for what is
// left of a value without the whitespace around it.
var (
	wellFormed = regexp.MustCompile(`^(?i:bearer) +[A-Za-z0-9\-._~+/]+=*$`)
	ofBearer   = regexp.MustCompile("(?:^|,) *(?i:bearer)(?:$|[^!#$%&'*+\\-.^_`|~0-9A-Za-z])")
	printable  = regexp.MustCompile(`^[ -~]*$`)
)

func FuzzHeaderCredentials(f *testing.F) {
	for _, v := range headerVectors {
		if len(v.lines) == 1 && len(v.lines[0]) < 8192 {
			f.Add(v.lines[0])
		}
	}
	for _, line := range vectors(f, "Authorization") {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var want string
		var wantErr error
		switch value := strings.Trim(line, " \t"); {
		case len(line) > 4096:
			wantErr = auth.ErrMalformed
		case value == "":
			wantErr = auth.ErrNoCredentials
		case wellFormed.MatchString(value):
			want = strings.TrimLeft(value[len("bearer"):], " ")
		case ofBearer.MatchString(value) || !printable.MatchString(value):
			wantErr = auth.ErrMalformed
		default:
			wantErr = auth.ErrNoCredentials
		}
		got, err := auth.HeaderCredentials(http.Header{"Authorization": {line}}, "Bearer")
		if got != want || err != wantErr {
			t.Errorf("HeaderCredentials(%q) = %q, %v, want %q, %v", line, got, err, want, wantErr)
		}
	})
}

// vectors returns the values of a header in testdata/vectors, placeholders and
// all.
func vectors(t testing.TB, header string) (values []string) {
	t.Helper()
	b, err := os.ReadFile("../testdata/vectors/v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct{ Request struct{ Headers [][2]string } }
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		for _, h := range c.Request.Headers {
			if h[0] == header {
				values = append(values, h[1])
			}
		}
	}
	if len(values) == 0 {
		t.Fatalf("no %s in the vectors", header)
	}
	return values
}
