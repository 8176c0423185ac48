package sampler

import "fmt"

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

const positionVersion = 1

// MarshalBinary saves the position, and what it is a position in.
func (p *position) MarshalBinary() ([]byte, error) {
	return saved(positionVersion, p.seed, p.size, p.next), nil
}

// UnmarshalBinary goes on from a saved position. Another seed or size than the saved one is an error: the order
// would be another.
func (p *position) UnmarshalBinary(b []byte) error {
	return restored(p.kind, b, positionVersion, p.seed, p.size, &p.next)
}
