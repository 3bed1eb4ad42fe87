package main

const vectors, direct = "internal/vectors", "TestVectors/direct"

// mutants are faults in the library's own guards.
var mutants = []mutant{
	// The Authorization header.
	{"header: length cap", "auth/header.go", `len(lines) > 1 || len(lines[0]) > maxAuthorization`, `len(lines) > 1`, vectors, direct},
	{"header: one line", "auth/header.go", `len(lines) > 1 || len(lines[0])`, `len(lines[0])`, vectors, direct},
	{"header: token68", "auth/header.go", ` || !grammar.IsToken68(credentials)`, ``, vectors, direct},
	{"header: space after the scheme", "auth/header.go", `len(credentials) == len(rest) || `, ``, vectors, direct},
	{"header: controls in another scheme's", "auth/header.go", `if !grammar.IsPrintable(line) {`, `if grammar.IsPrintable(line) && false {`, vectors, direct},
	{"header: case of the scheme", "auth/header.go", ` && !strings.EqualFold(line[:len(scheme)], scheme)`, ``, vectors, direct},
	{"header: joined by a comma", "auth/header.go", `strings.TrimLeft(part, " "), scheme); ok {`, `strings.TrimLeft(part, " "), scheme); ok && false {`, vectors, direct},

	// The Guard's decisions.
	{"guard: panic containment", "auth/throttle.go", `defer contain(d)`, ``, vectors, direct},
	{"guard: refuses at all", "auth/guard.go", "if d.class == nil {\n\t\t\t\tg.admit(w, r, next, start, &d)", "if next != nil {\n\t\t\t\tnext.ServeHTTP(w, r)", vectors, direct},
	{"guard: account disabled", "auth/decide.go", `case account.Disabled:`, `case false:`, vectors, direct},
	{"guard: NotBefore", "auth/decide.go", `case id.IssuedAt.Before(account.NotBefore):`, `case false:`, vectors, direct},
	{"guard: unknown account", "auth/decide.go", `return invalidCredentials, errUnknownAccount`, `return nil, nil`, vectors, direct},
	{"guard: 503 and not 401, account", "auth/decide.go", `return unavailable, fmt.Errorf("auth: account`, `return invalidCredentials, fmt.Errorf("auth: account`, vectors, direct},
	{"guard: 503 and not 401, store", "auth/error.go", "\t}\n\treturn unavailable\n}\n\n// An Error", "\t}\n\treturn invalidCredentials\n}\n\n// An Error", vectors, direct},
	{"guard: several classes in one error", "auth/error.go", `{malformed, invalidCredentials, insufficientScope, crossOrigin, throttled, noCredentials}`, `{noCredentials, malformed, invalidCredentials, insufficientScope, crossOrigin, throttled}`, "auth", "TestRefusalOfSeveralKinds"},
	{"guard: permissions of the account", "auth/identity.go", ` || id.Account != nil && !allows(id.Account.Permissions, s)`, ``, vectors, direct},
	{"guard: scopes of the credential", "auth/identity.go", `!allows(id.Scopes, s) || `, ``, vectors, direct},
	{"guard: room behind the scopes", "internal/grammar/grammar.go", `return scopes[:len(scopes):len(scopes)]`, `return scopes`, "auth", "TestScopesHaveNoRoom"},
	{"guard: scopes of the host's identities", "auth/identity.go", `id.Scopes = grammar.Granted(id.Scopes)`, ``, "auth", "TestScopesHaveNoRoom"},
	{"guard: no scopes are not all", "internal/grammar/grammar.go", `if scopes == nil {`, `if false {`, "auth", "TestNoScopesAreNotNil"},
	{"guard: scopes of rows", "internal/credential/identity.go", `grammar.Granted(c.Scopes)`, `c.Scopes`, "internal/credential", "TestScopesOfRows"},
	{"guard: cookies are asked last", "auth/config.go", `case a.ambient == b.ambient:`, `case true:`, "auth", "TestRefusedHeaderNeverFallsThroughToCookie_P9"},
	{"guard: Optional refuses what is invalid", "auth/guard.go", "case noCredentials:\n\t\t\tg.addVary", "case noCredentials, invalidCredentials:\n\t\t\tg.addVary", vectors, direct},
	{"guard: an embedded scheme", "auth/config.go", `ok && i.Itself() == a {`, `ok {`, "auth", "TestEmbeddedSchemeIsNotPassedOver"},
	{"guard: no-store on refusals", "auth/error.go", `h["Cache-Control"] = noStore`, ``, vectors, direct},
	{"guard: no-store on what is authenticated", "auth/guard.go", `h["Cache-Control"] = noStore`, ``, vectors, direct},
	{"guard: Retry-After", "auth/error.go", `if e.retryAfter != nil {`, `if false {`, vectors, direct},
	{"guard: quotes in a challenge", "auth/challenge.go", `ch == '"' || ch == '\\'`, `ch == '\\'`, "auth", "TestChallengeString"},

	// Validity.
	{"validity: revocation", "internal/credential/validity.go", `case !c.RevokedAt.IsZero():`, `case false:`, "internal/credential", "TestRefusals"},
	{"validity: active", "store/credential.go", `return c.RevokedAt.IsZero() && (`, `return true || (`, vectors, direct},
	{"validity: expiry to the microsecond", "store/credential.go", `now.Before(c.ExpiresAt)`, `!now.After(c.ExpiresAt)`, "internal/credential", "TestExpiry"},
	{"validity: reuse is noticed", "internal/credential/validity.go", `r.superseded = true`, ``, "internal/credential", "TestReuse"},
	{"validity: reuse revokes the family", "internal/credential/verify.go", `if m.cfg.RevokeReused {`, `if false {`, "internal/credential", "TestReuseRevokesFamily"},
	{"validity: networks", "internal/credential/validity.go", `if len(c.Networks) > 0 &&`, `if len(c.Networks) > 100 &&`, vectors, direct},
	{"validity: kind", "internal/credential/verify.go", `c.Kind != m.cfg.Kind || c.Digest`, `c.Digest`, "internal/credential", "TestStoreReturnsAnotherRow"},
	{"validity: digest comparison", "internal/credential/verify.go", ` || c.Digest != digest`, ``, "internal/credential", "TestStoreReturnsAnotherRow"},
	{"validity: checksum", "internal/credential/format.go", `return sum == uint64(f.crc.update(f.begun, body))`, `return sum < 1<<32 || f.crc.update(f.begun, body) == 0`, vectors, direct},
	{"validity: another service's refusal", "internal/credential/verify.go", `if err = outage(err); !errors`, `if !errors`, "internal/credential", "TestStoreAnswersAboutARequest"},
	{"validity: peppers", "internal/credential/digest.go", `plain: acceptUnpeppered || len(peppers) == 0`, `plain: true`, "internal/credential", "TestPeppers"},
	{"validity: client of a secret", "internal/credential/verify.go", `case family(c) != client:`, `case false:`, "bearer/endpoint", "TestClientAuthentication"},

	// Addresses.
	{"address: X-Forwarded-For of anybody", "internal/credential/client.go", `if len(trusted) == 0 || !within(addr, trusted) {`, `if len(trusted) == 0 {`, "internal/credential", "TestClientAddr"},
	{"address: the first of X-Forwarded-For", "internal/credential/client.go", "if !within(addr, trusted) {\n\t\t\t\treturn addr", "if !within(addr, trusted) && !more {\n\t\t\t\treturn addr", "internal/credential", "TestClientAddr"},
	{"address: IPv4 in IPv6", "internal/credential/client.go", `addr.Unmap().WithZone("")`, `addr.WithZone("")`, "internal/credential", "TestPeerAddr"},
	{"address: every network is trusted", "internal/credential/client.go", `if n.Bits() == 0 {`, `if n.Bits() < 0 {`, "internal/credential", "TestConfig"},

	// Life cycle.
	{"life cycle: lifetime", "internal/credential/request.go", ` || lifetime > MaxLifetime {`, ` {`, "internal/credential", "TestLifetime"},
	{"life cycle: overlap", "internal/credential/lifecycle.go", `now.Add(overlap), next)`, `now.Add(overlap+time.Second), next)`, "internal/credential", "TestRotateOverlap"},
	{"life cycle: overlap extends nothing", "store/memory.go", `n.ExpiresAt.IsZero() || !until.IsZero() && until.Before(n.ExpiresAt) {`, `true {`, "store", "TestMemory"},
	{"life cycle: one rotation wins", "store/memory.go", `!old.Active(next.CreatedAt) || !old.RotatedAt.IsZero()`, `!old.Active(next.CreatedAt)`, "store", "TestMemory"},
	{"life cycle: limit", "store/memory.go", `if len(held) >= limit {`, `if len(held) > limit {`, "internal/credential", "TestLimit"},
	{"life cycle: another account's ID", "internal/credential/lifecycle.go", `c.Kind != m.cfg.Kind || c.Subject != subject`, `c.Kind != m.cfg.Kind`, "internal/credential", "TestRotateRefusals"},
	{"life cycle: another kind's ID", "internal/credential/lifecycle.go", `c.Kind != m.cfg.Kind || c.Subject != subject`, `c.Subject != subject`, "internal/credential", "TestRotateRefusals"},
	{"life cycle: an empty ID is no wildcard", "internal/credential/lifecycle.go", `if subject == "" || id == "" {`, `if false {`, "internal/credential", "TestRevokeNotFound"},
	{"exchange: scopes", "internal/credential/exchange.go", `if !own.Has(c.Scopes...) {`, `if !own.Has() {`, "bearer", "TestExchangeScopes"},
	{"exchange: networks", "internal/credential/exchange.go", `if len(secret.Networks) > 0 && !contained(`, `if len(secret.Networks) > 100 && !contained(`, "bearer", "TestExchangeNetworks"},
	{"exchange: secret revoked meanwhile", "internal/credential/exchange.go", `if _, err := m.exchangeable(ctx, from); err != nil {`, `if _, err := m.exchangeable(ctx, from); err != nil && ctx == nil {`, "bearer", "TestExchangeWhileTheSecretIsRevoked"},
	{"exchange: tokens make no tokens", "internal/credential/exchange.go", `from == nil || from.Scheme != SchemeSecret`, `from == nil`, "bearer", "TestExchangeOfOthers"},
	{"last used: bound", "internal/credential/lastused.go", `if len(u.seen) < lastUsedBound {`, `if true {`, "internal/credential", "TestLastUsedBound"},

	// Cookies.
	{"cookie: cross-origin", "cookie/origin.go", `if err := s.origins.Check(r); err != nil {`, `if err := s.origins.Check(r); err != nil && r == nil {`, vectors, direct},
	{"cookie: cross-origin WebSocket", "cookie/origin.go", `if len(r.Header["Upgrade"]) > 0 {`, `if false {`, vectors, direct},
	{"cookie: several Origin lines", "cookie/origin.go", `len(r.Header["Origin"]) > 1 || `, ``, vectors, direct},
	{"cookie: several Sec-Fetch-Site lines", "cookie/origin.go", ` || len(r.Header["Sec-Fetch-Site"]) > 1`, ``, vectors, direct},
	{"cookie: end of a stored session", "cookie/sessions.go", `if !now.Before(s.end(p)) {`, `if false {`, vectors, direct},
	{"cookie: end of a sealed session", "cookie/sessions.go", `Subject: p.subject, ExpiresAt: s.end(p)}`, `Subject: p.subject}`, vectors, direct},
	{"cookie: idle", "cookie/sessions.go", `if s.idle > 0 {`, `if false {`, vectors, direct},
	{"cookie: made in the future", "cookie/sessions.go", `case p.created.After(latest) || p.seen.After(latest):`, `case latest.IsZero():`, vectors, direct},
	{"cookie: the end that is sealed", "cookie/sessions.go", `end := earlier(p.expires, p.created.Add(s.lifetime))`, `end := p.created.Add(s.lifetime)`, "cookie", "TestLongerLifetime"},
	{"cookie: duplicates", "cookie/header.go", `if found && v != value {`, `if false {`, vectors, direct},
	{"cookie: keys of before", "cookie/sessions.go", `for i, sealer := range s.sealers {`, `for i, sealer := range s.sealers[:1] {`, vectors, direct},
	{"cookie: canonical base64", "cookie/securecookie.go", `if !isCanonical(value) {`, `if false {`, "cookie", "TestTampered"},
	{"cookie: canonical base64, AEAD", "cookie/aead.go", `base64.RawURLEncoding.Strict()`, `base64.RawURLEncoding`, "cookie", "TestTampered"},
	{"cookie: bound to its name", "cookie/key.go", `"keystile/cookie/"+purpose+"/"+name`, `"keystile/cookie/"+purpose`, "cookie", "TestDerivedKeys"},
	{"cookie: fixation", "cookie/signin.go", `if err := s.leave(r); err != nil {`, `if err := error(nil); err != nil {`, "cookie", "TestFixation"},
	{"cookie: cleared on refusal", "cookie/sessions.go", `if errors.Is(err, auth.ErrInvalidCredentials) {`, `if errors.Is(err, auth.ErrMalformed) {`, vectors, direct},
	{"cookie: how many sessions a request ends", "cookie/signin.go", `if len(left) == maxLeave {`, `if false {`, "cookie", "TestCookieFlood"},

	// The cache.
	{"cache: generation", "store/cache/history.go", `if m.Load() > s.version {`, `if m.Load() > s.version && m == nil {`, "store/cache", "TestWritesForget"},
	{"cache: a lookup in flight", "store/cache/query.go", `a.marks = c.history.marks(a.row)`, `a.version = c.history.version.Load()`, "store/cache", "TestLookupInFlight"},
	{"cache: negatives hide nothing", "store/cache/writes.go", `defer c.history.forget(c.history.digest(n.Digest))`, ``, "store/cache", "TestUnknownNeverHides"},
	{"cache: lease", "store/cache/answer.go", `return request{at, at < lease}`, `return request{at, lease > 0}`, "store/cache", "TestHowLongRevokedLivesOn"},
	{"cache: lease ends with the watch", "store/cache/watch.go", `c.lease.Store(0)`, ``, "store/cache", "TestHowLongRevokedLivesOn"},
	{"cache: outages are not kept", "store/cache/query.go", `case !a.outage():`, `default:`, "store/cache", "TestOutages"},
	{"cache: kinds", "store/cache/cache.go", "a.kind == k && c.usable(a, r) {\n\t\treturn a.row", "c.usable(a, r) {\n\t\treturn a.row", "store/cache", "TestKinds"},

	// The endpoints.
	{"endpoint: body limit", "bearer/endpoint/serve.go", `http.MaxBytesReader(w, r.Body, maxBody)`, `http.MaxBytesReader(w, r.Body, 1<<40)`, "bearer/endpoint", "TestTokenForm"},
	{"endpoint: repeated parameters", "bearer/endpoint/body.go", `if len(v) > 1 {`, `if len(v) > 1000 {`, "bearer/endpoint", "TestTokenForm"},
	{"endpoint: repeated members", "bearer/endpoint/body.go", `repeated := members[name]; repeated {`, `repeated := members[name]; repeated && false {`, "bearer/endpoint", "TestTokenJSON"},
	{"endpoint: two ways at once", "bearer/endpoint/client.go", `case inHeader && body.secret != "":`, `case false:`, "bearer/endpoint", "TestClientAuthentication"},
	{"endpoint: query", "bearer/endpoint/serve.go", `if r.URL.RawQuery != "" {`, `if false {`, "bearer/endpoint", "TestQuery"},
	{"endpoint: whose token", "bearer/endpoint/inspect.go", `case !may(r.Context(), client, token):`, `case !may(r.Context(), client, token) && false:`, "bearer/endpoint", "TestPolicies"},

	// The throttle.
	{"throttle: asked", "auth/throttle.go", `wait > 0 {`, `wait < 0 {`, "auth/throttle", "TestBucket"},
	{"throttle: outages do not count", "auth/throttle/throttle.go", `case errors.Is(err, auth.ErrInvalidCredentials) || errors.Is(err, auth.ErrMalformed):`, `case errors.Is(err, err):`, "auth/throttle", "TestWhatCounts"},
	{"throttle: IPv6 by network", "auth/throttle/client.go", `clear(c[8:])`, ``, "auth/throttle", "TestAddresses"},
	{"throttle: an address that cannot be told", "auth/throttle/throttle.go", `case !l.isAttempt(r):`, `case !l.isAttempt(r) || l.client(r) == unknown:`, "auth/throttle", "TestAddresses"},
	{"throttle: eviction", "auth/throttle/failures.go", `if s.clients[i] == c || s.full[i] < full {`, `i = int(full) % ways; {`, "auth/throttle", "TestEviction"},
	{"throttle: accepted, and revoked since", "auth/throttle/throttle.go", `l.accepted.remove(client, l.credentials(r))`, ``, "auth/throttle", "TestValidHere"},
	{"throttle: what was not looked at", "auth/throttle/throttle.go", `auth.HeaderCredentials(r.Header, id.Scheme); err == nil {`, `auth.HeaderCredentials(r.Header, id.Scheme); err == nil || true {`, "auth/throttle", "TestGuessesBesideValidCredentials"},
	{"throttle: accepted elsewhere", "auth/throttle/accepted.go", `h.Write(c[:])`, ``, "auth/throttle", "TestValidHere"},
	{"throttle: one credential is one", "auth/throttle/accepted.go", `if 'A' <= b && b <= 'Z' {`, `if false {`, "auth/throttle", "TestOneCredentialIsOne"},
	{"throttle: what is under way together", "auth/throttle/failures.go", `full = max(s.full[i], min(full, now+spare+maxOwed))`, ``, "auth/throttle", "TestParallel"},
	{"throttle: what failed together is owed", "auth/throttle/failures.go", `now+spare+maxOwed`, `now+spare+interval`, "auth/throttle", "TestParallelGainsNothing"},
	{"throttle: a shared limiter that panics", "auth/throttle/shared.go", `if recover() != nil {`, `if false {`, "auth/throttle", "TestSharedFails"},
}
