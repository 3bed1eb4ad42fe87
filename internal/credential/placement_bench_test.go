package credential_test

import (
	"strings"
	"testing"

	"github.com/keystile/keystile/internal/credential"
	"github.com/keystile/keystile/store"
)

// BenchmarkPlacement shows what issuing costs where digest and ID must fit, with
// and without a pepper.
func BenchmarkPlacement(b *testing.B) {
	for name, cfg := range map[string]credential.Config{
		"none":   {Store: store.NewMemory()},
		"fits":   {Store: placing{Memory: store.NewMemory()}},
		"pepper": {Store: placing{Memory: store.NewMemory()}, Peppers: [][]byte{[]byte(strings.Repeat("a", 32))}},
	} {
		b.Run(name, func(b *testing.B) {
			cfg.Limit, cfg.HourlyLimit = -1, -1
			_, issue, err := packages[0].new(cfg)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, _, err := issue(b.Context(), credential.Request{Subject: "ada"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
