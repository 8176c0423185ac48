package decoder

import "github.com/burnish-rl/burnish/internal/compute"

// AdapterCopy is the adapter as it stood, beside the one that is trained: a reference policy that costs no second model.
type AdapterCopy struct {
	m      *Model
	params []*Param // of the adapter
	copies []Param  // Data and Half of each
}

// CopyAdapter copies the adapter as it stands. Free gives the memory back.
func (m *Model) CopyAdapter() *AdapterCopy {
	c := &AdapterCopy{m: m}
	for _, l := range m.lowRanks() {
		for _, p := range []*Param{l.A, l.B} {
			own := Param{Name: p.Name, Shape: p.Shape, Data: p.alloc(m.b)}
			if p.Half != nil {
				own.Half = m.b.NewHalf(p.Shape[0], p.Shape[1])
			}
			c.params, c.copies = append(c.params, p), append(c.copies, own)
		}
	}
	c.Update()
	return c
}

// lowRanks are the adapters in file order.
func (m *Model) lowRanks() (out []*LowRank) {
	for i := range m.layers {
		for _, l := range m.layers[i].linears() {
			if l.low != nil {
				out = append(out, l.low)
			}
		}
	}
	return out
}

// Update copies the adapter again.
func (c *AdapterCopy) Update() {
	for i, p := range c.params {
		c.m.b.Copy(c.copies[i].Data, p.Data)
		c.halve(i)
	}
}

func (c *AdapterCopy) halve(i int) {
	if c.copies[i].Half != nil {
		c.m.b.Halve(c.copies[i].weight())
	}
}

// Params lists the copies under the adapter's names. Write fills one.
func (c *AdapterCopy) Params() (out []*Param) {
	for i := range c.copies {
		out = append(out, &c.copies[i])
	}
	return out
}

// With runs fn with the copy in the adapter's place. It changes no weights: what was recorded before stays true.
func (c *AdapterCopy) With(fn func() error) error {
	swap := func() {
		for i, p := range c.params {
			p.Data, c.copies[i].Data = c.copies[i].Data, p.Data
			p.Half, c.copies[i].Half = c.copies[i].Half, p.Half
		}
	}
	swap()
	defer swap()
	return fn()
}

// Free gives the memory back.
func (c *AdapterCopy) Free() {
	for _, p := range c.copies {
		for _, x := range []compute.Buf{p.Data, p.Half} {
			if x != nil {
				c.m.b.Free(x)
			}
		}
	}
	c.copies, c.params = nil, nil
}
