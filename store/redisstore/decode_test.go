package redisstore

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/keystile/keystile/store"
)

// Whatever is in a row, decode returns an error or the very credential that
// encode makes this row of.
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
