package services

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Find returns the path of a program: the last file that matches a pattern, or else
// the one in the PATH. If there is none, the test is skipped, or fails if the
// environment variable CI is set.
func Find(tb testing.TB, program string, patterns ...string) string {
	tb.Helper()
	for _, pattern := range patterns {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") != "":
		tb.Fatalf("services: %v", err)
	}
	tb.Skipf("services: %v", err)
	return ""
}
