package canary

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/store"
)

// A driver sends requests to a service, and knows every credential in them.
type driver struct {
	t *testing.T
	*service
	canaries map[string]string
	statuses map[int]int
}

// An answer is what came back, without what was shown.
type answer struct {
	status int
	id     string // of the credential in it
	shown  string
}

// Where an answer shows a credential by design.
var (
	nowhere       = (*regexp.Regexp)(nil)
	inBody        = regexp.MustCompile(`"reveal":"([^"]+)"`)
	inAccessToken = regexp.MustCompile(`"access_token":"([^"]+)"`)
	inSetCookie   = regexp.MustCompile(`Set-Cookie: __Host-session=([^;]{20,});`)
)

// show sends a request, whose answer shows a credential, which is a canary from
// now on. It takes that one occurrence out of the answer.
func (d *driver) show(as string, where *regexp.Regexp, line, body string, headers ...string) answer {
	d.t.Helper()
	conn, err := net.Dial("tcp", d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: service.test\r\nConnection: close\r\nContent-Length: %d\r\n", line, len(body))
	for _, h := range headers {
		fmt.Fprintf(conn, "%s\r\n", h)
	}
	fmt.Fprintf(conn, "\r\n%s", body)
	raw, _ := io.ReadAll(conn) // where it refuses to read all, the server resets the connection
	var a answer
	rest := raw
	if where != nil {
		m := where.FindSubmatchIndex(raw)
		if m == nil {
			d.t.Fatalf("%s shows no %s: %s", line, as, raw)
		}
		a.shown = string(raw[m[2]:m[3]])
		d.canaries[as] = a.shown
		rest = append(bytes.Clone(raw[:m[2]]), raw[m[3]:]...)
	}
	d.out.to("responses").Write(rest)
	if resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil); err == nil {
		a.status, a.id = resp.StatusCode, resp.Header.Get("Credential")
	}
	d.statuses[a.status]++
	return a
}

// ask sends a request, and fails the test if the status is another one; 0 is
// that there is no answer.
func (d *driver) ask(status int, line, body string, headers ...string) {
	d.t.Helper()
	if got := d.show("", nowhere, line, body, headers...); got.status != status {
		d.t.Errorf("%s: status %d, want %d", line, got.status, status)
	}
}

const (
	form   = "Content-Type: application/x-www-form-urlencoded"
	asJSON = "Content-Type: application/json"
)

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// drive does everything with every credential, on a store that works.
func (d *driver) drive(with configured) {
	cookieOf := func(as string) string { return "Cookie: __Host-session=" + d.canaries[as] }
	tokenOf := func(as string) string { return "Authorization: Bearer " + d.canaries[as] }
	secretOf := func(as string) string { return "Authorization: Secret " + d.canaries[as] }

	login := url.Values{"email": {"ada"}, "password": {with.password}}.Encode()
	for _, as := range []string{"session", "session signed out", "session revoked"} {
		d.show(as, inSetCookie, "POST /login", login, form)
	}
	d.ask(200, "GET /api", "", cookieOf("session"))
	d.ask(403, "POST /api", "", cookieOf("session"), "Sec-Fetch-Site: cross-site")
	d.ask(403, "POST /login", login, form, cookieOf("session"), "Origin: https://evil.test")
	d.ask(403, "POST /logout", "", cookieOf("session"), "Sec-Fetch-Site: same-site")
	d.ask(500, "POST /login", "password=guessed", form)
	for _, i := range []int{0, 20, 60} {
		tampered := []byte(d.canaries["session"])
		tampered[len(tampered)-1-i] ^= 1
		d.ask(401, "GET /api", "", "Cookie: __Host-session="+string(tampered))
	}
	d.ask(401, "GET /api", "", cookieOf("session"), "Cookie: __Host-session=another")
	d.ask(200, "POST /logout", "", cookieOf("session signed out"))
	d.ask(401, "GET /api", "", cookieOf("session signed out"))

	manage := func(what, as string, values ...string) answer {
		body := url.Values{}
		for i := 0; i < len(values); i += 2 {
			body.Add(values[i], values[i+1])
		}
		where := inBody
		if as == "" {
			where = nowhere
		}
		return d.show(as, where, "POST /manage/"+what, body.Encode(), form, cookieOf("session"))
	}
	manage("issue", "token")
	manage("issue", "narrow token", "scope", "read")
	manage("rotate", "successor", "id", manage("issue", "rotated token").id)
	manage("end", "", "id", manage("issue", "revoked token").id)
	manage("issue", "leaked token")
	manage("leaked", "", "plain", d.canaries["leaked token"])
	manage("lookup", "", "plain", d.canaries["leaked token"])
	client, narrow := manage("issue-secret", "secret"), manage("issue-secret", "narrow secret", "scope", "read")
	manage("rotate-secret", "next secret", "id", manage("issue-secret", "rotated secret").id)
	d.canaries["imported secret"] = imported()
	manage("import", "", "plain", d.canaries["imported secret"])
	d.insert(with.pepper, "expired token", store.KindToken, func(c *store.Credential) { c.ExpiresAt = time.Now().Add(-time.Second) })
	d.canaries["unknown token"] = unknown(d.t)
	manage("list", "")

	d.ask(200, "GET /api", "", tokenOf("token"))
	d.ask(200, "GET /optional", "", tokenOf("token"))
	d.ask(403, "GET /admin", "", tokenOf("narrow token"))
	for _, as := range []string{"revoked token", "leaked token", "expired token", "unknown token", "secret", "session"} {
		d.ask(401, "GET /api", "", tokenOf(as))
	}
	for _, as := range []string{"secret", "next secret", "rotated secret", "imported secret"} {
		d.ask(200, "GET /server", "", secretOf(as))
	}
	d.ask(401, "GET /server", "", secretOf("token"))

	// The token endpoint, in each of its styles.
	d.show("token for JSON", inAccessToken, "POST /token", `{"Lifetime":3600,"Secret":"`+d.canaries["secret"]+`"}`, asJSON)
	d.show("token for header", inAccessToken, "POST /token", `{}`, asJSON, secretOf("secret"))
	const grant = "grant_type=client_credentials"
	d.show("token for Basic", inAccessToken, "POST /token", grant+"&scope=read", form, basic(client.id, d.canaries["secret"]))
	byForm := "client_id=" + client.id + "&client_secret=" + d.canaries["secret"]
	byNarrow := "client_id=" + narrow.id + "&client_secret=" + d.canaries["narrow secret"]
	d.show("token for form", inAccessToken, "POST /token", grant+"&"+byForm, form)
	d.show("token for imported", inAccessToken, "POST /token", `{"Secret":"`+d.canaries["imported secret"]+`"}`, asJSON)

	for as, c := range d.canaries { // everything, right or wrong, where it belongs and where not
		if strings.HasPrefix(as, "pepper with") {
			continue // which has line breaks
		}
		for _, authorization := range []string{
			"Bearer\t" + c, "Bearer:" + c, "Bearer" + c, c, "Bearer " + c + ",", `Bearer "` + c + `"`, "Bearer " + c + " " + c, "Bearer token=" + c,
			"Bearer " + c + ", Bearer " + c, "Bearer " + c + "\x80", "Bearer " + c + "\x01", "Bearer " + strings.Repeat(c, 4096/len(c)+1), "Secret " + c, "Secret " + c + ",", "Basic " + c,
		} {
			d.show("", nowhere, "GET /optional", "", "Authorization: "+authorization)
		}
		d.show("", nowhere, "GET /optional", "", "Authorization: Bearer "+c, "Authorization: Bearer "+c)
		d.show("", nowhere, "GET /optional", "", "Cookie: a="+c+"; __Host-session="+c)
		d.show("", nowhere, "GET /optional?access_token="+url.QueryEscape(c), "")
		d.show("", nowhere, "GET /server", "", "Authorization: Secret "+c+" "+c)
		escaped := url.QueryEscape(c)
		for _, body := range []string{
			grant + "&client_id=" + escaped + "&client_secret=" + escaped + "x", "grant_type=" + escaped, grant + "&" + byNarrow + "&scope=" + escaped, byForm + "&client_secret=" + escaped, escaped,
		} {
			d.show("", nowhere, "POST /token", body, form)
		}
		for _, body := range []string{
			`{"Secret":"` + c + `x"}`, `{"Secret":"` + c + `","Secret":"` + c + `"}`, `{"Secret":["` + c + `"]}`, `{"` + c + `":1}`, `"` + c + `"`, c, `{"Lifetime":"` + c + `"}`, `{"Scopes":["` + c + `"]}`,
		} {
			d.show("", nowhere, "POST /token", body, asJSON)
		}
		d.show("", nowhere, "POST /token?client_secret="+escaped, grant, form)
		d.show("", nowhere, "POST /token", grant, form, "Authorization: Basic "+c)
		d.show("", nowhere, "POST /token", grant, form, basic(c, c))
		d.ask(200, "POST /introspect", byForm+"&token="+escaped, form)
		d.show("", nowhere, "POST /introspect", "token="+escaped, form)
		manage("import", "", "plain", c+"\n")
		manage("lookup", "", "plain", c)
	}
	d.ask(200, "POST /revoke", byForm+"&token="+d.canaries["token for form"], form)
	d.ask(401, "GET /api", "", tokenOf("token for form"))
	d.ask(401, "GET /api", "", tokenOf("rotated token")) // reused: ends the family
	d.ask(401, "GET /api", "", tokenOf("successor"))

	d.ask(200, "GET /limited", "", basic("ada", with.password))
	for _, guess := range []string{with.password + "x", d.canaries["secret"], "x"} {
		d.ask(401, "GET /limited", "", basic("ada", guess))
	}
	d.ask(429, "GET /limited", "", basic("ada", with.password+"y"))
	d.ask(429, "GET /limited", "", tokenOf("token"))
}

// untilDown waits until a cache has noticed that the store is down.
func (d *driver) untilDown() {
	d.t.Helper()
	for end := time.Now().Add(10 * time.Second); d.show("", nowhere, "GET /api", "", "Authorization: Bearer "+d.canaries["token"]).status != 503; {
		if time.Now().After(end) {
			d.t.Fatal("the store is down, and nobody notices")
		}
	}
}

// fail does what looks a credential up, or makes one, on a store that fails.
func (d *driver) fail(with configured) {
	for _, as := range []string{"token", "unknown token", "narrow token"} {
		d.ask(503, "GET /api", "", "Authorization: Bearer "+d.canaries[as])
	}
	d.ask(503, "GET /api", "", "Cookie: __Host-session="+d.canaries["renewed session"])
	d.ask(503, "GET /server", "", "Authorization: Secret "+d.canaries["imported secret"])
	d.ask(503, "POST /token", `{"Secret":"`+d.canaries["secret"]+`"}`, asJSON)
	d.ask(503, "POST /introspect", "token="+d.canaries["token"], form, "Authorization: Secret "+d.canaries["secret"])
	d.ask(503, "POST /revoke", "token="+d.canaries["token"], form, "Authorization: Secret "+d.canaries["secret"])
	d.show("", nowhere, "POST /login", url.Values{"password": {with.password}}.Encode(), form)
	d.show("", nowhere, "POST /logout", "", "Cookie: __Host-session="+d.canaries["renewed session"])
}

// failToMake does what makes a credential, on a store that fails to keep it.
func (d *driver) failToMake(with configured) {
	session := "Cookie: __Host-session=" + d.canaries["renewed session"]
	for what, plain := range map[string]string{"issue": "", "issue-secret": "", "import": imported(), "rotate": ""} {
		if plain != "" {
			d.canaries["secret that is not imported"] = plain
		}
		d.show("", nowhere, "POST /manage/"+what, url.Values{"plain": {plain}, "id": {"x"}}.Encode(), form, session)
	}
	d.ask(503, "POST /token", `{"Secret":"`+d.canaries["secret"]+`"}`, asJSON)
	d.show("", nowhere, "POST /login", url.Values{"password": {with.password}}.Encode(), form)
}

// insert puts a credential into the store that nobody would issue.
func (d *driver) insert(pepper, as string, kind store.Kind, change func(*store.Credential)) {
	d.t.Helper()
	plain := unknown(d.t)
	d.canaries[as] = plain
	mac := hmac.New(sha256.New, []byte(pepper))
	io.WriteString(mac, plain)
	c := &store.Credential{ID: rand.Text(), Kind: kind, Digest: store.Digest(mac.Sum(nil)), Subject: subject, Scopes: []string{auth.AllScopes}, CreatedAt: time.Now().Add(-time.Hour)}
	c.Family = c.ID
	change(c)
	if _, err := d.store.Insert(d.t.Context(), c, store.Limits{}); err != nil {
		d.t.Fatal(err)
	}
}

// unknown returns a token of another service.
func unknown(t *testing.T) string {
	t.Helper()
	tokens, err := bearer.New(bearer.Config{Store: store.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	plain, _, err := tokens.Issue(t.Context(), bearer.Request{Subject: "ben"})
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal()
}

// imported returns a secret of another form than ours, in which no piece is
// without a character that URLs escape.
func imported() string {
	var b strings.Builder
	for i, c := range rand.Text() + rand.Text() {
		if b.WriteRune(c); i%5 == 0 {
			b.WriteByte("+/"[i/5%2])
		}
	}
	return b.String()
}
