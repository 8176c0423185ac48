package sampler

import (
	"encoding/binary"
	"fmt"
)

// position is the memory of samplers whose next index depends on how many came before, and on nothing else.
type position struct {
	kind string
	seed uint64
	size int
	next uint64 // indices given so far
}

func newPosition(kind string, seed uint64, size int) (position, error) {
	if size <= 0 && size != Unlimited {
		return position{}, fmt.Errorf("sampler %s: %d tasks, want 1 or more", kind, size)
	}
	return position{kind: kind, seed: seed, size: size}, nil
}

// Observe changes nothing: these samplers don't look at outcomes.
func (p *position) Observe([]Outcome) {}

// The saved form: a version byte, then seed, size and next, 8 bytes each, little-endian.
const (
	positionVersion = 1
	positionBytes   = 1 + 3*8
)

// MarshalBinary saves the position, and what it is a position in.
func (p *position) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, positionBytes)
	b = append(b, positionVersion)
	b = binary.LittleEndian.AppendUint64(b, p.seed)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.size))
	return binary.LittleEndian.AppendUint64(b, p.next), nil
}

// UnmarshalBinary goes on from a saved position. Another seed or size than the saved one is an error: the order
// would be another.
func (p *position) UnmarshalBinary(b []byte) error {
	if len(b) != positionBytes || b[0] != positionVersion {
		return fmt.Errorf("sampler %s: saved state of %d bytes, want version %d of %d bytes", p.kind, len(b), positionVersion, positionBytes)
	}
	seed := binary.LittleEndian.Uint64(b[1:])
	size := int(int64(binary.LittleEndian.Uint64(b[9:])))
	if seed != p.seed {
		return fmt.Errorf("sampler %s: saved with seed %d, this run has %d", p.kind, seed, p.seed)
	}
	if size != p.size {
		return fmt.Errorf("sampler %s: saved over %s, this env has %s", p.kind, tasks(size), tasks(p.size))
	}
	p.next = binary.LittleEndian.Uint64(b[17:])
	return nil
}

func tasks(size int) string {
	if size == Unlimited {
		return "unlimited tasks"
	}
	return fmt.Sprintf("%d tasks", size)
}
