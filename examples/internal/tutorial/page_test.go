// Package tutorial does what docs/tutorial.md says, as its reader would.
package tutorial

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const page = "../../../docs/tutorial.md"

// A section is what stands under a heading.
type section struct {
	title  string
	blocks []block
}

// A block is code of the page: a file to write, commands to paste, or what the
// commands before it print.
type block struct {
	language string
	file     string // where a line "`name.go`:" stands before it
	text     string
}

var (
	heading = regexp.MustCompile(`(?m)^## (.*)\n`)
	code    = regexp.MustCompile("(?s)(?:`(\\w+\\.go)`:\n\n)?```(\\w+)\n(.*?)```\n")
)

func read(t *testing.T) []section {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var sections []section
	starts := heading.FindAllStringSubmatchIndex(string(text), -1)
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		s := section{title: string(text[at[2]:at[3]])}
		for _, m := range code.FindAllStringSubmatch(string(text[at[1]:end]), -1) {
			s.blocks = append(s.blocks, block{m[2], m[1], m[3]})
		}
		sections = append(sections, s)
	}
	return sections
}

// Every block is one that the test knows what to do with.
func TestPage(t *testing.T) {
	files, outputs := 0, 0
	for _, s := range read(t) {
		for i, b := range s.blocks {
			switch b.language {
			case "go":
				files++
				if b.file == "" {
					t.Errorf("%s: a file without a name:\n%s", s.title, b.text)
				}
			case "text":
				outputs++
				if i == 0 || s.blocks[i-1].language != "sh" || strings.HasPrefix(lastLine(s.blocks[i-1].text), "go run . ") {
					t.Errorf("%s: output of no command:\n%s", s.title, b.text)
				}
			case "sh":
			default:
				t.Errorf("%s: a block of %s", s.title, b.language)
			}
		}
	}
	if files != 9 || outputs != 5 {
		t.Errorf("%d files and %d outputs, want 9 and 5", files, outputs)
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1] + " "
}
