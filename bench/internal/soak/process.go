package soak

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// A process is the program that runs, started once more to serve.
type process struct {
	job job
	cmd *exec.Cmd
	in  io.Closer
}

// start starts it and returns when it listens: where it did before, if it was
// started before.
func (p *process) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, ServeArgument)
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return err
	}
	p.cmd, p.in = cmd, in
	if err := errors.Join(json.NewEncoder(in).Encode(p.job), json.NewDecoder(out).Decode(&p.job)); err != nil {
		p.kill()
		return fmt.Errorf("soak: the process that serves: %w", err)
	}
	return nil
}

// kill ends it with SIGKILL.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	p.cmd.Wait()
	return err
}

// stop ends it as it would end by itself.
func (p *process) stop() error {
	p.in.Close()
	return p.cmd.Wait()
}
