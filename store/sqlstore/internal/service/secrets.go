package service

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/auth"
	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// Secrets uses a token, a secret and a session of Subject in every way, with st. It
// returns the plaintexts, which must not be in the files of st.
func Secrets(t testing.TB, st store.Store) (plaintexts []string) {
	t.Helper()
	ctx := t.Context()
	tokens, err1 := bearer.New(bearer.Config{Store: st})
	secrets, err2 := secret.New(secret.Config{Store: st})
	sessions, err3 := cookie.New(cookie.Config{Store: st, Keys: []cookie.Key{cookie.NewKey()}})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	token, row, err1 := tokens.Issue(ctx, bearer.Request{Subject: Subject})
	token2, _, err2 := tokens.Rotate(ctx, Subject, row.ID, time.Hour)
	client, row, err3 := secrets.Issue(ctx, secret.Request{Subject: Subject})
	client2, _, err4 := secrets.Rotate(ctx, Subject, row.ID, 0)
	leaked, _, err5 := tokens.Issue(ctx, bearer.Request{Subject: Subject})
	w := httptest.NewRecorder()
	_, err6 := sessions.SignIn(w, httptest.NewRequest("POST", "/", nil), cookie.Request{Subject: Subject})
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/", nil)
	for _, c := range w.Result().Cookies() {
		r.AddCookie(c)
		plaintexts = append(plaintexts, c.Value)
	}
	_, err1 = sessions.Authenticate(r)
	_, err2 = tokens.Verify(ctx, token.Reveal(), netip.Addr{})
	_, err3 = secrets.Verify(ctx, client2.Reveal(), netip.Addr{})
	err4 = tokens.RevokeLeaked(ctx, leaked.Reveal())
	unknown := Unknown(t)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Verify(ctx, unknown, netip.Addr{}); !errors.Is(err, auth.ErrInvalidCredentials) {
		t.Fatalf("an unknown token: %v", err)
	}
	return append(plaintexts, token.Reveal(), token2.Reveal(), client.Reveal(), client2.Reveal(), leaked.Reveal(), unknown)
}

// Subject is the subject of the credentials of [Secrets]. [Search] looks for this text,
// to prove that it reads the right files.
const Subject = "whose-secrets-these-are"

// piece is the length of the pieces of plaintexts for which Search looks.
const piece = 12

// alphabet are the characters of plaintexts.
var alphabet = func() (a [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=" {
		a[c] = true
	}
	return a
}()

// Search fails the test if a file in dir contains a piece of a plaintext, or if no
// file contains Subject.
func Search(t testing.TB, dir string, plaintexts []string) {
	t.Helper()
	pieces := make(map[string]bool)
	for _, p := range plaintexts {
		if strings.ContainsFunc(p, func(r rune) bool { return r > 0x7f || !alphabet[r] }) {
			t.Fatal("a plaintext has characters that are not in alphabet")
		}
		for i := range len(p) - piece + 1 {
			pieces[p[i:i+piece]] = true
		}
	}
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the server has removed it
		}
		found = found || bytes.Contains(b, []byte(Subject))
		run := 0 // the number of consecutive characters of alphabet up to here
		for i, c := range b {
			if run++; !alphabet[c] {
				run = 0
			}
			if run >= piece && pieces[string(b[i+1-piece:i+1])] {
				t.Errorf("%s has %q of a plaintext", path, b[i+1-piece:i+1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Error("these are not the files with the rows")
	}
}
