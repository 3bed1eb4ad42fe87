package whole

import (
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// startOn starts cmd on one of the processors that we may use, if there is more
// than one. What a thread starts runs where the thread may.
func startOn(i int, cmd *exec.Cmd) error {
	var ours unix.CPUSet
	if err := unix.SchedGetaffinity(0, &ours); err != nil || ours.Count() < 2 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer unix.SchedSetaffinity(0, &ours)
	var one unix.CPUSet
	for cpu := 0; one.Count() == 0; cpu++ {
		if ours.IsSet(cpu) {
			if i == 0 {
				one.Set(cpu)
			}
			i--
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	return cmd.Start()
}
