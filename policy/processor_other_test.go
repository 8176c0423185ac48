//go:build !linux

package policy

import "time"

var began = time.Now()

// processorSeconds is the time on the wall, for want of better.
func processorSeconds() float64 { return time.Since(began).Seconds() }
