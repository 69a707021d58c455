//go:build unix

package trial

import (
	"syscall"
	"time"
)

// CPU is the processor time this process has used, of all its threads, in and out of the kernel.
func CPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
