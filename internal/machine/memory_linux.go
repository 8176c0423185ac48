package machine

import (
	"os"
	"path"
	"strconv"
	"strings"
)

// FreeMemory is how many bytes a process may take without pushing others out: what the kernel says is available, or what
// the control group (version 2) leaves if that is less. ok is false where the system doesn't say.
func FreeMemory() (bytes int64, ok bool) {
	if bytes, ok = field("/proc/meminfo", "MemAvailable:"); !ok {
		return 0, false
	}
	if left, limited := groupLeft("/sys/fs/cgroup", ownGroup()); limited {
		bytes = min(bytes, left)
	}
	return bytes, true
}

// TotalMemory is the bytes of this machine's memory.
func TotalMemory() (bytes int64, ok bool) { return field("/proc/meminfo", "MemTotal:") }

// PeakMemory is the most bytes that this process has had in memory (VmHWM).
func PeakMemory() (bytes int64, ok bool) { return field("/proc/self/status", "VmHWM:") }

// field reads a line such as "MemAvailable:  23985288 kB".
func field(file, name string) (bytes int64, ok bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name && f[2] == "kB" {
			kb, err := strconv.ParseInt(f[1], 10, 64)
			return kb * 1024, err == nil
		}
	}
	return 0, false
}

// ownGroup is this process's control group, "/" when it has none of its own.
func ownGroup() string {
	data, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(data)) {
		if group, ok := strings.CutPrefix(line, "0::"); ok {
			return path.Clean("/" + strings.TrimSpace(group))
		}
	}
	return "/"
}

// groupLeft is the least that a group and those above it leave of their limits. Cached file pages don't count: they
// make room.
func groupLeft(root, group string) (bytes int64, limited bool) {
	for ; ; group = path.Dir(group) {
		dir := path.Join(root, group)
		most, err := number(path.Join(dir, "memory.max"))
		used, err2 := number(path.Join(dir, "memory.current"))
		if err == nil && err2 == nil {
			left := max(most-used+stat(path.Join(dir, "memory.stat"), "inactive_file"), 0)
			if !limited || left < bytes {
				bytes, limited = left, true
			}
		}
		if group == "/" {
			return bytes, limited
		}
	}
}

// number reads a file with one number; "max" is none.
func number(file string) (int64, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
}

// stat reads a line such as "inactive_file 4096"; 0 when there is none.
func stat(file, name string) int64 {
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n
		}
	}
	return 0
}
