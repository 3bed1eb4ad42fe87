package whole

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"github.com/keystile/keystile/bench/internal/report"
)

// The arguments that make this program a server or a load generator.
const (
	ServeArgument    = "serve"
	GenerateArgument = "generate"
)

// Measure starts both processes, from the program that runs.
func Measure(p Plan) (loads []report.Load, floods []report.Flood, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	server := process(self, ServeArgument)
	in, err1 := server.StdinPipe()
	out, err2 := server.StdoutPipe()
	if err := cmp.Or(err1, err2); err != nil {
		return nil, nil, err
	}
	if err := startOn(0, server); err != nil {
		return nil, nil, err
	}
	defer func() {
		in.Close()
		err = cmp.Or(err, server.Wait())
	}()
	j := job{Plan: p}
	if err := json.NewDecoder(out).Decode(&j.Offer); err != nil {
		return nil, nil, fmt.Errorf("whole: the server's offer: %w", err)
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, nil, err
	}
	generator := process(self, GenerateArgument)
	generator.Stdin = bytes.NewReader(text)
	var found bytes.Buffer
	generator.Stdout = &found
	if err := startOn(1, generator); err != nil {
		return nil, nil, err
	}
	if err := generator.Wait(); err != nil {
		return nil, nil, fmt.Errorf("whole: the load generator: %w", err)
	}
	var f finding
	err = json.Unmarshal(found.Bytes(), &f)
	return f.Loads, f.Floods, err
}

func process(self, argument string) *exec.Cmd {
	cmd := exec.Command(self, argument)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	return cmd
}
