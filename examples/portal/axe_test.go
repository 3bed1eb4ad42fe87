package main

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// Which axe-core looks at the pages, and the checksum that npm has of it.
const (
	axeVersion   = "4.14.1"
	axeIntegrity = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)

// axe returns the source of axe-core, which npm fetches once.
func axe(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "keystile-axe-core-"+axeVersion)
	archive := filepath.Join(dir, "axe-core-"+axeVersion+".tgz")
	if _, err := os.Stat(archive); err != nil {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "npm", "pack", "--silent", "axe-core@"+axeVersion)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("axe-core cannot be fetched: %v\n%s", err, out)
			}
			t.Skipf("axe-core cannot be fetched: %v", err)
		}
	}
	packed, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha512.Sum512(packed); base64.StdEncoding.EncodeToString(sum[:]) != axeIntegrity {
		t.Fatalf("%s is not axe-core %s: remove it", archive, axeVersion)
	}
	source, err := readTar(packed, "package/axe.min.js")
	if err != nil {
		t.Fatalf("%s: %v", archive, err)
	}
	return source
}

// A finding is what axe-core has against a page.
type finding struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

// TestAccessible has axe-core look at every page, wide and narrow, light and
// dark, and nothing is wider than the window.
func TestAccessible(t *testing.T) {
	t.Parallel()
	source := axe(t)
	each(t, func(t *testing.T, ctx context.Context, name string) {
		do(t, ctx, chromedp.Evaluate[chromedp.Void](source))
		for _, width := range []int64{390, 1280} {
			for _, colour := range colours {
				look(t, ctx, width, colour)
				if got := get(t, ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); got > width {
					t.Errorf("at %d px the page is %d px wide", width, got)
				}
				rules := `{}`
				if colour == "dark" { // the colours are all that is different
					rules = `{runOnly: ["color-contrast"]}`
				}
				found := get(t, ctx, chromedp.Evaluate[string](`axe.run(`+rules+`).then(r => JSON.stringify(r.violations))`, chromedp.EvalAwaitPromise))
				var findings []finding
				if err := json.Unmarshal([]byte(found), &findings); err != nil {
					t.Fatal(err)
				}
				for _, f := range findings {
					text := fmt.Sprintf("%d px, %s: %s (%s): %s", width, colour, f.ID, f.Impact, f.Help)
					for _, n := range f.Nodes {
						text += "\n" + n.HTML + "\n" + n.FailureSummary
					}
					t.Error(text)
				}
			}
		}
	})
}
