package endpoint_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/keystile/keystile/bearer/endpoint"
)

// The document of RFC 8414 section 3.2, to the byte.
func TestMetadata(t *testing.T) {
	const methods = `["client_secret_basic","client_secret_post"]`
	for _, tt := range []struct {
		name string
		cfg  endpoint.MetadataConfig
		want string
	}{
		{"everything", endpoint.MetadataConfig{
			Issuer: "https://as.example.com", TokenEndpoint: "https://as.example.com/oauth/token",
			IntrospectionEndpoint: "https://as.example.com/oauth/introspect", RevocationEndpoint: "https://as.example.com/oauth/revoke",
			Scopes: []string{"reports:read"},
		}, `{"issuer":"https://as.example.com","token_endpoint":"https://as.example.com/oauth/token",` +
			`"introspection_endpoint":"https://as.example.com/oauth/introspect","revocation_endpoint":"https://as.example.com/oauth/revoke",` +
			`"scopes_supported":["reports:read"],"response_types_supported":[],"grant_types_supported":["client_credentials"],` +
			`"token_endpoint_auth_methods_supported":` + methods + `,"introspection_endpoint_auth_methods_supported":` + methods +
			`,"revocation_endpoint_auth_methods_supported":` + methods + `}`},
		{"the least", endpoint.MetadataConfig{Issuer: "http://localhost:8080", TokenEndpoint: "http://localhost:8080/token"},
			`{"issuer":"http://localhost:8080","token_endpoint":"http://localhost:8080/token","response_types_supported":[],` +
				`"grant_types_supported":["client_credentials"],"token_endpoint_auth_methods_supported":` + methods + `}`},
	} {
		h, err := endpoint.Metadata(tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, method := range []string{"GET", "HEAD"} {
			r := post("", "")
			r.Method = method
			want := response{200, http.Header{"Cache-Control": {"no-store"}, "Content-Type": {"application/json"}}, tt.want}
			if got := serve(h.ServeHTTP, r); !reflect.DeepEqual(got, want) {
				t.Errorf("%s, %s: got  %v\nwant %v", tt.name, method, got, want)
			}
		}
		if got := serve(h.ServeHTTP, post("", "")); got.status != 405 || got.header.Get("Allow") != "GET, HEAD" || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("POST: %v, want 405", got)
		}
	}
}

// B8: every mistake is named at once.
func TestMetadataConfig(t *testing.T) {
	const url = "https://as.example.com"
	for _, tt := range []struct {
		cfg   endpoint.MetadataConfig
		wrong []string
	}{
		{endpoint.MetadataConfig{}, []string{"Issuer", "TokenEndpoint"}},
		{endpoint.MetadataConfig{
			Issuer: "http://as.example.com/?a=b", TokenEndpoint: "/token", IntrospectionEndpoint: "introspect", RevocationEndpoint: url + "#a",
			Scopes: []string{"a", "b c"},
		}, []string{"Issuer: \"http://as.example.com/?a=b\": must begin with https", "must have no query", "TokenEndpoint", "IntrospectionEndpoint", "RevocationEndpoint", `Scopes: "b c"`}},
		{endpoint.MetadataConfig{Issuer: url + "?", TokenEndpoint: url}, []string{"Issuer: \"https://as.example.com?\": must have no query"}},
		{endpoint.MetadataConfig{Issuer: url + "#", TokenEndpoint: url}, []string{"Issuer: \"https://as.example.com#\": must have no fragment"}},
	} {
		h, err := endpoint.Metadata(tt.cfg)
		if h != nil || err == nil {
			t.Errorf("Metadata(%+v) = %v, %v", tt.cfg, h, err)
			continue
		}
		if n := strings.Count(err.Error(), "endpoint: MetadataConfig."); n != len(tt.wrong) && len(tt.wrong) < 5 {
			t.Errorf("%d mistakes in %v, want %d", n, err, len(tt.wrong))
		}
		for _, wrong := range tt.wrong {
			if !strings.Contains(err.Error(), wrong) {
				t.Errorf("%v, want %q", err, wrong)
			}
		}
	}
}
