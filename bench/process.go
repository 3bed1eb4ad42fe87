package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

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

// ask starts a program, this one if none is named, with an argument, and sets
// *found to what it writes.
func ask(program, argument string, found any) error {
	if program == "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		program = self
	}
	cmd := exec.Command(program, argument)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s, which measures %s: %w", program, argument, err)
	}
	return json.Unmarshal(text, found)
}
