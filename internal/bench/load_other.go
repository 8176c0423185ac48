//go:build !unix

package bench

import (
	"os"
	"time"
)

// ownTime is not known; neither is what others use.
func ownTime() time.Duration { return 0 }

// childPeak is not known.
func childPeak(*os.ProcessState) int64 { return 0 }
