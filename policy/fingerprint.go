package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/burnish-rl/burnish/policy/adapter"
)

// Fingerprint is a hash of all that decides what the model computes from ids: its shape, every weight with its name, the
// adapter's included, and the backend with its precision. Tokenizer and template have no part in it.
func (m *Model) Fingerprint() [sha256.Size]byte { return m.fingerprint(true) }

// FingerprintWithoutAdapter is that of the model as it is with its adapter switched off.
func (m *Model) FingerprintWithoutAdapter() [sha256.Size]byte { return m.fingerprint(false) }

func (m *Model) fingerprint(withAdapter bool) [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%+v\n", m.Backend().Name(), m.Config())
	adapters := adapter.Params(m.dec)
	if m.lora != nil && withAdapter {
		h.Write(m.lora.JSON("")) // the scale is no tensor
	}
	for _, p := range m.Params() {
		if !withAdapter && slices.Contains(adapters, p) {
			continue
		}
		fmt.Fprintf(h, "%s %v\n", p.Name, p.Shape)
		hashFloats(h.Write, m.Read(p, p.Data))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// hashFloats writes the bits of x, little-endian, piece by piece.
func hashFloats(write func([]byte) (int, error), x []float32) {
	var piece [1 << 14]byte
	for len(x) > 0 {
		n := min(len(x), len(piece)/4)
		for i, v := range x[:n] {
			binary.LittleEndian.PutUint32(piece[4*i:], math.Float32bits(v))
		}
		write(piece[:4*n])
		x = x[n:]
	}
}
