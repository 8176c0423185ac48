package decoder

import (
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
)

// replay runs the groups as generation does (prompts prefilled together, full pages shared, the last page copied for
// each completion, one row a running sequence, finished ones leaving) and gives the logits of every trained token in
// pack's order, [N, V].
func replay(m *Model, groups []group) []float32 {
	b, v := m.b, m.cfg.Vocab
	free := int32(0)
	take := func() int32 { free++; return free - 1 }
	c := m.NewCache(128)
	defer b.FreeCache(c)

	var prompts Packed
	var refs []compute.RowRef
	tables := make([][]int32, len(groups))
	for i, g := range groups {
		prompts.segment(g.prompt, 0, compute.Segment{})
		prompts.Out = append(prompts.Out, int32(len(prompts.IDs)-1))
		for at := range g.prompt {
			if at%compute.Page == 0 {
				tables[i] = append(tables[i], take())
			}
			refs = append(refs, compute.RowRef{Page: tables[i][at/compute.Page], Slot: int32(at % compute.Page)})
		}
	}
	prefilled := m.Prefill(c, prompts, refs)
	first := m.download(prefilled)
	b.Free(prefilled)
	d := m.NewDecoder(c)
	defer d.Close()

	type running struct {
		tokens []int32 // still to be run
		n      int
		table  []int32
		logits []float32
	}
	var all []*running
	for i, g := range groups {
		for _, tokens := range g.completions {
			r := &running{tokens: tokens, n: len(g.prompt), table: append([]int32{}, tables[i]...)}
			r.logits = append(r.logits, first[i*v:(i+1)*v]...)
			if r.n%compute.Page != 0 {
				last := take()
				b.CacheCopy(c, last, r.table[len(r.table)-1])
				r.table[len(r.table)-1] = last
			}
			all = append(all, r)
		}
	}
	for {
		var live []*running
		var ids, pos, n []int32
		var refs []compute.RowRef
		var tables [][]int32
		for _, r := range all {
			if len(r.tokens) == 1 { // the last token is sampled but never run
				continue
			}
			if r.n%compute.Page == 0 {
				r.table = append(r.table, take())
			}
			ids, pos = append(ids, r.tokens[0]), append(pos, int32(r.n))
			refs = append(refs, compute.RowRef{Page: r.table[r.n/compute.Page], Slot: int32(r.n % compute.Page)})
			r.tokens, r.n = r.tokens[1:], r.n+1
			n, tables, live = append(n, int32(r.n)), append(tables, r.table), append(live, r)
		}
		if len(live) == 0 {
			break
		}
		logits := m.download(d.Step(ids, pos, refs, tables, n))
		for i, r := range live {
			r.logits = append(r.logits, logits[i*v:(i+1)*v]...)
		}
	}
	var out []float32
	for _, r := range all {
		out = append(out, r.logits...)
	}
	return out
}

// download reads a buffer.
func (m *Model) download(x compute.Buf) []float32 {
	out := make([]float32, x.Len())
	m.b.Download(out, x)
	return out
}

// TestGenerationHasTrainingsBits: for the same tokens in the same context, the logits and log-probs of generation
// have the bits that training sees, packed with shared prompts or one by one.
func TestGenerationHasTrainingsBits(t *testing.T) {
	eachModel(t, func(t *testing.T, m *Model) {
		groups := drawGroups(m.cfg.Vocab)
		got := replay(m, groups)
		packed := pack(groups)
		if want := m.allLogits(packed, packed.Out); !sameBits(got, want) {
			t.Errorf("logits of decoding differ from the packed batch's by %g", maxDiff(got, want))
		}
		buf := m.b.Alloc(len(got))
		m.b.Upload(buf, got)
		// float32 logits lose bits of ref's float64, so the statistics are compared where the logits are whole
		sampled := m.b.TokenStats(buf, m.cfg.Vocab, 0.7, packed.Target)
		m.b.Free(buf)
		check := func(what string, want []float32) {
			if m.b.Name() == "ref" {
				if d := maxDiff(sampled.LogP, want); d > 1e-6 {
					t.Errorf("%s: log-probs differ by %g", what, d)
				}
			} else if !sameBits(sampled.LogP, want) {
				t.Errorf("%s: log-probs differ by %g, want the same bits", what, maxDiff(sampled.LogP, want))
			}
		}
		pass, err := m.LogProbs(packed, 0.7, false)
		if err != nil {
			t.Fatal(err)
		}
		check("packed", pass.Stats.LogP)
		var one []float32
		for _, p := range alone(groups) {
			pass, err := m.LogProbs(p, 0.7, false)
			if err != nil {
				t.Fatal(err)
			}
			one = append(one, pass.Stats.LogP...)
		}
		check("one by one", one)
	})
}
