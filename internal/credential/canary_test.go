package credential_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// A canary is all that can be read, and the plaintexts that must not be found
// there.
type canary struct {
	text       strings.Builder
	plaintexts []string
}

// see takes what fmt, encoding/json and log/slog make of a value.
func (c *canary) see(values ...any) {
	for _, v := range values {
		fmt.Fprintf(&c.text, "%v\n%+v\n%#v\n%s\n%q\n%x\n%d\n", v, v, v, v, v, v, v)
		fmt.Fprintln(&c.text, errors.Join(fmt.Errorf("wrapped: %v", v)))
		if b, err := json.Marshal(v); err == nil {
			c.text.Write(b)
		}
		slog.New(slog.NewTextHandler(&c.text, nil)).Error("x", "v", v)
		slog.New(slog.NewJSONHandler(&c.text, nil)).Error("x", "v", v)
	}
}

// check looks for the plaintexts, and for pieces of 12 characters of them,
// plain, as base64, in hexadecimal, and as fmt prints bytes.
func (c *canary) check(t *testing.T) {
	t.Helper()
	text := c.text.String()
	if len(text) < 1000 {
		t.Fatalf("nothing to be read but %q", text)
	}
	for _, plaintext := range c.plaintexts {
		var needles []string
		for i := range len(plaintext) - 11 {
			piece := []byte(plaintext[i : i+12])
			needles = append(needles, string(piece), hex.EncodeToString(piece), strings.ToUpper(hex.EncodeToString(piece)),
				base64.RawStdEncoding.EncodeToString(piece), base64.RawURLEncoding.EncodeToString(piece), strings.Trim(fmt.Sprint(piece), "[]"))
		}
		for _, needle := range needles {
			if i := strings.Index(text, needle); i >= 0 {
				t.Fatalf("%q of %q is in %q", needle, plaintext, text[max(0, i-200):min(len(text), i+200)])
			}
		}
	}
}

// The canary sings where there is something to be found.
func TestCanary(t *testing.T) {
	const plaintext = "pat_wa5Zo3LCgs4V3sLHbWhuz7gShKBvED4xnXEjC69V0002Rn"
	for _, v := range []any{plaintext, plaintext[20:32], []byte(plaintext), errors.New(plaintext), struct{ s string }{plaintext}} {
		c := &canary{}
		c.see(v)
		found := false
		for _, piece := range []string{plaintext[20:32], hex.EncodeToString([]byte(plaintext[20:32])), "122 55 103"} {
			found = found || strings.Contains(c.text.String(), piece)
		}
		if !found {
			t.Errorf("%T: not in %s", v, c.text.String())
		}
	}
}

// B1: nothing that either package returns or tells anyone, whatever is done
// with it, holds a credential: but for what Reveal returns.
func TestNothingIsTold(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		var c canary
		f := p.setup(t, credential.Config{Limit: 2, RevokeReused: true})
		ctx := t.Context()
		plain, cred, err := f.issuer(ctx, credential.Request{Subject: "ada", Name: "ci", Networks: networks("192.0.2.0/24")})
		if err != nil {
			t.Fatal(err)
		}
		good, unknown := plain.Reveal(), f.unknown(t)
		expired, _ := f.insert(t, func(c *store.Credential) { c.Subject, c.ExpiresAt = "adam", time.Now() })
		revoked, _ := f.insert(t, func(c *store.Credential) { c.Subject, c.RevokedAt = "adam", time.Now() })
		rotated, _ := f.insert(t, func(c *store.Credential) { c.Subject, c.RotatedAt, c.ExpiresAt = "adam", time.Now(), time.Now() })
		typo := good[:len(good)-1] + "~"
		c.plaintexts = []string{good, unknown, expired, revoked, rotated, typo}

		successor, next, err := f.Rotate(ctx, "ada", cred.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		c.plaintexts = append(c.plaintexts, successor.Reveal())
		c.see(f.manager, f.issuer, plain, &plain, []auth.Plaintext{plain}, struct{ Plain, plain auth.Plaintext }{plain, successor}, cred, *cred, next, f.guard)

		lookups := func() {
			for _, s := range c.plaintexts {
				id, err := f.Verify(ctx, s, addr(""))
				c.see(id, err)
				for _, authorization := range []string{s, " " + s, s + ",", s + " " + s, "=" + s, s + ", " + p.scheme + " " + s} {
					id, err = f.guard.Authenticate(request(p.scheme, authorization))
					c.see(id, err)
					id, err = f.Authenticate(request(p.scheme, authorization))
					c.see(id, err)
				}
			}
		}
		management := func() {
			for _, s := range c.plaintexts { // where something else belongs
				_, _, rotateErr := f.Rotate(ctx, "ada", s, 0)
				_, _, rotateOfErr := f.Rotate(ctx, s, cred.ID, 0)
				_, _, negativeErr := f.Rotate(ctx, s, s, -1)
				_, revokeAllErr := f.RevokeAll(ctx, s)
				_, familyErr := f.RevokeFamily(ctx, "ada", s)
				_, familyOfErr := f.RevokeFamily(ctx, s, "")
				c.see(familyErr, familyOfErr)
				list, listErr := f.List(ctx, s)
				c.see(rotateErr, rotateOfErr, negativeErr, f.Revoke(ctx, "ada", s), f.Revoke(ctx, s, cred.ID), revokeAllErr, list, listErr)
			}
			for _, req := range []credential.Request{{}, {Subject: "ada"}, {Subject: "ada", Lifetime: 1}} {
				none, _, err := f.issuer(ctx, req)
				c.see(none, err)
			}
			list, err := f.List(ctx, "ada")
			c.see(list, err)
		}
		lookups()
		management()
		for _, s := range []string{unknown, typo, rotated} {
			c.see(f.RevokeLeaked(ctx, s))
		}

		f.store.find = func(context.Context, store.Kind, store.Digest) (*store.Credential, error) { return cred, nil }
		lookups()
		f.store.find = func(context.Context, store.Kind, store.Digest) (*store.Credential, error) { return nil, errDown }
		lookups()
		c.see(f.RevokeLeaked(ctx, good))
		f.store.find = func(_ context.Context, k store.Kind, d store.Digest) (*store.Credential, error) {
			panic(fmt.Sprint("no connection for ", k, d))
		}
		for _, s := range c.plaintexts {
			id, err := f.guard.Authenticate(request(p.scheme, s))
			c.see(id, err)
		}
		for _, ev := range f.events.take() {
			c.see(ev, &ev, ev.Err, ev.Identity)
		}
		c.check(t)
	})
}

// B1: what holds a pepper tells nothing of it, as it is or as RFC 2104 prepares
// it. For a verb that is wrong, such as %s, fmt prints what pointers lead to.
func TestPeppersAreNotTold(t *testing.T) {
	both(t, func(t *testing.T, p pkg) {
		const pepper = "VQ4ZT6OBPFLJ2XKNSG7MHYR3UWAC5EDI"
		f := p.setup(t, credential.Config{Peppers: [][]byte{[]byte(pepper)}})
		c := canary{plaintexts: []string{pepper}}
		for _, pad := range []byte{0x36, 0x5c} {
			prepared := []byte(pepper)
			for i := range prepared {
				prepared[i] ^= pad
			}
			c.plaintexts = append(c.plaintexts, string(prepared))
		}
		c.see(f.manager, f.guard)
		c.check(t)
	})
}

// B1: as for what client secrets have besides.
func TestNothingIsToldOfImported(t *testing.T) {
	var c canary
	var ev events
	st := newFaulty()
	secrets, err := secret.New(secret.Config{Store: st, AcceptImported: true, Limit: 1, Observe: ev.add})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	const imported, other, guessable = "wJalrXUtnFEMI0O6JX5MCkmbs6JqPcx3", "Qm9yaXMgYW5kIE5hdGFzaGEgYXQgd29yaw", "hunter2hunter2hunter2hunter2hunter2"
	cred, err := secrets.Import(ctx, secret.Request{Subject: "ada"}, imported)
	if err != nil {
		t.Fatal(err)
	}
	c.plaintexts = []string{imported, other, guessable}
	c.see(secrets, cred, *cred)
	for _, s := range []string{imported, other, guessable, imported + "!", "sec_" + imported, imported[:31], "=" + other, imported + strings.Repeat(other, 8)} {
		for _, req := range []secret.Request{{}, {Subject: "ada"}, {Subject: "adam", Lifetime: 1}} {
			_, err := secrets.Import(ctx, req, s)
			c.see(err)
		}
		for _, client := range []string{cred.Family, "x", s} {
			id, err := secrets.AuthenticateClient(ctx, client, s, addr(""))
			c.see(id, err)
		}
		c.see(secrets.Revoke(ctx, "ada", s))
	}
	st.find = func(context.Context, store.Kind, store.Digest) (*store.Credential, error) { return nil, errDown }
	_, err = secrets.Import(ctx, secret.Request{Subject: "ada"}, other)
	c.see(err)
	id, err := secrets.AuthenticateClient(ctx, other, other, addr(""))
	c.see(id, err)
	id, err = secrets.Authenticate(request("Secret", other))
	c.see(id, err, secrets.RevokeLeaked(ctx, other))
	for _, e := range ev.take() {
		c.see(e)
	}
	c.check(t)
}
