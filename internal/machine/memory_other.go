//go:build !linux

package machine

// FreeMemory is not known here.
func FreeMemory() (bytes int64, ok bool) { return 0, false }

// TotalMemory is not known here.
func TotalMemory() (bytes int64, ok bool) { return 0, false }

// PeakMemory is not known here.
func PeakMemory() (bytes int64, ok bool) { return 0, false }
