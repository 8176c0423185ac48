//go:build unix

package bench

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// ownTime is what this process and its finished children have used.
func ownTime() time.Duration {
	var own, children syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &own) != nil || syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children) != nil {
		return 0
	}
	sum := int64(0)
	for _, t := range []syscall.Timeval{own.Utime, own.Stime, children.Utime, children.Stime} {
		sum += syscall.TimevalToNsec(t)
	}
	return time.Duration(sum)
}

// childPeak is the high-water mark of a finished child's resident set in bytes.
func childPeak(p *os.ProcessState) int64 {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(usage.Maxrss) // bytes there, kilobytes elsewhere
	}
	return int64(usage.Maxrss) << 10
}
