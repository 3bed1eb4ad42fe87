package endpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/keystile/keystile/internal/grammar"
)

// MetadataConfig says where the endpoints are. All URLs are absolute, with https
// or, for localhost, http. Issuer and TokenEndpoint are required.
type MetadataConfig struct {
	_ [0]func()

	// Issuer is the URL that names the authorization server: without query
	// and fragment.
	Issuer string

	// TokenEndpoint, IntrospectionEndpoint and RevocationEndpoint are where
	// the handlers of a Server are mounted. What is empty is left out.
	TokenEndpoint, IntrospectionEndpoint, RevocationEndpoint string

	// Scopes, if set, are what clients may ask for.
	Scopes []string
}

// metadata is the document of RFC 8414 section 2.
type metadata struct {
	Issuer        string   `json:"issuer"`
	Token         string   `json:"token_endpoint"`
	Introspection string   `json:"introspection_endpoint,omitempty"`
	Revocation    string   `json:"revocation_endpoint,omitempty"`
	Scopes        []string `json:"scopes_supported,omitempty"`

	// Required, though there are none without an authorization endpoint.
	ResponseTypes []string `json:"response_types_supported"`

	GrantTypes        []string `json:"grant_types_supported"`
	TokenAuth         []string `json:"token_endpoint_auth_methods_supported"`
	IntrospectionAuth []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	RevocationAuth    []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
}

// Metadata returns a handler of the metadata of an authorization server, RFC
// 8414. Where the issuer has no path, its place is
// /.well-known/oauth-authorization-server; the path of an issuer goes after that
// (section 3.1). It answers GET and HEAD. The error names everything that is wrong
// with cfg at once.
func Metadata(cfg MetadataConfig) (http.Handler, error) {
	var errs []error
	fail := func(format string, a ...any) {
		errs = append(errs, fmt.Errorf("endpoint: MetadataConfig."+format, a...))
	}
	check := func(field, url string) {
		if err := grammar.CheckURL(url); err != nil {
			fail("%s: %w", field, err)
		}
	}
	methods := []string{"client_secret_basic", "client_secret_post"}
	doc := metadata{
		Issuer: cfg.Issuer, Token: cfg.TokenEndpoint, Introspection: cfg.IntrospectionEndpoint, Revocation: cfg.RevocationEndpoint,
		Scopes: cfg.Scopes, ResponseTypes: []string{}, GrantTypes: []string{"client_credentials"}, TokenAuth: methods,
	}
	check("Issuer", cfg.Issuer)
	if strings.Contains(cfg.Issuer, "?") {
		fail("Issuer: %q: must have no query", cfg.Issuer)
	}
	check("TokenEndpoint", cfg.TokenEndpoint)
	if cfg.IntrospectionEndpoint != "" {
		check("IntrospectionEndpoint", cfg.IntrospectionEndpoint)
		doc.IntrospectionAuth = methods
	}
	if cfg.RevocationEndpoint != "" {
		check("RevocationEndpoint", cfg.RevocationEndpoint)
		doc.RevocationAuth = methods
	}
	if i := slices.IndexFunc(cfg.Scopes, func(s string) bool { return !grammar.IsScope(s) }); i >= 0 {
		fail("Scopes: %q: must be printable ASCII without space, quote and backslash", cfg.Scopes[i])
	}
	body, err := json.Marshal(doc)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "The method must be GET.", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(body)
	}), nil
}
