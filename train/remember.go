package train

import (
	"encoding"
	"fmt"
)

// rememberer is a part of a run with a memory of its own, by the name under which checkpoints keep it.
type rememberer struct {
	name string
	part any
}

// rememberers lists the parts that may remember something. A plug-in is named by its place and its own name, so that
// another one in the same place can't take the memory for its own.
func (t *Trainer) rememberers() []rememberer {
	all := []rememberer{{"schedule/" + t.ScheduleName, t.Schedule}, {"algo", t.Algo}}
	if t.updates != nil {
		all = append(all, rememberer{"updates", t.updates})
	}
	return all
}

// memories is what the parts of the run want to be kept.
func (t *Trainer) memories() (map[string][]byte, error) {
	var out map[string][]byte
	for _, r := range t.rememberers() {
		m, ok := r.part.(encoding.BinaryMarshaler)
		if !ok {
			continue
		}
		data, err := m.MarshalBinary()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		if out == nil {
			out = map[string][]byte{}
		}
		out[r.name] = data
	}
	return out, nil
}

// remindAll gives the parts back what a checkpoint kept of them: all of it, and to each that remembers.
func (t *Trainer) remindAll(kept map[string][]byte) error {
	claimed := 0
	for _, r := range t.rememberers() {
		m, ok := r.part.(encoding.BinaryUnmarshaler)
		if !ok {
			continue
		}
		data, ok := kept[r.name]
		if !ok {
			return fmt.Errorf("%s: found nothing of %s, want what it remembered", stateFile, r.name)
		}
		if err := m.UnmarshalBinary(data); err != nil {
			return fmt.Errorf("%s: %w", stateFile, err)
		}
		claimed++
	}
	if claimed != len(kept) {
		return fmt.Errorf("%s: found the memory of %d parts, this run has %d that remember", stateFile, len(kept), claimed)
	}
	return nil
}
