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

func (m *Model) newKept(rows, layers int) *kept {
	k := &kept{scratch: scratch{b: m.b}}
	for range m.layers {
		k.in = append(k.in, k.allocUnset(rows*m.cfg.Hidden))
	}
	for range layers {
		k.addActs(m, rows)
	}
	return k
}

func (k *kept) addActs(m *Model, rows int) {
	a := m.newActs(&k.scratch, rows)
	a.mid = k.allocUnset(rows * m.cfg.Hidden)
	k.full = append(k.full, a)
}

// again is how many layers the backward pass runs again.
func (k *kept) again() int { return len(k.in) - len(k.full) }

// acts is where a layer's activations go.
func (k *kept) acts(layer int) *acts { return &k.full[max(layer-k.again(), 0)] }

// restore gives a layer's input and activations: those that are still there, or recorded, or it runs the layer again. h
// and t [R, H] are scratch.
func (p *Pass) restore(layer int, h, t compute.Buf) (in compute.Buf, a *acts) {
	whole := layer >= p.kept.again()
	if p.from == nil {
		in, a = p.kept.in[layer], p.kept.acts(layer)
	} else {
		whole = p.from.restore(p, layer)
		in, a = p.kept.in[0], &p.kept.full[0]
	}
	if !whole {
		p.m.b.Copy(a.mid, in)
		p.m.front(layer, a, a.mid, h, t, p.p.Pos, p.low, p.attend)
	}
	return in, a
}
