package policy

import "github.com/burnish-rl/burnish/internal/compute"

// Metric is the squared norm of a parameter's gradient, which lies in g; nil is the plain one, Σ g².
type Metric func(p *Param, g compute.Buf) float64

// GradStats measures the gradients of a step's prompt groups one by one, from which package algos/snr estimates signal and
// noise. Between [GradStats.Begin] and [GradStats.Finish], a call of [GradStats.Add] follows the backward passes of each
// group. It holds one extra gradient, in which a group's is made before it is added to the step's.
type GradStats struct {
	m      *Model
	params []*Param
	step   []compute.Buf // the parameters' own gradients
	group  []compute.Buf
	metric Metric
	norms  GradNorms
}

// GradNorms are sums over all trained parameters, in float64 and before any clipping. The groups' gradients are as they
// were added up, so a mean over the step's K groups has already divided them by K.
type GradNorms struct {
	Groups  int     // K
	Squares float64 // Σ_k |g_k|² in the metric
	Sum     float64 // |Σ_k g_k|² in the metric
	Plain   float64 // |Σ_k g_k|²
}

// NewGradStats makes room for the extra gradient; call EnableGrads before.
func (m *Model) NewGradStats() *GradStats {
	s := &GradStats{m: m}
	for _, p := range m.Params() {
		if p.Trainable {
			s.params = append(s.params, p)
			s.step = append(s.step, p.Grad)
			s.group = append(s.group, m.Backend().Alloc(p.Grad.Len()))
		}
	}
	return s
}

// Begin starts a step. It follows ZeroGrads.
func (s *GradStats) Begin(metric Metric) {
	s.metric, s.norms = metric, GradNorms{}
	for i, p := range s.params {
		s.m.Backend().Zero(s.group[i])
		p.Grad = s.group[i]
	}
}

// Add takes the gradient of a group: of everything since the last Add. A group that teaches nothing is added too.
func (s *GradStats) Add() error {
	b := s.m.Backend()
	if err := s.m.FinishGrads(); err != nil {
		return err
	}
	for i, p := range s.params {
		s.norms.Squares += s.squares(p, s.group[i])
		b.Add(s.step[i], s.group[i])
		b.Zero(s.group[i])
	}
	s.norms.Groups++
	return nil
}

// Finish gives the parameters their gradients, the sum of what was added, and the norms. After a failed step it must be
// called too.
func (s *GradStats) Finish() (GradNorms, error) {
	b := s.m.Backend()
	for i, p := range s.params {
		p.Grad = s.step[i]
		plain := b.SumSquares(p.Grad)
		s.norms.Plain += plain
		if s.metric != nil {
			plain = s.metric(p, p.Grad)
		}
		s.norms.Sum += plain
	}
	return s.norms, b.Sync()
}

func (s *GradStats) squares(p *Param, g compute.Buf) float64 {
	if s.metric == nil {
		return s.m.Backend().SumSquares(g)
	}
	return s.metric(p, g)
}

// Free gives the extra gradient back, within a step too.
func (s *GradStats) Free() {
	for i, g := range s.group {
		s.params[i].Grad = s.step[i]
		s.m.Backend().Free(g)
	}
	s.group = nil
}
