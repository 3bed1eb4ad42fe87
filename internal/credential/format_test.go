package credential

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

func newTestFormat(t testing.TB, prefix string) format {
	t.Helper()
	f, err := newFormat(prefix)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// T1: of a million credentials no two are the same, and at every place of the
// body each character is as likely as another.
func TestGenerateIsRandom(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	f := newTestFormat(t, "abcdefgh")
	seen := make(map[[bodyLen]byte]bool, n)
	var counts [bodyLen][256]int
	for range n {
		s := f.generate()
		if len(s) != 55 || s[:9] != "abcdefgh_" {
			t.Fatalf("generate() = %q", s)
		}
		body := [bodyLen]byte([]byte(s[9:]))
		if seen[body] {
			t.Fatalf("generate() = %q twice", s)
		}
		seen[body] = true
		for i, c := range body {
			counts[i][c]++
		}
	}

	// A chi-square of 61 degrees of freedom is beyond 200 once in 10^15
	// times. That of a random byte modulo 62 would be about n/150.
	for i, count := range counts {
		expected := float64(n) / 62
		chi, drawn := 0.0, 0
		for _, c := range []byte(alphabet) {
			d := float64(count[c]) - expected
			chi += d * d / expected
			drawn += count[c]
		}
		if drawn != n {
			t.Errorf("place %d: %d characters of %d are not in the alphabet", i, n-drawn, n)
		}
		if chi > 200 {
			t.Errorf("place %d: chi-square %.0f for 62 characters", i, chi)
		}
	}
}

// T1: 40 of 62 characters are 238 bits, 20 are 119.
func TestGenerateForm(t *testing.T) {
	if len(alphabet) != 62 {
		t.Fatalf("an alphabet of %d characters", len(alphabet))
	}
	for _, prefix := range []string{"a", "pat", "sec", "0", "keystile"} {
		f := newTestFormat(t, prefix)
		form := regexp.MustCompile(`^` + prefix + `_[0-9A-Za-z]{40}[0-9A-Za-z]{6}$`)
		for range 1000 {
			s := f.generate()
			if !form.MatchString(s) || len(s) > 55 || !f.check(s) || !f.claims(s) {
				t.Fatalf("generate() = %q, check %t, claims %t", s, f.check(s), f.claims(s))
			}
		}
	}
	form := regexp.MustCompile(`^[0-9A-Za-z]{20}$`)
	seen := make(map[string]bool)
	for range 10_000 {
		id := NewID()
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("NewID() = %q, seen before: %t", id, seen[id])
		}
		seen[id] = true
	}
}

// T7: these were made elsewhere, with another language's CRC-32. They are
// credentials for ever.
var golden = []string{
	"pat_00000000000000000000000000000000000000001WrtcS",
	"sec_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz0a4doA",
	"a_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd3xoL7K",
	"keystile_MNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz4GmrMV",
	"pat_wa5Zo3LCgs4V3sLHbWhuz7gShKBvED4xnXEjC69V0002Rn",
}

func TestCheckGolden(t *testing.T) {
	for _, s := range golden {
		prefix, _, _ := strings.Cut(s, "_")
		if f := newTestFormat(t, prefix); !f.check(s) {
			t.Errorf("check(%q) = false", s)
		}
	}
}

// reference decides by what the format says, with the standard library.
func reference(prefix, s string) bool {
	m := regexp.MustCompile(`^(` + prefix + `_.{40})([0-9A-Za-z]{6})$`).FindStringSubmatch(s)
	if m == nil {
		return false
	}
	const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	value := uint64(0)
	for _, c := range m[2] {
		value = value*62 + uint64(strings.IndexRune(base62, c))
	}
	return value == uint64(crc32.ChecksumIEEE([]byte(m[1])))
}

func FuzzCheck(f *testing.F) {
	for _, s := range golden {
		f.Add(s)
	}
	for _, s := range []string{"", "pat_", "pat", "PAT_" + golden[0][4:], golden[0] + "0", golden[0][:49]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range s {
			if r == '\n' || r >= 0x80 {
				return // reference knows characters, check bytes
			}
		}
		f := newTestFormat(t, "pat")
		if got, want := f.check(s), reference("pat", s); got != want {
			t.Errorf("check(%q) = %t, want %t", s, got, want)
		}
	})
}

// The checksum is the one of the standard library, for every length.
func TestChecksumIsCRC32(t *testing.T) {
	table := newCRCTable()
	random := rand.NewChaCha8([32]byte{})
	for n := range 301 {
		for range 20 {
			b := make([]byte, n)
			random.Read(b)
			if got, want := table.update(0, string(b)), crc32.ChecksumIEEE(b); got != want {
				t.Fatalf("checksum(%x) = %08x, want %08x", b, got, want)
			}
		}
	}
}

func TestDigits(t *testing.T) {
	for sum, want := range map[uint32]string{
		0: "000000", 9: "000009", 10: "00000A", 35: "00000Z", 36: "00000a", 61: "00000z", 62: "000010",
		62*62 - 1: "0000zz", 916132832: "100000", 1<<32 - 1: "4gfFC3",
	} {
		if got := digits(sum); string(got[:]) != want {
			t.Errorf("digits(%d) = %s, want %s", sum, got, want)
		}
	}
}

func TestPrefix(t *testing.T) {
	for _, prefix := range []string{"a", "0", "pat", "abcdefgh", "01234567"} {
		if _, err := newFormat(prefix); err != nil {
			t.Errorf("newFormat(%q): %v", prefix, err)
		}
	}
	for _, prefix := range []string{"", "abcdefghi", "Pat", "pat_", "p t", "pat\n", "\npat", "p.t", "pät", "p\x00t", "a|b"} {
		if _, err := newFormat(prefix); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", prefix)) {
			t.Errorf("newFormat(%q): %v, want an error that names it", prefix, err)
		}
	}
}

func TestFormAllocatesNothing(t *testing.T) {
	f := newTestFormat(t, "pat")
	wrong := golden[0][:49] + "T"
	if n := testing.AllocsPerRun(100, func() {
		f.check(golden[0])
		f.check(wrong)
		f.claims(wrong)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
