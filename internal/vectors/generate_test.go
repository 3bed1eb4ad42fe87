package vectors_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// generate returns the file. It is what to edit in order to add cases.
func generate() *file {
	g := &generator{}
	g.accepted()
	g.header()
	g.several()
	g.elsewhere()
	g.kinds()
	g.states()
	g.scopes()
	g.outages()
	g.cookies()
	g.origins()
	return &file{Version: 1, Cases: g.cases}
}

// encode writes f with a case on each line, so that changes can be read.
func (f *file) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"version\":%d,\"cases\":[\n", f.Version)
	for i, c := range f.Cases {
		var line bytes.Buffer
		enc := json.NewEncoder(&line)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(c); err != nil {
			panic(err)
		}
		b.Write(bytes.TrimSuffix(line.Bytes(), []byte("\n")))
		if i < len(f.Cases)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

type generator struct{ cases []*vector }

var everywhere = []string{"direct", "http1", "http2"}

// add adds a case: a GET of /api unless the options say otherwise.
func (g *generator) add(class, name, section, reason string, options ...func(*vector)) *vector {
	c := &vector{
		Name: name, Class: class, Section: section, Reason: reason, Transports: everywhere,
		Request: message{Method: "GET", Path: "/api"},
	}
	for _, o := range options {
		o(c)
	}
	c.expect()
	g.cases = append(g.cases, c)
	return c
}

func header(name, value string) func(*vector) {
	return func(c *vector) { c.Request.Headers = append(c.Request.Headers, [2]string{name, latin1(value)}) }
}

func authorization(value string) func(*vector) { return header("Authorization", value) }

func method(m string) func(*vector) { return func(c *vector) { c.Request.Method = m } }

func path(p string) func(*vector) { return func(c *vector) { c.Request.Path = p } }

func body(contentType, b string) func(*vector) {
	return func(c *vector) {
		header("Content-Type", contentType)(c)
		c.Request.Method, c.Request.Body = "POST", b
	}
}

func over(transports ...string) func(*vector) { return func(c *vector) { c.Transports = transports } }

// by says which scheme recognises or refuses the request.
func by(scheme string) func(*vector) { return func(c *vector) { c.Response.Scheme = scheme } }

// subject says whom the request is from; ada is whom nearly all are from.
func subject(s string) func(*vector) { return func(c *vector) { c.Response.Subject = s } }

// serverRefuses is for what an HTTP/1.1 server refuses before any handler sees it.
func serverRefuses(c *vector) {
	c.Transports = []string{"direct"}
	c.ServerRefuses = []string{"http1"}
}

// session is a Cookie header with a session that is as a placeholder says.
func session(value string) func(*vector) { return header("Cookie", "__Host-session="+value) }

func sealed(value string) func(*vector) {
	return func(c *vector) {
		path("/sealed")(c)
		header("Cookie", "__Host-sealed="+value)(c)
	}
}

// schemes of the guards, by path, in the order of their challenges.
var schemes = map[string][]string{
	"/api": {"Bearer", "Cookie"}, "/reports": {"Bearer", "Cookie"}, "/optional": {"Bearer", "Cookie"}, "/down": {"Bearer", "Cookie"},
	"/secret": {"Secret"}, "/sealed": {"Cookie"}, "/panic": {"Bearer"}, "/throttled": {"Bearer"},
}

// expect fills in the response that belongs to the class.
func (c *vector) expect() {
	r := &c.Response
	p, _, _ := strings.Cut(c.Request.Path, "?")
	offered := schemes[p]
	if r.Scheme == "" && c.Class != "ok" {
		r.Scheme = offered[0]
		if slices.ContainsFunc(c.Request.Headers, func(h [2]string) bool { return h[0] == "Cookie" }) && c.Class != "malformed" {
			r.Scheme = "Cookie"
		}
	}
	by := r.Scheme
	challenge := func(scheme, params string) string { return scheme + ` realm="api"` + params }
	each := func(refused string) (lines []string) {
		for _, s := range offered {
			params := ""
			if s == refused {
				params = `, error="invalid_token"`
			}
			lines = append(lines, challenge(s, params))
		}
		return lines
	}
	r.Headers = map[string][]string{"Cache-Control": {"no-store"}, "WWW-Authenticate": nil, "Retry-After": nil, "Set-Cookie": nil}
	switch c.Class {
	case "ok":
		r.Status = http.StatusOK
		if r.Subject == "" {
			r.Subject = "ada"
		}
		if r.Subject == "nobody" { // Optional
			r.Subject, r.Headers["Cache-Control"] = "", nil
		}
		return
	case "no-credentials":
		r.Status, r.Headers["WWW-Authenticate"] = 401, each("")
	case "malformed":
		r.Status, r.Headers["WWW-Authenticate"] = 400, []string{challenge(by, `, error="invalid_request"`)}
	case "invalid":
		r.Status, r.Headers["WWW-Authenticate"] = 401, each(by)
		if by == "Cookie" {
			name := "__Host-session"
			if p == "/sealed" {
				name = "__Host-sealed"
			}
			r.Headers["Set-Cookie"] = []string{name + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}
		}
	case "insufficient-scope":
		r.Status, r.Headers["WWW-Authenticate"] = 403, []string{challenge(by, `, error="insufficient_scope", scope="reports:read"`)}
	case "cross-origin":
		r.Status = 403
	case "throttled":
		r.Status, r.Headers["Retry-After"] = 429, []string{"30"}
	case "unavailable":
		r.Status, r.Headers["Retry-After"] = 503, []string{"5"}
	default:
		panic(c.Class)
	}
	r.Scheme = ""
	r.Headers["Content-Type"] = []string{"application/problem+json"}
}

const valid = "${token.valid}"

func (g *generator) accepted() {
	ok := func(name, section, reason string, options ...func(*vector)) {
		g.add("ok", name, section, reason, options...)
	}
	for _, s := range []string{"Bearer", "bearer", "BEARER", "bEaReR"} {
		ok("scheme written "+s, "RFC 9110 11.1", "names of schemes are case-insensitive", authorization(s+" "+valid), by("Bearer"))
	}
	for _, n := range []int{2, 3, 20} {
		ok(fmt.Sprintf("%d spaces after the scheme", n), "RFC 9110 11.4", "one or more spaces", authorization("Bearer"+strings.Repeat(" ", n)+valid), by("Bearer"))
	}
	ok("spaces around the value", "RFC 9110 5.5", "whitespace around a field value is not part of it", authorization("  Bearer "+valid+" \t"), by("Bearer"))
	ok("obs-fold that the server has unfolded", "RFC 9112 5.2", "a server may replace a fold by a space", authorization("Bearer\r\n "+valid), by("Bearer"), over("http1"))
	ok("lower-case field name", "RFC 9110 5.1", "field names are case-insensitive", header("authorization", "Bearer "+valid), by("Bearer"), over("http1"))
	ok("secret", "keystile M7", "Authorization: Secret", path("/secret"), authorization("Secret ${secret.valid}"), by("Secret"))
	ok("secret, imported, with padding", "RFC 9110 11.2", "token68 may end with =", path("/secret"), authorization("Secret ${secret.imported}"), by("Secret"))
	ok("session", "RFC 6265 4.2", "a cookie that was sealed here", session("${cookie.valid}"), by("Cookie"))
	ok("session, sealed under the key before", "keystile K10", "keys are rotated", session("${cookie.oldkey}"), by("Cookie"))
	ok("session without a store", "keystile M5", "the cookie is the session", sealed("${sealed.valid}"), by("Cookie"))
	ok("session among other cookies", "RFC 6265 4.2.1", "the others are not looked at", header("Cookie", "a=b; __Host-session=${cookie.valid}; c=\"d\""), by("Cookie"))
	ok("session sent twice, alike", "keystile K12", "equal duplicates are one", header("Cookie", "__Host-session=${cookie.valid}; __Host-session=${cookie.valid}"), by("Cookie"))
	ok("session and another scheme", "RFC 9110 11.6.2", "a scheme that nobody here knows is no credential of ours", authorization("Basic eDp5"), session("${cookie.valid}"), by("Cookie"))
	ok("token before session", "keystile M6", "headers are asked before cookies", authorization("Bearer ${token.bob}"), session("${cookie.valid}"), by("Bearer"), subject("bob"))
	ok("token in its overlap", "keystile R4", "rotated, but not ended", authorization("Bearer ${token.overlap}"), by("Bearer"))
	ok("successor", "keystile R3", "what the rotation has made", authorization("Bearer ${token.successor}"), by("Bearer"))
	ok("scope granted", "RFC 6750 3.1", "the token has it", path("/reports"), authorization("Bearer ${token.read}"), by("Bearer"))
	ok("scope within all", "keystile M2", "* is all that the account may", path("/reports"), authorization("Bearer "+valid), by("Bearer"))
	ok("HEAD", "RFC 9110 9.3.2", "like GET", method("HEAD"), authorization("Bearer "+valid), by("Bearer"))
	ok("POST with a token from another site", "keystile X4", "a header is not sent by itself", method("POST"), header("Sec-Fetch-Site", "cross-site"), header("Origin", "https://evil.test"), authorization("Bearer "+valid), by("Bearer"))
	ok("nobody where that is optional", "keystile Guard.Optional", "no credentials at all", path("/optional"), subject("nobody"))
	ok("somebody where that is optional", "keystile Guard.Optional", "valid credentials", path("/optional"), authorization("Bearer "+valid), by("Bearer"))
}

// in puts c into the middle of a valid token.
func in(c string) string { return "${token.valid|head:20}" + c + "${token.valid|tail:20}" }

func (g *generator) header() {
	const rfc6750 = "RFC 6750 2.1"
	for b := range 256 {
		c := string([]byte{byte(b)})
		switch {
		case b == '\t' || b >= 0x80:
			if b != '\t' && b%16 != 0 && b != 0xff {
				continue
			}
			g.add("malformed", fmt.Sprintf("byte 0x%02x in the token", b), "RFC 9110 5.5", "refused by the library's own check", authorization("Bearer "+in(c)))
			g.add("malformed", fmt.Sprintf("byte 0x%02x in another scheme's", b), "RFC 9110 5.5", "refused whatever the scheme, before a cookie is asked", authorization("Basic a"+c+"b"), session("${cookie.valid}"))
		case b < ' ' || b == 0x7f:
			g.add("malformed", fmt.Sprintf("byte 0x%02x in the token", b), "RFC 9110 5.5", "refused by the library's own check", authorization("Bearer "+in(c)), serverRefuses)
		case strings.Contains("-._~+/", c) || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z':
		default:
			g.add("malformed", fmt.Sprintf("%q in the token", c), rfc6750, "not a token68 character", authorization("Bearer "+in(c)))
		}
	}
	for _, c := range []string{"\t", ":", "=", ",", ";", "/", `"`, "(", "[", "@", "?", "<", "\xa0", "\x85"} {
		g.add("malformed", fmt.Sprintf("%q after the scheme", c), rfc6750, "only a space delimits", authorization("Bearer"+c+valid))
	}
	for _, c := range []string{"", "-", "_", ".", "+", "~", "%20", "!"} {
		g.add("no-credentials", fmt.Sprintf("%q after the scheme", c), rfc6750, "the name of another scheme", authorization("Bearer"+c+valid))
	}
	for name, value := range each(
		"no value", "Bearer", "a space and no value", "Bearer ", "spaces and no value", "Bearer    ",
		"a quoted token", `Bearer "`+valid+`"`, "an auth-param", `Bearer token="`+valid+`"`, "a token and an auth-param", "Bearer "+valid+`, realm="x"`,
		"a token and a word", "Bearer "+valid+" x", "padding alone", "Bearer ==", "a percent-encoded character", "Bearer ${token.valid|percent:5}",
		"a percent-encoded underscore", "Bearer ${token.valid|percent:3}", "a percent-encoded space", "Bearer %20"+valid, "a token in angle brackets", "Bearer <"+valid+">",
		"a scheme repeated", "Bearer Bearer "+valid, "two tokens", "Bearer "+valid+" "+valid, "a fold in the token", "Bearer "+in("\r\n "), "a quoted-pair", `Bearer \`+valid,
	) {
		options := []func(*vector){authorization(value)}
		if strings.Contains(value, "\r\n") {
			options = append(options, over("direct"))
		}
		g.add("malformed", name, rfc6750, "not scheme, spaces, token68", options...)
	}
	g.add("malformed", "a fold after the scheme", "RFC 9112 5.2", "where no server has unfolded it", authorization("Bearer\r\n "+valid), over("direct"))
	for name, value := range each("4097 bytes", "Bearer ${repeat:A:4090}", "64 KiB", "Bearer ${repeat:A:65536}", "900 KiB of dots", "Bearer ${repeat:.:921600}",
		"900 KiB of another scheme", "Basic ${repeat:A:921600}", "64 KiB of spaces", "Bearer ${repeat: :65536}"+valid, "64 KiB of commas", "${repeat:,:65536}") {
		g.add("malformed", name, "CVE-2025-30204", "the length is capped before any work", authorization(value))
	}
	g.add("invalid", "4096 bytes", "keystile P6", "as long as a header may be", authorization("Bearer ${repeat:A:4089}"))
	for name, value := range each("an empty value", "", "white space alone", " \t ", "no scheme", valid, "a scheme alone that is unknown", "Negotiate", "the scheme as a value", "Basic Bearer",
		"a shorter name", "Beare "+valid, "a longer name", "Bearerx "+valid, "Token", "Token "+valid, "DPoP", "DPoP "+valid, "Basic", "Basic ${token.valid|base64}", "Digest", `Digest username="a", response="b"`) {
		g.add("no-credentials", name, "RFC 9110 11.6.2", "nothing for a scheme of this guard", authorization(value))
	}
	g.add("no-credentials", "no header", "RFC 9110 11.6.1", "the request is asked to authenticate")
	g.add("no-credentials", "no header, HEAD", "RFC 9110 9.3.2", "no body", method("HEAD"))
}

// each yields names and values, which are given in turn, in order.
func each(pairs ...string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for i := 0; i < len(pairs); i += 2 {
			if !yield(pairs[i], pairs[i+1]) {
				return
			}
		}
	}
}

func (g *generator) several() {
	for _, p := range [][2]string{
		{"Bearer " + valid, "Bearer " + valid}, {"Bearer " + valid, "Bearer ${token.unknown}"}, {"Bearer ${token.unknown}", "Bearer " + valid}, {"Basic eDp5", "Bearer " + valid},
		{"Bearer " + valid, "Basic eDp5"}, {"", "Bearer " + valid}, {"Bearer " + valid, ""}, {"Basic eDp5", "Basic eDp5"}, {"", ""},
	} {
		g.add("malformed", fmt.Sprintf("two lines, %q and %q", p[0], p[1]), "RFC 9110 5.3", "one credential per request", authorization(p[0]), authorization(p[1]))
	}
	for name, value := range each("joined, the same", "Bearer "+valid+", Bearer "+valid, "joined, another after", "Bearer "+valid+",Basic eDp5", "joined, another before", "Basic eDp5, Bearer "+valid,
		"joined, an empty one before", ", Bearer "+valid, "joined, an empty one after", "Bearer "+valid+",", "joined, three", "Basic eDp5, Digest a=b, Bearer "+valid, "joined, without a space", "Basic eDp5,bearer "+valid) {
		g.add("malformed", name, "RFC 9110 5.3", "a line is not split", authorization(value))
	}
	g.add("malformed", "a malformed header and a session", "RFC 6750 2", "never falls through to the cookie", authorization("Bearer a b"), session("${cookie.valid}"))
	g.add("malformed", "two lines and a session", "RFC 6750 2", "never falls through to the cookie", authorization("Basic a"), authorization("Basic b"), session("${cookie.valid}"))
	g.add("invalid", "a refused token and a session", "RFC 6750 2", "never falls through to the cookie", authorization("Bearer ${token.expired}"), session("${cookie.valid}"), by("Bearer"))
	g.add("invalid", "an unknown token and a session", "RFC 6750 2", "never falls through to the cookie", authorization("Bearer ${token.unknown}"), session("${cookie.valid}"), by("Bearer"))
	g.add("invalid", "a refused token where that is optional", "keystile Guard.Optional", "only absent credentials pass", path("/optional"), authorization("Bearer ${token.expired}"))
	g.add("malformed", "a malformed header where that is optional", "keystile Guard.Optional", "only absent credentials pass", path("/optional"), authorization("Bearer a b"))
	g.add("invalid", "a refused session where that is optional", "keystile Guard.Optional", "only absent credentials pass", path("/optional"), session("x"))
}

func (g *generator) elsewhere() {
	const asvs = "ASVS 5.0 14.2.1"
	for _, q := range []string{"access_token", "token", "api_key", "Authorization"} {
		g.add("no-credentials", "token in the query as "+q, asvs, "headers only", path("/api?"+q+"="+valid))
	}
	g.add("no-credentials", "token in a form", "RFC 6750 2.2", "not supported: headers only", body("application/x-www-form-urlencoded", "access_token="+valid))
	g.add("no-credentials", "token in JSON", asvs, "headers only", body("application/json", `{"access_token":"`+valid+`"}`))
	for _, h := range []string{"Proxy-Authorization", "X-Authorization", "X-Forwarded-Authorization", "X-Access-Token", "WWW-Authenticate", "Authentication"} {
		g.add("no-credentials", "token in "+h, "RFC 9110 11.6.2", "Authorization only", header(h, "Bearer "+valid))
	}
	g.add("no-credentials", "token as a cookie", asvs, "not the name of a session", header("Cookie", "access_token="+valid))
	g.add("no-credentials", "session value in Authorization without a scheme", "RFC 9110 11.4", "no scheme", authorization("${cookie.valid}"))
	g.add("no-credentials", "session in another header", "RFC 6265 4.2", "Cookie only", header("X-Cookie", "__Host-session=${cookie.valid}"))
	for _, h := range []string{"X-Forwarded-User", "X-Remote-User", "X-User-Id", "Remote-User"} {
		g.add("no-credentials", "a name in "+h, "keystile P7", "no header of a proxy's authenticates", header(h, "ada"))
	}
}

func (g *generator) kinds() {
	const asvs = "ASVS 5.0 9.2.2"
	g.add("no-credentials", "secret as Secret where tokens are", asvs, "not a scheme of this guard", authorization("Secret ${secret.valid}"))
	g.add("no-credentials", "token as Bearer where secrets are", asvs, "not a scheme of this guard", path("/secret"), authorization("Bearer "+valid))
	g.add("no-credentials", "session where secrets are", asvs, "not a scheme of this guard", path("/secret"), header("Cookie", "__Host-session=${cookie.valid}"), by("Secret"))
	for name, value := range each("secret", "${secret.valid}", "imported secret", "${secret.imported}", "session value", "${cookie.valid|trim:=}", "plaintext in a session", "${cookie.plain}", "ID of a token", "${token.id}", "ID of an account", "ada") {
		g.add("invalid", name+" as Bearer", asvs, "kinds are not interchangeable", authorization("Bearer "+value))
	}
	for name, value := range each("token", valid, "session value", "${cookie.valid|trim:=}", "plaintext in a session", "${cookie.plain}", "ID of a secret", "${secret.id}") {
		g.add("invalid", name+" as Secret", asvs, "kinds are not interchangeable", path("/secret"), authorization("Secret "+value))
	}
	for name, value := range each("token", valid, "secret", "${secret.valid}", "plaintext in a session", "${cookie.plain}", "session of another name", "${sealed.valid}", "ID of a session", "${cookie.id}") {
		g.add("invalid", name+" as session", asvs, "kinds are not interchangeable", session(value))
	}
	g.add("invalid", "session with a store as one without", asvs, "bound to its name", sealed("${cookie.valid}"))
}

func (g *generator) states() {
	for name, reason := range each("expired", "valid before its expiry alone", "revoked", "refused from then on", "rotated", "its overlap has ended", "unknown", "never stored",
		"disabled", "its account is disabled", "notbefore", "issued before the account's NotBefore", "gone", "its account is unknown", "network", "meant for another network") {
		g.add("invalid", name+" token", "RFC 6750 3.1", reason, authorization("Bearer ${token."+name+"}"))
	}
	for name, reason := range each("expired", "valid before its expiry alone", "revoked", "refused from then on", "rotated", "its overlap has ended", "unknown", "never stored", "disabled", "its account is disabled") {
		g.add("invalid", name+" secret", "keystile R1", reason, path("/secret"), authorization("Secret ${secret."+name+"}"))
	}
	for name, reason := range each("expired", "the session's end", "idle", "not used for too long", "signedout", "signed out on the server", "revoked", "revoked on the server", "future", "made in the future",
		"disabled", "its account is disabled", "notbefore", "issued before the account's NotBefore", "otherkey", "sealed under a key of somebody else", "othercodec", "sealed by the other codec", "othername", "sealed for another name") {
		g.add("invalid", name+" session", "keystile K", reason, session("${cookie."+name+"}"))
	}
	for name, reason := range each("expired", "the session's end", "future", "made in the future", "disabled", "its account is disabled", "notbefore", "issued before the account's NotBefore", "otherkey", "sealed under a key of somebody else") {
		g.add("invalid", name+" session without a store", "keystile K7", reason, sealed("${sealed."+name+"}"))
	}
	for _, m := range []string{"flip:0", "flip:3", "flip:4", "flip:20", "flip:43", "flip:44", "flip:49", "cut:1", "cut:6", "cut:46", "drop:1", "drop:4", "upper", "lower", "reverse", "swap"} {
		g.add("invalid", "token, "+m, "keystile T2", "the checksum or the form is wrong", authorization("Bearer ${token.valid|"+m+"}"))
	}
	for name, value := range each("with a character more", valid+"0", "padded", valid+"=", "twice", valid+valid, "with another prefix", "sec_${token.valid|drop:4}", "with the prefix in capitals", "PAT_${token.valid|drop:4}", "the prefix alone", "pat_",
		"of another system", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "a JWT without a signature", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.", "a UUID", "00000000-0000-0000-0000-000000000000", "null", "null", "undefined", "undefined") {
		g.add("invalid", "token, "+name, "keystile T2", "not a token that was made here", authorization("Bearer "+value))
	}
}

func (g *generator) scopes() {
	lacks := func(name, reason string, options ...func(*vector)) {
		g.add("insufficient-scope", name, "RFC 6750 3.1", reason, append([]func(*vector){path("/reports")}, options...)...)
	}
	lacks("another scope", "reports:write is not reports:read", authorization("Bearer ${token.write}"))
	lacks("no scopes", "an empty list grants nothing", authorization("Bearer ${token.scopeless}"))
	lacks("a part of the scope", "reports is not reports:read", authorization("Bearer ${token.part}"))
	lacks("the scope in capitals", "scopes are case-sensitive", authorization("Bearer ${token.capitals}"))
	lacks("a pattern", "reports:* is not a pattern", authorization("Bearer ${token.pattern}"))
	lacks("an account without the permission", "a token may what its account may", authorization("Bearer ${token.carl}"))
	lacks("a session of an account without the permission", "a session may what its account may", session("${cookie.carl}"))
	lacks("a token without the scope, and a session with it", "the token is who asks", authorization("Bearer ${token.write}"), session("${cookie.valid}"), by("Bearer"))
}

func (g *generator) outages() {
	g.add("unavailable", "store is down", "RFC 9110 15.6.4", "never a 401, nor a challenge", path("/down"), authorization("Bearer "+valid))
	g.add("unavailable", "store is down, unknown token", "RFC 9110 15.6.4", "it cannot be told", path("/down"), authorization("Bearer ${token.unknown}"))
	g.add("unavailable", "store is down, session", "RFC 9110 15.6.4", "never a 401, and the cookie is kept", path("/down"), session("${cookie.valid}"))
	g.add("unavailable", "store is down, HEAD", "RFC 9110 9.3.2", "no body", path("/down"), method("HEAD"), authorization("Bearer "+valid))
	g.add("invalid", "store is down, wrong checksum", "keystile T2", "the store is not asked", path("/down"), authorization("Bearer ${token.valid|flip:20}"))
	g.add("invalid", "store is down, forged session", "keystile K4", "the store is not asked", path("/down"), session("x"))
	g.add("malformed", "store is down, malformed", "keystile P3", "the store is not asked", path("/down"), authorization("Bearer a b"))
	g.add("no-credentials", "store is down, nobody", "keystile C6", "the store is not asked", path("/down"))
	g.add("unavailable", "store panics", "ASVS 5.0 16.5.3", "contained", path("/panic"), authorization("Bearer "+valid))
	g.add("unavailable", "account cannot be told", "RFC 9110 15.6.4", "never a 401", authorization("Bearer ${token.flaky}"))
	g.add("throttled", "throttled, valid token", "RFC 6585 4", "refused before it is looked at", path("/throttled"), authorization("Bearer "+valid))
	g.add("throttled", "throttled, unknown token", "RFC 6585 4", "refused before it is looked at", path("/throttled"), authorization("Bearer ${token.unknown}"))
	g.add("throttled", "throttled, HEAD", "RFC 9110 9.3.2", "no body", path("/throttled"), method("HEAD"), authorization("Bearer "+valid))
}

func (g *generator) cookies() {
	const asvs = "ASVS 5.0 9.1.1"
	for i := range 16 {
		m := fmt.Sprintf("flip:%d", 11*i)
		g.add("invalid", "session, "+m, asvs, "no altered cookie opens", session("${cookie.valid|"+m+"}"))
		if i < 12 {
			g.add("invalid", "session without a store, "+m, asvs, "no altered cookie opens", sealed("${sealed.valid|"+m+"}"))
		}
	}
	for _, m := range []string{"flip:-1", "flip:-2", "flip:-5", "cut:1", "cut:2", "cut:4", "cut:40", "drop:1", "drop:4", "reverse", "swap", "base64", "percent:8"} {
		g.add("invalid", "session, "+m, asvs, "no altered cookie opens", session("${cookie.valid|"+m+"}"))
		g.add("invalid", "session without a store, "+m, asvs, "no altered cookie opens", sealed("${sealed.valid|"+m+"}"))
	}
	for name, value := range each("empty", "", "padded", "${cookie.valid}=", "with a character more", "${cookie.valid}A", "twice", "${cookie.valid}${cookie.valid}", "huge", "${repeat:A:65536}", "a space inside", "${cookie.valid|head:9} ${cookie.valid|tail:9}",
		"a comma after", "${cookie.valid},", "half of another", "${cookie.valid|head:40}${cookie.other|tail:40}", "plain text", "ada", "JSON", "{\"sub\":\"ada\"}") {
		g.add("invalid", "session, "+name, asvs, "no other string opens", session(value))
	}
	const k12 = "keystile K12"
	g.add("invalid", "two sessions", k12, "differing duplicates", header("Cookie", "__Host-session=${cookie.valid}; __Host-session=${cookie.other}"))
	g.add("invalid", "two sessions, the other way", k12, "differing duplicates", header("Cookie", "__Host-session=${cookie.other}; __Host-session=${cookie.valid}"))
	g.add("invalid", "a forged session before", k12, "differing duplicates", header("Cookie", "__Host-session=x; __Host-session=${cookie.valid}"))
	g.add("invalid", "a forged session after", k12, "differing duplicates", header("Cookie", "__Host-session=${cookie.valid}; __Host-session=x"))
	g.add("invalid", "an empty session after", k12, "differing duplicates", header("Cookie", "__Host-session=${cookie.valid}; __Host-session="))
	g.add("invalid", "two lines", k12, "differing duplicates", session("${cookie.valid}"), session("${cookie.other}"))
	g.add("invalid", "3001 cookies", "keystile K12", "too many to look at", header("Cookie", "${repeat:a=b;:3000} __Host-session=${cookie.valid}"))
	for _, name := range []string{"__host-session", "__Host-Session", "__HOST-SESSION", "session", "Host-session", "__Secure-session", "x__Host-session", "__Host-sessions", "__Host-session[]", "\xc2\xa0__Host-session", "%5F_Host-session", "\"__Host-session\"", "$__Host-session"} {
		g.add("no-credentials", "session as "+latin1(name), "RFC 6265bis 4.1.3", "names are compared to the byte", header("Cookie", name+"=${cookie.valid}"))
	}
	g.add("no-credentials", "a legacy $Version", "RFC 2109 4.3.4", "obsolete syntax has no effect", header("Cookie", `$Version=1; a="b, __Host-session=${cookie.valid}"`))
	g.add("no-credentials", "session in another one's value", "RFC 6265 4.2.1", "a value is a value", header("Cookie", "a=__Host-session=${cookie.valid}"))
	g.add("no-credentials", "session after a comma", "RFC 6265 4.2.1", "a comma separates nothing", header("Cookie", "a=b, __Host-session=${cookie.valid}"))
}

func (g *generator) origins() {
	const asvs = "ASVS 5.0 3.5.1"
	sites := []string{"", "same-origin", "none", "same-site", "cross-site", "garbage", "Same-Origin"}
	origins := []string{"", "https://service.test", "https://app.service.test", "https://evil.test", "null"}
	for _, m := range []string{"POST", "DELETE", "WebSocket", "GET"} {
		for _, site := range sites {
			for _, origin := range origins {
				passes := site == "same-origin" || site == "none" || origin == "https://app.service.test" || site == "" && (origin == "" || origin == "https://service.test")
				safe := m == "GET"
				if safe && (site != "cross-site" || origin == "" || origin == "null") || passes && m == "DELETE" || passes && m == "WebSocket" && origin != "https://service.test" || passes && site == "none" && origin != "" {
					continue // what passes anyway is told often enough
				}
				class, reason := "ok", "from the service's own origin, a trusted one, or not from a browser"
				if safe {
					reason = "a safe method"
				} else if !passes {
					class, reason = "cross-origin", "another site made the browser send it"
				}
				options := []func(*vector){session("${cookie.valid}")}
				switch m {
				case "WebSocket":
					options = append(options, header("Connection", "Upgrade"), header("Upgrade", "websocket"), over("direct", "http1"))
				default:
					options = append(options, method(m))
				}
				if site != "" {
					options = append(options, header("Sec-Fetch-Site", site))
				}
				if origin != "" {
					options = append(options, header("Origin", origin))
				}
				if class == "ok" {
					options = append(options, by("Cookie"))
				}
				g.add(class, fmt.Sprintf("%s, Sec-Fetch-Site %q, Origin %q", m, site, origin), asvs, reason, options...)
			}
		}
	}
	post := func(name, section, reason string, options ...func(*vector)) {
		g.add("cross-origin", name, section, reason, append([]func(*vector){method("POST"), session("${cookie.valid}")}, options...)...)
	}
	for _, m := range []string{"PUT", "PATCH", "PROPFIND", "TRACE", "get", "post"} {
		post("cross-site "+m, asvs, "not a safe method", method(m), header("Sec-Fetch-Site", "cross-site"), header("Origin", "https://evil.test"))
	}
	for _, o := range []string{"https://app.service.test.", "https://app.service.test:8443", "https://app.service.test/", "http://app.service.test", "HTTPS://APP.SERVICE.TEST", "https://evil.app.service.test", "https://app.service.test.evil.test", "https://app.service.test@evil.test", "//app.service.test", "app.service.test", "https://app.service.test https://evil.test"} {
		post("untrusted origin "+o, "CVE-2025-47909", "trusted origins match exactly", header("Origin", o))
	}
	post("two Sec-Fetch-Site lines", "keystile X1", "several lines", header("Sec-Fetch-Site", "same-origin"), header("Sec-Fetch-Site", "cross-site"))
	post("two Origin lines", "keystile X1", "several lines", header("Origin", "https://service.test"), header("Origin", "https://evil.test"))
	post("two Origin lines, the other way", "keystile X1", "several lines", header("Origin", "https://evil.test"), header("Origin", "https://app.service.test"))
	post("another scheme's header", "keystile X4", "exempt only when a header authenticated", authorization("Basic eDp5"), header("Sec-Fetch-Site", "cross-site"))
	post("an empty header", "keystile X4", "exempt only when a header authenticated", authorization(""), header("Sec-Fetch-Site", "cross-site"))
	post("same-site", "keystile X1", "a sibling is another origin", header("Sec-Fetch-Site", "same-site"), header("Origin", "https://blog.service.test"))
	post("without a store", "keystile X1", "sealed sessions, too", func(c *vector) { c.Request.Headers = nil }, sealed("${sealed.valid}"), header("Sec-Fetch-Site", "cross-site"))
	post("a method override", asvs, "the method is what it is", header("X-HTTP-Method-Override", "GET"), header("Sec-Fetch-Site", "cross-site"))
}
