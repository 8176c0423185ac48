package ref

import (
	"math"

	"github.com/burnish-rl/burnish/internal/compute"
)

// Attention: out[r] = softmax(q·kᵀ/√D)·v over the rows each segment says.
func (*Backend) Attention(out, q, k, v compute.Buf, segs []compute.Segment, h compute.Heads) {
	od, qd, kd, vd := Data(out), Data(q), Data(k), Data(v)
	for _, s := range segs {
		for i := range s.Len {
			keys := visible(s, i)
			for head := range h.Q {
				at := (s.Start+i)*h.Q + head
				p := probs(row(qd, at, h.D), kd, keys, h, head)
				mix(row(od, at, h.D), p, vd, keys, h, head)
			}
		}
	}
}

// AttentionGrad adds dv[j] = p_j·dout, dq = Σ_j ds_j·k_j, dk[j] = ds_j·q with ds_j = p_j·(dout·v_j − dout·out)/√D.
func (*Backend) AttentionGrad(dq, dk, dv, dout, out, q, k, v compute.Buf, segs []compute.Segment, h compute.Heads) {
	dqd, dkd, dvd, dod, od := Data(dq), Data(dk), Data(dv), Data(dout), Data(out)
	qd, kd, vd := Data(q), Data(k), Data(v)
	scale := 1 / math.Sqrt(float64(h.D))
	for _, s := range segs {
		for i := range s.Len {
			keys := visible(s, i)
			for head := range h.Q {
				at := (s.Start+i)*h.Q + head
				qr, dor := row(qd, at, h.D), row(dod, at, h.D)
				p := probs(qr, kd, keys, h, head)
				mean := dot(dor, row(od, at, h.D))
				for j, key := range keys {
					kv := key*h.KV + head/(h.Q/h.KV)
					ds := p[j] * (dot(dor, row(vd, kv, h.D)) - mean) * scale
					axpy(row(dvd, kv, h.D), p[j], dor)
					axpy(row(dqd, at, h.D), ds, row(kd, kv, h.D))
					axpy(row(dkd, kv, h.D), ds, qr)
				}
			}
		}
	}
}

// visible lists the rows that row i of a segment sees, in the order of their positions.
func visible(s compute.Segment, i int) []int {
	var rows []int
	for j := range s.PrefixLen {
		rows = append(rows, s.Prefix+j)
	}
	for j := range i + 1 {
		rows = append(rows, s.Start+j)
	}
	return rows
}

// probs is softmax(q·k_j/√D) over the rows keys of k.
func probs(q, k []float64, keys []int, h compute.Heads, head int) []float64 {
	p := make([]float64, len(keys))
	most := math.Inf(-1)
	for j, key := range keys {
		p[j] = dot(q, row(k, key*h.KV+head/(h.Q/h.KV), h.D)) / math.Sqrt(float64(h.D))
		most = math.Max(most, p[j])
	}
	sum := 0.0
	for j := range p {
		p[j] = math.Exp(p[j] - most)
		sum += p[j]
	}
	for j := range p {
		p[j] /= sum
	}
	return p
}

// mix is out = Σ_j p_j·v_j.
func mix(out, p, v []float64, keys []int, h compute.Heads, head int) {
	clear(out)
	for j, key := range keys {
		axpy(out, p[j], row(v, key*h.KV+head/(h.Q/h.KV), h.D))
	}
}

func dot(a, b []float64) float64 {
	mustEqual(len(a), len(b))
	s := 0.0
	for i := range a {
		s += a[i] * b[i]
	}
	return s
}

func axpy(y []float64, a float64, x []float64) {
	for i := range y {
		y[i] += a * x[i]
	}
}
