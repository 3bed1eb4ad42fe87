package credential

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/grammar"
	"github.com/keystile/keystile/store"
)

// ErrRequest is what the errors about a bad request to issue or to change a
// credential wrap.
var ErrRequest = errors.New("bad request")

// The bounds of a request.
const (
	MinLifetime = time.Minute
	MaxLifetime = 365 * 24 * time.Hour

	maxText  = 255  // bytes, of a subject, a name or a scope
	maxItems = 100  // scopes, networks
	maxData  = 4096 // bytes
)

// A Request asks for a credential. The schemes' own Request documents it.
type Request struct {
	Subject  string
	Name     string
	Scopes   []string
	Lifetime time.Duration
	Networks []netip.Prefix
	ClientID string
	Data     []byte
}

// Credential returns what req asks for, without ID, digest and family. The
// error wraps ErrRequest and names all that is wrong with req.
func (req Request) Credential(kind store.Kind, lifetime time.Duration) (*store.Credential, error) {
	var wrong []string
	fail := func(format string, a ...any) { wrong = append(wrong, fmt.Sprintf(format, a...)) }

	if req.Subject == "" {
		fail("Subject: empty")
	}
	text := func(field, s string) {
		if len(s) > maxText {
			fail("%s: %d bytes: at most %d are allowed", field, len(s), maxText)
		} else if !utf8.ValidString(s) || slices.ContainsFunc([]rune(s), unicode.IsControl) {
			fail("%s: %q: must be UTF-8 without control characters", field, s)
		}
	}
	text("Subject", req.Subject)
	text("Name", req.Name)
	text("ClientID", req.ClientID)
	if len(req.Data) > maxData {
		fail("Data: %d bytes: at most %d are allowed", len(req.Data), maxData)
	}

	scopes := slices.Clone(req.Scopes)
	if scopes == nil {
		scopes = []string{auth.AllScopes}
	}
	if len(scopes) > maxItems {
		fail("Scopes: %d: at most %d are allowed", len(scopes), maxItems)
	}
	for _, s := range scopes {
		if !grammar.IsScope(s) || len(s) > maxText {
			fail("Scopes: %q: must be 1 to %d printable ASCII characters without space, quote and backslash", s, maxText)
		}
	}

	if req.Lifetime != 0 {
		lifetime = req.Lifetime
	}
	if lifetime < MinLifetime || lifetime > MaxLifetime {
		fail("Lifetime: %v: must be from %v to %v", lifetime, MinLifetime, MaxLifetime)
	}

	if req.Networks != nil && len(req.Networks) == 0 {
		fail("Networks: empty: leave it nil to allow any address")
	}
	if len(req.Networks) > maxItems {
		fail("Networks: %d: at most %d are allowed", len(req.Networks), maxItems)
	}
	networks, err := normalNetworks(req.Networks)
	if err != nil {
		fail("Networks: %v", err)
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrRequest, strings.Join(wrong, "; "))
	}

	now := now()
	return &store.Credential{
		Kind:      kind,
		Subject:   req.Subject,
		Name:      req.Name,
		Scopes:    scopes,
		ClientID:  req.ClientID,
		Networks:  networks,
		CreatedAt: now,
		ExpiresAt: now.Add(lifetime.Truncate(time.Microsecond)),
		Data:      slices.Clone(req.Data),
	}, nil
}

// now returns the time as stores keep it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
