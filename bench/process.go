package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/keystile/keystile/bench/internal/report"
	"github.com/keystile/keystile/bench/internal/turns"
)

// The arguments that make this program one that measures a part and writes what
// it has seen to its output. Where in memory things come to lie is a matter of
// chance, for each process anew, and moves a ratio by up to a tenth: so what is
// compared closely is measured by several.
const (
	waysArgument = "ways"
	oursArgument = "ours"
)

// measuring returns what the process of that argument does, or nil.
func measuring(argument string) func() error {
	switch argument {
	case waysArgument:
		return func() error {
			return write(waysHere(turns.Plan{Turn: turns.Full.Turn, Rounds: turns.Full.Rounds / processes}))
		}
	case oursArgument:
		return func() error { return write(oursHere()) }
	}
	return nil
}

func write(found any, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

// ask starts this program once more, with an argument, and sets *found to what it
// writes.
func ask(argument string, found any) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, argument)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the process that measures %s: %w", argument, err)
	}
	return json.Unmarshal(text, found)
}

// measureOurs measures what keystile does, beside the floors.
func measureOurs() (report.Baseline, error) {
	var b report.Baseline
	err := ask(oursArgument, &b)
	return b, err
}
