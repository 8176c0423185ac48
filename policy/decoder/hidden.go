package decoder

import (
	"fmt"
	"strings"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Tap is where hidden states are read, near the top of the model.
type Tap string

const (
	FinalNormOut Tap = "final_norm_out" // what the head reads: the last block's output, normed
	LastBlockOut Tap = "last_block_out" // the residual stream after the last block
	LastMLPIn    Tap = "last_mlp_in"    // what the last block's inner matrices read: the residual stream in front of them, normed
)

// Taps lists them, the default first.
var Taps = []Tap{FinalNormOut, LastBlockOut, LastMLPIn}

// ParseTap reads a tap's name.
func ParseTap(name string) (Tap, error) {
	var names []string
	for _, t := range Taps {
		if string(t) == name {
			return t, nil
		}
		names = append(names, string(t))
	}
	return "", fmt.Errorf("tap %q, want one of %s", name, strings.Join(names, ", "))
}

// Hidden runs a packed batch and gives the hidden state of each of its R rows, [R, H] row-major, in float32 whatever the
// precision of activations. Nothing is kept for a backward pass, and the head isn't run. p.Out and p.Target aren't read.
func (m *Model) Hidden(p Packed, tap Tap) ([]float32, error) {
	if _, err := ParseTap(string(tap)); err != nil {
		return nil, err
	}
	if err := p.check(m.cfg); err != nil {
		return nil, err
	}
	rows, c, b, low := len(p.IDs), m.cfg, m.b, m.lowRankOn()
	tmp := &scratch{b: b}
	defer tmp.free()
	attend := func(_ int, out, q, k, v compute.Buf) { b.Attention(out, q, k, v, p.Segs, c.Attention()) }
	x, h, t := tmp.allocUnset(rows*c.Hidden), tmp.allocActs(rows*c.Hidden), tmp.allocUnset(rows*c.Hidden)
	a, inner := m.newActs(tmp, rows), tmp.allocActs(rows*c.Inner)
	b.Embed(x, m.embed.weight(), p.IDs)
	gain := m.norm
	for i := range m.layers {
		m.front(i, &a, x, h, t, p.Pos, low, attend)
		if tap == LastMLPIn && i == len(m.layers)-1 {
			gain = m.layers[i].mlpNorm
			break
		}
		m.back(i, &a, x, t, inner, low)
	}
	if tap != LastBlockOut {
		b.RMSNorm(t, x, gain.Data, rows, c.NormEps) // into float32, where h would be rounded
		x = t
	}
	out := make([]float32, x.Len())
	b.Download(out, x)
	return out, b.Sync()
}
