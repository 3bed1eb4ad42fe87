package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```$")
	codeSpan = regexp.MustCompile("`[^`\n]*`")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"`)
	title    = regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
)

// Every relative link of the README and of the pages in docs leads to a file,
// and one with an anchor to a heading there.
func TestLinks(t *testing.T) {
	from, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(from) == 0 {
		t.Fatalf("%d pages in docs, %v", len(from), err)
	}
	for _, name := range append(from, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(fence.ReplaceAllString(string(text), ""), "code"), -1) {
			target := m[1] + m[2]
			if regexp.MustCompile(`^[a-z]+:`).MatchString(target) {
				continue // elsewhere
			}
			checked++
			path, anchor, _ := strings.Cut(target, "#")
			file := name
			if path != "" {
				file = filepath.Join(filepath.Dir(name), filepath.FromSlash(path))
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %s: %v", name, target, err)
				continue
			}
			if anchor != "" && !anchors(t, file)[anchor] {
				t.Errorf("%s: %s: no such heading", name, target)
			}
		}
		t.Logf("%s: %d links", name, checked)
	}
}

// anchors returns those of the headings of a page, as GitHub makes them.
func anchors(t *testing.T, file string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, m := range title.FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
		anchor := regexp.MustCompile(`[^\p{L}\p{N}_\- ]`).ReplaceAllString(strings.ToLower(m[1]), "")
		found[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	return found
}
