package way

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	mcp "github.com/modelcontextprotocol/go-sdk/auth"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authentication/request/websocket"
	"k8s.io/apiserver/pkg/authentication/token/cache"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/klog/v2"

	"github.com/keystile/keystile/store"
)

// opaque returns the ways of the libraries that verify opaque tokens, with n of
// them.
func opaque(n int) ([]*Way, error) {
	st := store.NewMemory()
	t, err := newTokens(st)
	if err != nil {
		return nil, err
	}
	s, err := issue(t, "Bearer", n)
	if err != nil {
		return nil, err
	}
	unknown, expired, err := unwelcome(t, st)
	if err != nil {
		return nil, err
	}
	var ways []*Way
	for _, w := range append(kubernetes(s), sdk(s, expired)) {
		w.Status, w.header, w.values = 200, "Authorization", s.credentials
		ways = append(ways, w,
			w.refused("no header", 401),
			w.refused("garbage", 401, "Bearer a,b"),
			w.refused("unknown", 401, unknown),
		)
		if w.Via == mcpModule { // tokens of a Kubernetes file have no expiry
			ways = append(ways, w.refused("expired", 401, expired))
		}
	}
	return ways, nil
}

const mcpModule = "github.com/modelcontextprotocol/go-sdk"

// sdk: the documentation of RequireBearerToken, and examples/server/auth-middleware
// of the module, whose verifier looks the token up in a map too.
func sdk(s *issued, expired string) *Way {
	type known struct {
		mu     sync.RWMutex
		tokens map[string]*mcp.TokenInfo
	}
	k := known{tokens: make(map[string]*mcp.TokenInfo)}
	add := func(header, subject string, expires time.Time) {
		k.tokens[header[len("Bearer "):]] = &mcp.TokenInfo{UserID: subject, Expiration: expires, Scopes: []string{"read"}}
	}
	for _, c := range s.credentials {
		add(c.value, c.subject, s.expires)
	}
	add(expired, "account-0", time.Now().Add(-time.Minute))
	verify := func(_ context.Context, token string, _ *http.Request) (*mcp.TokenInfo, error) {
		k.mu.RLock()
		defer k.mu.RUnlock()
		if info, ok := k.tokens[token]; ok {
			return info, nil
		}
		return nil, fmt.Errorf("%w: unknown", mcp.ErrInvalidToken)
	}
	in := &inner{subject: func(r *http.Request) string { return mcp.TokenInfoFromContext(r.Context()).UserID }}
	return &Way{Name: "MCP SDK", Via: mcpModule, inner: in, handler: mcp.RequireBearerToken(verify, nil)(in)}
}

// kubernetes: as DelegatingAuthenticatorConfig.New of
// k8s.io/apiserver/pkg/authentication/authenticatorfactory puts them together,
// with the tokens of a file (--token-auth-file) behind the cache, which keeps
// them for ten seconds as kube-apiserver's does.
func kubernetes(s *issued) []*Way {
	// A refusal is logged. Formatting is part of its cost, a terminal is not.
	flags := flag.NewFlagSet("", flag.PanicOnError)
	klog.InitFlags(flags)
	flags.Set("logtostderr", "false")
	flags.Set("stderrthreshold", "FATAL")
	klog.SetOutput(io.Discard)

	users := make(map[string]*user.DefaultInfo)
	for _, c := range s.credentials {
		users[c.value[len("Bearer "):]] = &user.DefaultInfo{Name: c.subject, UID: c.subject}
	}
	const ttl = 10 * time.Second
	cached := cache.New(tokenfile.New(users), false, ttl, ttl)
	authenticator := group.NewAuthenticatedGroupAdder(union.New(bearertoken.New(cached), websocket.NewProtocolAuthenticator(cached)))
	failed := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
	})

	direct := &inner{}
	behind := &inner{subject: func(r *http.Request) string {
		u, _ := request.UserFrom(r.Context())
		return u.GetName()
	}}
	const module = "k8s.io/apiserver"
	return []*Way{
		{Name: "Kubernetes, union and cache" + NoContext, Via: module, inner: direct, consumes: true,
			handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				response, ok, err := authenticator.AuthenticateRequest(r)
				if err != nil || !ok {
					failed(w, r)
					return
				}
				direct.serve(response.User.GetName())
			})},
		{Name: "Kubernetes, WithAuthentication", Via: module, inner: behind, consumes: true,
			handler: filters.WithAuthentication(behind, authenticator, failed, nil, nil)},
	}
}
