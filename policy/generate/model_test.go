package generate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/internal/rng"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// small is a model whose samples differ from each other: its weights are large.
var small = decoder.Config{ModelType: "llama", Hidden: 32, Inner: 48, Layers: 2, Heads: 4, KVHeads: 2, HeadDim: 8, Vocab: 67,
	MaxPositions: 96, NormEps: 1e-5, RopeTheta: 10000, InitStd: 0.4, BOS: decoder.NoToken, PAD: decoder.NoToken}

// ledger counts the floats of live buffers and the live caches.
type ledger struct {
	compute.Backend
	floats, caches int
}

func (l *ledger) Alloc(n int) compute.Buf      { l.floats += n; return l.Backend.Alloc(n) }
func (l *ledger) AllocUnset(n int) compute.Buf { l.floats += n; return l.Backend.AllocUnset(n) }
func (l *ledger) AllocActs(n int) compute.Buf  { l.floats += n; return l.Backend.AllocActs(n) }
func (l *ledger) Free(b compute.Buf)           { l.floats -= b.Len(); l.Backend.Free(b) }

func (l *ledger) NewCache(layers, pages int, h compute.Heads) compute.Cache {
	l.caches++
	return l.Backend.NewCache(layers, pages, h)
}

func (l *ledger) FreeCache(c compute.Cache) { l.caches--; l.Backend.FreeCache(c) }

func newModel(t testing.TB, threads int) *decoder.Model {
	t.Helper()
	m, err := decoder.New(small, &ledger{Backend: cpu.New(threads)}, decoder.RandomSource(small, 4))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func drawPrompt(n, which int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32(rng.Intn(12, rng.Tasks, rng.At{A: uint32(which), B: uint32(i)}, small.Vocab))
	}
	return out
}

// someRequests has prompts on both sides of a page's end, each with three samples.
func someRequests() []Request {
	var reqs []Request
	for i, n := range []int{1, 15, 16, 17, 40, 32, 7} {
		reqs = append(reqs, Request{Prompt: drawPrompt(n, i), Samples: 3, Slot: uint32(i)})
	}
	return reqs
}

type place struct {
	slot   uint32
	sample int
}

// sample runs the requests and gives every sequence by its place. It fails when pages leak, when a step doesn't move
// anything, or when memory is left behind.
func sample(t testing.TB, m *decoder.Model, reqs []Request, o Options) map[place]Sequence {
	t.Helper()
	l := m.Backend().(*ledger)
	before := *l
	s, err := newScheduler(m, reqs, o)
	if err != nil {
		t.Fatal(err)
	}
	out := map[place]Sequence{}
	for !s.finished() {
		if len(s.running) > s.o.MaxRunning {
			t.Fatalf("%d sequences run, want at most %d", len(s.running), s.o.MaxRunning)
		}
		pending, ready := len(s.pending), len(s.ready)
		done, err := s.step()
		if err != nil {
			t.Fatal(err)
		}
		if len(done) == 0 && len(s.running) == 0 && len(s.pending) == pending && len(s.ready) == ready {
			t.Fatalf("nothing moves: %d pages free, %d reserved, %d prompts ready, %d pending", len(s.pool.free), s.reserved, ready, pending)
		}
		for _, q := range done {
			at := place{reqs[q.Request].Slot, q.Sample}
			if _, twice := out[at]; twice {
				t.Fatalf("request %d, sample %d came twice", q.Request, q.Sample)
			}
			out[at] = q
		}
	}
	if len(s.pool.free) != s.cache.Pages() || s.reserved != 0 || slices.ContainsFunc(s.pool.refs, func(n int) bool { return n != 0 }) {
		t.Errorf("%d of %d pages are free, %d reserved at the end", len(s.pool.free), s.cache.Pages(), s.reserved)
	}
	s.close()
	if *l != before {
		t.Errorf("memory is left behind: %d floats, %d caches", l.floats-before.floats, l.caches-before.caches)
	}
	want := 0
	for _, r := range reqs {
		want += r.Samples
	}
	if len(out) != want {
		t.Errorf("%d samples, want %d", len(out), want)
	}
	return out
}

// same compares what both have, bit by bit.
func same(t *testing.T, what string, got, want map[place]Sequence) {
	t.Helper()
	for at, g := range got {
		w := want[at]
		if !slices.Equal(g.Tokens, w.Tokens) || g.Stop != w.Stop {
			t.Errorf("%s: slot %d, sample %d: tokens %v (%s), want %v (%s)", what, at.slot, at.sample, g.Tokens, g.Stop, w.Tokens, w.Stop)
			continue
		}
		for i := range g.LogProbs {
			if math.Float32bits(g.LogProbs[i]) != math.Float32bits(w.LogProbs[i]) {
				t.Errorf("%s: slot %d, sample %d, token %d: log-prob %v, want %v", what, at.slot, at.sample, i, g.LogProbs[i], w.LogProbs[i])
				break
			}
		}
	}
}

var plain = Options{Decoding: Decoding{Temperature: 1}, MaxTokens: 21, Seed: 9, Step: 2}

// TestSamplesDependOnTheirPlaceAlone: not on how many run, in which order they were asked for, what runs beside them,
// how many threads there are, or how small the cache is.
func TestSamplesDependOnTheirPlaceAlone(t *testing.T) {
	for _, d := range []Decoding{{Temperature: 1}, {Temperature: 0.7, TopK: 30, TopP: 0.95, MinP: 0.01}} {
		o := plain
		o.Decoding = d
		m, reqs := newModel(t, 2), someRequests()
		want := sample(t, m, reqs, o)
		for _, running := range []int{1, 2, 7, 128} {
			o.MaxRunning = running
			for _, pages := range []int{0, 1, 12} {
				o.pages = pages
				same(t, fmt.Sprintf("%d running, %d pages", running, pages), sample(t, m, reqs, o), want)
			}
		}
		o.pages = 0
		back := slices.Clone(reqs)
		slices.Reverse(back)
		same(t, "reversed", sample(t, m, back, o), want)
		for i, r := range reqs {
			same(t, "alone", sample(t, m, reqs[i:i+1], o), want)
			r.Samples = 1
			same(t, "one sample", sample(t, m, []Request{r}, o), want)
		}
		for _, threads := range []int{1, 3} {
			same(t, fmt.Sprintf("%d threads", threads), sample(t, newModel(t, threads), reqs, o), want)
		}
	}
}

func TestPlaceChangesTheDraws(t *testing.T) {
	m, prompt := newModel(t, 2), drawPrompt(9, 1)
	base := sample(t, m, []Request{{Prompt: prompt, Samples: 2, Slot: 0}, {Prompt: prompt, Samples: 2, Slot: 1}}, plain)
	seen := map[string]place{}
	note := func(at place, s Sequence) {
		key := fmt.Sprint(s.Tokens)
		if other, twice := seen[key]; twice {
			t.Errorf("%v and %v have the same tokens", at, other)
		}
		seen[key] = at
	}
	for at, s := range base {
		note(at, s)
	}
	for _, change := range []func(*Options){func(o *Options) { o.Seed++ }, func(o *Options) { o.Step++ }} {
		o := plain
		change(&o)
		for at, s := range sample(t, m, []Request{{Prompt: prompt, Samples: 1}}, o) {
			note(at, s)
		}
	}
}

// TestSmallCaches mixes lengths, sample counts and slots in caches that hold little more than one sequence.
func TestSmallCaches(t *testing.T) {
	m := newModel(t, 2)
	draw := func(i, j, n int) int { return rng.Intn(1, rng.Tasks, rng.At{A: uint32(i), B: uint32(j), C: 7}, n) }
	for i := range 12 {
		var reqs []Request
		for j := range 1 + draw(i, 100, 9) {
			reqs = append(reqs, Request{Prompt: drawPrompt(1+draw(i, j, 90), j), Samples: 1 + draw(i, j+50, 6), Slot: uint32(j)})
		}
		o := plain
		o.MaxTokens = 1 + draw(i, 101, 12)
		want := sample(t, m, reqs, o)
		for _, pages := range []int{1, 7, 9} {
			o.pages, o.MaxRunning = pages, 1+draw(i, 102, 9)
			same(t, fmt.Sprintf("case %d, %d pages", i, pages), sample(t, m, reqs, o), want)
		}
	}
}

// TestPromptsAreComputedOnce counts the decoder rows: each prompt once, and every token of a sample but its last.
func TestPromptsAreComputedOnce(t *testing.T) {
	m := newModel(t, 2)
	for _, running := range []int{1, 5, 128} {
		computed, want := 1000, 1000
		o := plain
		o.MaxRunning, o.Computed = running, &computed
		reqs := someRequests()
		for _, s := range sample(t, m, reqs, o) {
			want += len(s.Tokens) - 1
		}
		for _, r := range reqs {
			want += len(r.Prompt)
		}
		if computed != want {
			t.Errorf("%d running: %d rows computed, want %d", running, computed, want)
		}
	}
}

func TestManyPromptRowsAreCutIntoCalls(t *testing.T) {
	m := newModel(t, 2)
	var reqs []Request
	for i := range 60 { // 4,800 rows
		reqs = append(reqs, Request{Prompt: drawPrompt(80, i), Samples: 1, Slot: uint32(i)})
	}
	o := plain
	o.MaxTokens = 3
	got := sample(t, m, reqs, o)
	same(t, "alone", sample(t, m, reqs[59:], o), got)
}

func collect(t *testing.T, ctx context.Context, m *decoder.Model, reqs []Request, o Options) (out []Sequence, err error) {
	t.Helper()
	for s, e := range Run(ctx, m, reqs, o) {
		if e != nil {
			return out, e
		}
		out = append(out, s)
	}
	return out, nil
}
