package operations_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keystile/keystile/bearer"
	"github.com/keystile/keystile/cookie"
	"github.com/keystile/keystile/secret"
	"github.com/keystile/keystile/store"
)

// What was committed to a repository is found by the expression of the service,
// and revoked by its value.
func TestFindLeaked(t *testing.T) {
	n := newNode(t, config{store: store.NewMemory()})
	token, c := n.issue(t)
	plain, _, err := n.secrets.Issue(t.Context(), secret.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=ada", "-c", "user.email=ada@example.com"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	git("init", "-q")
	text := `curl -H "Authorization: Bearer ` + token + `"` + "\nSECRET=" + plain.Reveal() + "\npat_is_no_token, and nor is " + token[:40] + "\n"
	if err := os.WriteFile(filepath.Join(dir, "deploy.sh"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const expression = `\b(pat|sec)_[0-9A-Za-z]{46}\b`
	found := strings.Fields(git("grep", "--untracked", "-hoE", expression))
	if len(found) != 2 || found[0] != token || found[1] != plain.Reveal() {
		t.Fatalf("found %d, want the token and the secret", len(found))
	}
	// In what was deleted since, too, and even where a merge brought it.
	git("commit", "-q", "--allow-empty", "-m", "begin")
	git("branch", "other")
	git("commit", "-q", "--allow-empty", "-m", "here")
	git("checkout", "-q", "other")
	git("commit", "-q", "--allow-empty", "-m", "there")
	git("merge", "-q", "--no-commit", "--no-ff", "@{-1}")
	git("add", ".")
	git("commit", "-q", "-m", "merge")
	git("rm", "-q", "deploy.sh")
	git("commit", "-q", "-m", "oops")
	for _, shown := range []string{"+curl", "-curl"} { // where it came, and where it went
		if log := git("log", "-p", "-m", "--all", "-G", expression); !strings.Contains(log, shown) || !strings.Contains(log, token) {
			t.Errorf("the history does not show %q", shown)
		}
	}

	for _, leaked := range found[:1] {
		row, err := n.tokens.Lookup(t.Context(), leaked)
		if err != nil || row.Subject != "ada" || row.ID != c.ID {
			t.Fatalf("looked up %+v, %v", row, err)
		}
		if err := n.tokens.RevokeLeaked(t.Context(), leaked); err != nil {
			t.Fatal(err)
		}
		wants(t, "revoked by its value", http.StatusUnauthorized, leaked, n)
		if err := n.tokens.RevokeLeaked(t.Context(), leaked); err != nil {
			t.Errorf("again: %v", err)
		}
	}
	if err := n.tokens.RevokeLeaked(t.Context(), "pat_of somebody else"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("somebody else's: %v, want %v", err, store.ErrNotFound)
	}
}

// The rules for gitleaks have the expressions of the packages.
func TestGitleaksRules(t *testing.T) {
	rules, err := os.ReadFile("gitleaks.toml")
	if err != nil {
		t.Fatal(err)
	}
	n := newNode(t, config{store: store.NewMemory()})
	for _, pattern := range []string{n.tokens.Pattern(), n.secrets.Pattern()} {
		if !bytes.Contains(rules, []byte("regex = '''"+pattern+"'''\n")) {
			t.Errorf("no rule has %s", pattern)
		}
	}
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range strings.Split(string(rules), "\n\n")[1:] {
		if !bytes.Contains(text, []byte(strings.TrimSpace(rule))) {
			t.Errorf("docs/operations.md does not show\n%s", rule)
		}
	}
}

// R13: a thief has rotated a stolen token. Revoking the stolen one ends its successor
// too.
func TestStolenAndRotated(t *testing.T) {
	n := newNode(t, config{store: store.NewMemory()})
	stolen, c := n.issue(t)
	plain, _, err := n.tokens.Rotate(t.Context(), "ada", c.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.tokens.RevokeLeaked(t.Context(), stolen); err != nil {
		t.Fatal(err)
	}
	wants(t, "the successor, after RevokeLeaked", http.StatusUnauthorized, plain.Reveal(), n)
}

// A client's secret has leaked. The secrets end first, so that none is exchanged
// meanwhile, and then what was exchanged for them.
func TestLeakedSecret(t *testing.T) {
	n := newNode(t, config{store: store.NewMemory()})
	plain, c, err := n.secrets.Issue(t.Context(), secret.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := n.secrets.AuthenticateClient(t.Context(), c.Family, plain.Reveal(), netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	exchanged, _, err := n.tokens.Exchange(t.Context(), id, bearer.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.secrets.RevokeLeaked(t.Context(), plain.Reveal()); err != nil {
		t.Fatal(err)
	}
	wants(t, "a token of the secret, after RevokeLeaked", http.StatusOK, exchanged.Reveal(), n)
	if _, err := n.secrets.RevokeFamily(t.Context(), "ada", c.Family); err != nil {
		t.Fatal(err)
	}
	if _, err := n.tokens.RevokeExchanged(t.Context(), "ada", c.Family); err != nil {
		t.Fatal(err)
	}
	wants(t, "a token of the secret, after RevokeExchanged", http.StatusUnauthorized, exchanged.Reveal(), n)
	if _, _, err := n.tokens.Exchange(t.Context(), id, bearer.Request{}); err == nil {
		t.Error("the secret is exchanged again")
	}
}

// An account is signed out everywhere: tokens, secrets and sessions of before are
// refused on every node, whatever there is of them; and what is issued from then
// on is good.
func TestSignOutEverywhere(t *testing.T) {
	ada := new(people)
	cfg := config{store: store.NewMemory(), accounts: ada, sealed: true}
	cfg.keys = []cookie.Key{cookie.NewKey()}
	nodes := []*node{newNode(t, cfg), newNode(t, cfg)}
	token, _ := nodes[0].issue(t)
	plain, _, err := nodes[0].secrets.Issue(t.Context(), secret.Request{Subject: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := nodes[0].signIn(t) // without a store: nothing else ends it
	statuses := func() (all []int) {
		for _, n := range nodes {
			visitor := c
			all = append(all, n.call("Bearer "+token), n.call("Secret "+plain.Reveal()), n.visit(&visitor))
		}
		return all
	}
	for _, got := range statuses() {
		if got != http.StatusOK {
			t.Fatalf("before: %d, want 200", got)
		}
	}
	ada.signOutEverywhere(time.Now())
	for i, got := range statuses() {
		if got != http.StatusUnauthorized {
			t.Errorf("credential %d after NotBefore: %d, want 401", i, got)
		}
	}
	again, _ := nodes[1].issue(t)
	wants(t, "issued afterwards", http.StatusOK, again, nodes...)
}
