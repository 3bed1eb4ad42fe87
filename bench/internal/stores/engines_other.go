//go:build !linux

package stores

import (
	"errors"

	"github.com/keystile/keystile/bench/internal/report"
	"github.com/keystile/keystile/bench/internal/turns"
)

// Engines works on Linux, where the servers can be started.
func Engines(turns.Plan, []int) (report.Results, error) {
	return report.Results{}, errors.New("the engines are measured on Linux alone")
}
