//go:build !linux

package soak

import (
	"errors"
	"testing"
)

// start works on Linux, where servers can be started and paused.
func start(testing.TB, string) (*service, error) {
	return nil, errors.New("soak: works on Linux alone")
}
