package sampler

import (
	"encoding/binary"
	"fmt"
)

// saved is a sampler's memory: a version byte, seed and size, then values of fixed size, little-endian.
func saved(version byte, seed uint64, size int, values ...any) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{version}, seed)
	b = binary.LittleEndian.AppendUint64(b, uint64(size))
	for _, v := range values {
		var err error
		if b, err = binary.Append(b, binary.LittleEndian, v); err != nil {
			panic("sampler: save: " + err.Error()) // a value without a fixed size
		}
	}
	return b
}

// restored reads into pointers and slices what saved wrote. Another seed or size than the saved one is an error: the
// order would be another.
func restored(kind string, b []byte, version byte, seed uint64, size int, values ...any) error {
	want := 17
	for _, v := range values {
		want += binary.Size(v)
	}
	if len(b) != want || b[0] != version {
		return fmt.Errorf("sampler %s: saved state of %d bytes, want version %d of %d bytes", kind, len(b), version, want)
	}
	if err := sameTasks(kind, binary.LittleEndian.Uint64(b[1:]), seed, int(int64(binary.LittleEndian.Uint64(b[9:]))), size); err != nil {
		return err
	}
	b = b[17:]
	for _, v := range values {
		n, err := binary.Decode(b, binary.LittleEndian, v)
		if err != nil {
			return fmt.Errorf("sampler %s: saved state: %w", kind, err)
		}
		b = b[n:]
	}
	return nil
}

func sameTasks(kind string, savedSeed, seed uint64, savedSize, size int) error {
	if savedSeed != seed {
		return fmt.Errorf("sampler %s: saved with seed %d, this run has %d", kind, savedSeed, seed)
	}
	if savedSize != size {
		return fmt.Errorf("sampler %s: saved over %s, this env has %s", kind, tasks(savedSize), tasks(size))
	}
	return nil
}

func tasks(size int) string {
	if size == Unlimited {
		return "unlimited tasks"
	}
	return fmt.Sprintf("%d tasks", size)
}
