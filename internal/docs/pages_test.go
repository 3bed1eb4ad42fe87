package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A page is one of those that people read on the repository's site.
type page struct {
	name string // from the root
	text string
}

func pages(t *testing.T) []page {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []page
	for _, name := range append(names, filepath.Join(root, "README.md"), filepath.Join(root, "SECURITY.md")) {
		name, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page{filepath.ToSlash(name), read(t, name)})
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	link    = regexp.MustCompile(`(?:\]\(|(?:src|href)=")([^()"\s]+)[)"]`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	aTest   = regexp.MustCompile("`((?:Test|Fuzz|Example)[A-Z_][0-9A-Za-z_]*)`")
)

// anchors returns where links to a page may go.
func anchors(text string) map[string]bool {
	found := map[string]bool{"": true}
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile("[^a-z0-9 _-]").ReplaceAllString(strings.ToLower(m[1]), "")
		found[strings.ReplaceAll(name, " ", "-")] = true
	}
	return found
}

// Every link leads somewhere, and every test that is named is in one of the files
// that its paragraph links to.
func TestLinks(t *testing.T) {
	for _, p := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(p.text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target, anchor, _ := strings.Cut(m[1], "#")
			text := p.text
			if target != "" {
				target = filepath.Join(filepath.Dir(p.name), target)
				if _, err := os.Stat(filepath.Join(root, target)); err != nil {
					t.Errorf("%s: %v", p.name, err)
					continue
				}
			}
			if anchor == "" {
				continue
			}
			if target != "" {
				text = read(t, target)
			}
			if !anchors(text)[anchor] {
				t.Errorf("%s: %s: no such heading", p.name, m[1])
			}
		}
		for _, paragraph := range regexp.MustCompile(`\n\n+|\n\|`).Split(p.text, -1) {
			files := ""
			for _, m := range link.FindAllStringSubmatch(paragraph, -1) {
				if strings.HasSuffix(m[1], "_test.go") {
					files += read(t, filepath.Join(filepath.Dir(p.name), m[1]))
				}
			}
			for _, m := range aTest.FindAllStringSubmatch(paragraph, -1) {
				if !strings.Contains(files, "\nfunc "+m[1]+"(") {
					t.Errorf("%s: %s: in none of the files that its paragraph links to", p.name, m[1])
				}
			}
		}
	}
}
