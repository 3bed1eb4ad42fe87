package turns

import (
	"time"

	"golang.org/x/sys/unix"
)

// Thread is the time that the processor spent on the thread that asks, and
// Process that which all processors together spent on this process. What other
// programs do counts in neither: on a machine that does nothing else Thread is
// what Wall is, and Process as many times that as processors are busy.
func Thread() time.Duration  { return spent(unix.CLOCK_THREAD_CPUTIME_ID) }
func Process() time.Duration { return spent(unix.CLOCK_PROCESS_CPUTIME_ID) }

func spent(clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		panic(err) // Linux has both
	}
	return time.Duration(t.Nano())
}
