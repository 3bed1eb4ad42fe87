package redisstore

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keystile/keystile/store"
)

// T7: rows of all releases can be read. rows-1.txt has current rows; files with older
// rows are named after their releases.
func TestDecodeGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/rows-*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, error %v", files, err)
	}
	for _, file := range files {
		rows, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(rows)) {
			id, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
			row, err := hex.DecodeString(digits)
			if err != nil {
				t.Fatalf("%s: %s: %v", file, id, err)
			}
			if c, err := decode(store.Digest{}, string(row)); err != nil || c.ID != id {
				t.Errorf("%s: %s is read as %+v, %v", file, id, c, err)
			}
		}
	}
}

// For every row, decode returns either an error or the credential that encode encodes
// as this row.
func FuzzDecode(f *testing.F) {
	golden, err := os.ReadFile("testdata/rows-1.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		_, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		row, err := hex.DecodeString(digits)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(row)
		f.Add(row[:len(row)-1])
		f.Add(bytes.ReplaceAll(row, []byte{0, 0, 0}, []byte{0, 0xff, 0}))
		f.Add(bytes.Replace(row, []byte{'0'}, []byte{'9'}, 30))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		c, err := decode(store.Digest{}, string(row))
		if err != nil {
			return
		}
		again, err := encode(c)
		if err != nil || again != string(row) {
			t.Errorf("decoded to %+v, which is encoded as %q, %v", c, again, err)
		}
	})
}
