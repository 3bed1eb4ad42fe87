//go:build !linux

package whole

import "os/exec"

func startOn(_ int, cmd *exec.Cmd) error { return cmd.Start() }
