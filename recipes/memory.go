package recipes

import (
	"fmt"
	"regexp"
	"strconv"
)

// autoMemory leaves the limit to the machine.
const autoMemory = "auto"

// sizes of train.memory, decimal as memory is sold and binary as it is counted.
var sizes = map[string]float64{"MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}

var memorySize = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([MGT]i?B)$`)

// leastMemory and mostMemory bound train.memory, in bytes.
const leastMemory, mostMemory = 1e6, 1e15

// MemoryLimit reads train.memory: bytes, or 0 for auto.
func MemoryLimit(text string) (bytes int64, err error) {
	if text == autoMemory {
		return 0, nil
	}
	parts := memorySize.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf("memory: %s, want auto or a size such as 4GB", show(text))
	}
	n, err := strconv.ParseFloat(parts[1], 64)
	if n *= sizes[parts[2]]; err != nil || n < leastMemory || n > mostMemory {
		return 0, fmt.Errorf("memory: %s, want 1MB to 1000TB", show(text))
	}
	return int64(n), nil
}
