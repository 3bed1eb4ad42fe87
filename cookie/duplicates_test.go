package cookie_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keystile/keystile/cookie"
)

// TestDuplicates sends several cookies of the session's name, as a browser does
// where another host of the domain, or an attacker on it, has set one. Which of
// them comes first is for the browser to say, so none of them counts. (K12)
func TestDuplicates(t *testing.T) {
	each(t, func(t *testing.T, cfg cookie.Config) {
		s := newSite(t, cfg)
		ada, _ := s.signInAs(t, "ada", nil)
		mallory, _ := s.signInAs(t, "mallory", nil)
		a, m, junk := ada.Name+"="+ada.Value, ada.Name+"="+mallory.Value, ada.Name+"=junk"
		for _, tt := range []struct {
			name  string
			lines []string
			want  int
		}{
			{"one", []string{a}, http.StatusOK},
			{"among others", []string{"theme=dark; " + a + "; lang=en"}, http.StatusOK},
			{"in the second line", []string{"theme=dark", a}, http.StatusOK},
			{"quoted", []string{ada.Name + `="` + ada.Value + `"`}, http.StatusOK}, // as net/http has it

			{"equal", []string{a + "; " + a}, http.StatusOK},
			{"equal in two lines", []string{a, a}, http.StatusOK},
			{"equal three times", []string{a + "; " + a, "theme=dark; " + a}, http.StatusOK},

			{"good, good", []string{a + "; " + m}, http.StatusUnauthorized},
			{"good, good, reversed", []string{m + "; " + a}, http.StatusUnauthorized},
			{"good, good in two lines", []string{a, m}, http.StatusUnauthorized},
			{"good, good in two lines, reversed", []string{m, a}, http.StatusUnauthorized},
			{"good, junk", []string{a + "; " + junk}, http.StatusUnauthorized},
			{"junk, good", []string{junk + "; " + a}, http.StatusUnauthorized},
			{"good, junk in two lines", []string{a, junk}, http.StatusUnauthorized},
			{"junk, good in two lines", []string{junk, a}, http.StatusUnauthorized},
			{"good, empty", []string{a + "; " + ada.Name + "="}, http.StatusUnauthorized},
			{"empty, good", []string{ada.Name + "=; " + a}, http.StatusUnauthorized},
			{"bare name, good", []string{ada.Name + "; " + a}, http.StatusUnauthorized},
			{"good, junk, good", []string{a + "; " + junk + "; " + a}, http.StatusUnauthorized},
			{"good, unreadable to net/http", []string{a + "; " + ada.Name + "=a\\b"}, http.StatusUnauthorized},

			{"another case", []string{strings.ToUpper(ada.Name) + "=junk; " + a}, http.StatusOK},
			{"longer name", []string{ada.Name + "2=junk; " + a}, http.StatusOK},
			{"within another value", []string{"theme=" + a}, http.StatusUnauthorized},
			{"joined by a comma", []string{a + ", " + a}, http.StatusUnauthorized},
		} {
			var lines []string
			for _, l := range tt.lines {
				lines = append(lines, "Cookie: "+l)
			}
			if w := s.visit(nil, lines...); w.Code != tt.want {
				t.Errorf("%s: status %d, want %d", tt.name, w.Code, tt.want)
			}
		}
	})
}

// TestManyCookies sends as many cookies as net/http reads, and one more.
func TestManyCookies(t *testing.T) {
	s := newSite(t, cookie.Config{Keys: []cookie.Key{cookie.NewKey()}})
	c, _ := s.signIn(t, nil)
	for _, tt := range []struct {
		name  string
		lines []string
		want  int
	}{
		{"3000, last", []string{"Cookie: " + strings.Repeat("a=b; ", 2999) + c.Name + "=" + c.Value}, http.StatusOK},
		{"3001, last", []string{"Cookie: " + strings.Repeat("a=b; ", 3000) + c.Name + "=" + c.Value}, http.StatusUnauthorized},
		{"3001, first", []string{"Cookie: " + c.Name + "=" + c.Value + strings.Repeat("; a=b", 3000)}, http.StatusUnauthorized},
		{"3000 in lines", []string{"Cookie: " + strings.Repeat("a; ", 2998) + "b", line(c)}, http.StatusOK},
		{"3001 in lines", []string{line(c), "Cookie: " + strings.Repeat(";", 2999)}, http.StatusUnauthorized},
	} {
		w := s.visit(nil, tt.lines...)
		if w.Code != tt.want || cleared(t, w) != (tt.want != http.StatusOK) {
			t.Errorf("%s: status %d, want %d; Set-Cookie %q", tt.name, w.Code, tt.want, w.Header()["Set-Cookie"])
		}
	}
}
