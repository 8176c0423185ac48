package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// kept is what a forward pass leaves for its backward pass: the residual stream before every layer, and all activations
// of the last layers. The layers before those shared the first set, and share it again when the backward pass, which
// is done with it by then, runs them a second time: same kernels, same rows, same bits. So the memory of running layers
// again is that of a layer which keeps its activations anyhow.
type kept struct {
	scratch
	in   []compute.Buf // [R, H], by layer
	full []acts        // of the last len(full) layers
}

// KeepLayers says how many layers keep all their activations until the backward pass, 1 to the number of layers; a new
// model keeps all. It changes memory and speed, no bit.
func (m *Model) KeepLayers(n int) { m.keepLayers = min(max(n, 1), len(m.layers)) }

func (m *Model) newKept(rows int) *kept {
	k := &kept{scratch: scratch{b: m.b}}
	for range m.layers {
		k.in = append(k.in, k.allocUnset(rows*m.cfg.Hidden))
	}
	for range m.keepLayers {
		a := m.newActs(&k.scratch, rows)
		a.mid = k.allocUnset(rows * m.cfg.Hidden)
		k.full = append(k.full, a)
	}
	return k
}

// again is how many layers the backward pass runs again.
func (k *kept) again() int { return len(k.in) - len(k.full) }

// acts is where a layer's activations go.
func (k *kept) acts(layer int) *acts { return &k.full[max(layer-k.again(), 0)] }

// restore runs a layer again unless its activations are still there. h and t [R, H] are scratch.
func (p *Pass) restore(layer int, h, t compute.Buf) {
	if layer >= p.kept.again() {
		return
	}
	a := p.kept.acts(layer)
	p.m.b.Copy(a.mid, p.kept.in[layer])
	p.m.front(layer, a, a.mid, h, t, p.p.Pos, p.low, p.attend)
}
