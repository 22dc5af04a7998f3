package proxy

import (
	"syscall"
	"time"
)

// nap sleeps for so long, by the kernel's clock and not by that of the runtime, whose timers an idle process looks at once a millisecond.
func nap(d time.Duration) {
	left := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&left, nil) // a signal ends it early; none of less than nothing sleeps
}
