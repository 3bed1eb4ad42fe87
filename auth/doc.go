// Package auth answers who is calling: it holds the [Identity] of a request,
// the contract of an [Authenticator], and the [Guard], the middleware that asks
// authenticators, checks the account and the scopes, and refuses.
//
// A service makes one Guard for each set of schemes that it accepts, and wraps
// its handlers with it:
//
//	guard, err := auth.New(auth.Config{
//		Authenticators: []auth.Authenticator{tokens}, // *bearer.Tokens
//	})
//	if err != nil {
//		log.Fatal(err)
//	}
//	mux.Handle("GET /hello", guard.Require("greetings:read")(http.HandlerFunc(hello)))
//
// and a handler asks who is calling:
//
//	func hello(w http.ResponseWriter, r *http.Request) {
//		id, _ := auth.FromContext(r.Context())
//		fmt.Fprintf(w, "Hello, %s.\n", id.Subject)
//	}
//
// The schemes of this module are in the packages bearer, cookie and secret. A
// scheme of the host's own is an [AuthenticatorFunc], or a type with that method.
//
// # Three outcomes
//
// A request carries valid credentials, invalid ones, or none; and whether they
// are valid may be impossible to say at the moment, because a store does not
// answer. These are never confused. What is invalid is refused and falls
// through to nothing else. What cannot be checked is answered 503, never 401,
// which would sign out users whose credentials are fine, and never a pass.
//
// # What is told, and to whom
//
// The response says what a client can do about it and nothing more: an unknown,
// an expired and a revoked credential and a disabled account get the same
// bytes. The cause goes to [Config.Observe]. Without that hook an outage is
// visible to clients alone, so most services want one.
package auth
