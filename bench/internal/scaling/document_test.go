package scaling

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// table returns the rows of the table of the document that follows the comment
// with this name, without its head.
func table(t *testing.T, name string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text2, found := strings.Cut(string(text), "<!-- simulated: "+name+" -->\n")
	if !found {
		t.Fatalf("the document has no table %q", name)
	}
	var rows [][]string
	for line := range strings.Lines(text2) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			break
		}
		var row []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			row = append(row, strings.TrimSpace(cell))
		}
		rows = append(rows, row)
	}
	if len(rows) < 3 {
		t.Fatalf("the table %q has no rows", name)
	}
	return rows[2:]
}

func number(t *testing.T, cell string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.TrimSuffix(cell, " %"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// span writes a time as the document does: "10 min", "2.5 s", "2 ms".
func span(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d >= time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

// duration reads what span has written.
func duration(t *testing.T, cell string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(strings.ReplaceAll(strings.Replace(cell, " min", "m", 1), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
