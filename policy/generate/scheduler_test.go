package generate

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/decoder"
)

// text gives every token some bytes, so that stop strings cross token borders; token 0 is special and gives none.
func text(id int32) []byte {
	return [][]byte{nil, []byte("a"), []byte("b"), []byte("c"), []byte("ab"), []byte("\xc3"), []byte("\xa9"), []byte("bca")}[id%8]
}

// TestStopsCutTheSameSequence: a sequence with an end is the one without, cut after the first token that ends it.
func TestStopsCutTheSameSequence(t *testing.T) {
	m, reqs := newModel(t, 2), someRequests()
	o := plain
	o.MaxTokens = 50
	whole := sample(t, m, reqs, o)
	for _, c := range []struct {
		name string
		eos  []int32
		stop []string
	}{
		{name: "eos", eos: []int32{3, 11, 40}},
		{name: "one string", stop: []string{"cab"}},
		{name: "one byte", stop: []string{"c"}},
		{name: "several", stop: []string{"bb", "é", "aabca"}},
		{name: "long and short", stop: []string{"abcabcabcabc", "cc"}},
		{name: "never", stop: []string{"zzz"}},
		{name: "both", eos: []int32{5, 6}, stop: []string{"ca"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := o
			o.EOS, o.Stop, o.Bytes = c.eos, c.stop, text
			got := sample(t, m, reqs, o)
			want := map[place]Sequence{}
			stops := map[Stop]int{}
			for at, s := range whole {
				want[at] = cutAtEnd(s, c.eos, c.stop)
				stops[want[at].Stop]++
			}
			same(t, "cut", got, want)
			if c.name != "never" && stops[StopLength] == len(want) {
				t.Error("nothing was cut, so nothing was tested")
			}
			t.Log(stops)
		})
	}
}

func cutAtEnd(s Sequence, eos []int32, stops []string) Sequence {
	var b []byte
	for i, id := range s.Tokens {
		cut := Sequence{Tokens: s.Tokens[:i+1], LogProbs: s.LogProbs[:i+1]}
		if slices.Contains(eos, id) {
			cut.Stop = StopEOS
			return cut
		}
		b = append(b, text(id)...)
		for _, stop := range stops {
			if bytes.Contains(b, []byte(stop)) {
				cut.Stop = StopString
				return cut
			}
		}
	}
	return s
}

func TestLimits(t *testing.T) {
	m := newModel(t, 2)
	for _, c := range []struct{ prompt, max, want int }{
		{10, 1, 1}, {16, 1, 1}, {10, 7, 7}, {90, 100, 6}, {95, 100, 1}, {1, 1000, 95}, {80, 16, 16}, {79, 17, 17},
	} {
		o := plain
		o.MaxTokens = c.max
		for at, s := range sample(t, m, []Request{{Prompt: drawPrompt(c.prompt, 1), Samples: 2}}, o) {
			if len(s.Tokens) != c.want || len(s.LogProbs) != c.want || s.Stop != StopLength {
				t.Errorf("prompt of %d, at most %d: sample %d has %d tokens (%s), want %d by length", c.prompt, c.max, at.sample, len(s.Tokens), s.Stop, c.want)
			}
		}
	}
}

func TestGreedyIsArgmax(t *testing.T) {
	m, reqs := newModel(t, 2), someRequests()
	o := plain
	o.Temperature = 0
	for at, s := range sample(t, m, reqs, o) {
		ids := slices.Concat(reqs[at.slot].Prompt, s.Tokens)
		p := decoder.Packed{IDs: ids, Segs: []compute.Segment{{Len: len(ids)}}}
		refs := make([]compute.RowRef, len(ids))
		for i := range ids {
			p.Pos = append(p.Pos, int32(i))
			p.Out = append(p.Out, int32(i))
			refs[i] = compute.RowRef{Page: int32(i / compute.Page), Slot: int32(i % compute.Page)}
		}
		cache := m.NewCache(pagesFor(len(ids)))
		buf := m.Prefill(cache, p, refs)
		logits := make([]float32, buf.Len())
		m.Backend().Download(logits, buf)
		m.Backend().Free(buf)
		m.Backend().FreeCache(cache)
		for i, id := range s.Tokens {
			row := logits[(len(reqs[at.slot].Prompt)-1+i)*small.Vocab:][:small.Vocab]
			if best := slices.Index(row, slices.Max(row)); best != int(id) {
				t.Errorf("slot %d, token %d: %d, want %d, the likeliest", at.slot, i, id, best)
			}
		}
	}
}

func TestBadRequests(t *testing.T) {
	m := newModel(t, 1)
	ok := Request{Prompt: drawPrompt(5, 1), Samples: 1}
	for _, c := range []struct {
		name, want string
		req        Request
		change     func(*Options)
	}{
		{"empty prompt", "generate: request 1: an empty prompt", Request{Samples: 1}, nil},
		{"prompt fills the context", "request 1: the prompt has 96 tokens, want fewer than the model's context of 96", Request{Prompt: drawPrompt(96, 1), Samples: 1}, nil},
		{"no samples", "request 1: 0 samples", Request{Prompt: ok.Prompt}, nil},
		{"no tokens", "max_tokens 0", ok, func(o *Options) { o.MaxTokens = 0 }},
		{"empty stop", "an empty stop string", ok, func(o *Options) { o.Stop, o.Bytes = []string{"a", ""}, text }},
		{"decoding", "temperature -1", ok, func(o *Options) { o.Temperature = -1 }},
		{"running", "-3 sequences", ok, func(o *Options) { o.MaxRunning = -3 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := plain
			if c.change != nil {
				c.change(&o)
			}
			if _, err := collect(t, context.Background(), m, []Request{ok, c.req}, o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	if got, err := collect(t, context.Background(), m, nil, plain); err != nil || len(got) != 0 {
		t.Errorf("no requests gave %v, %v", got, err)
	}
}

// TestNaNIsAnError: a weight that became NaN after loading never becomes tokens.
func TestNaNIsAnError(t *testing.T) {
	for _, value := range []float64{math.NaN(), math.Inf(1)} {
		for _, d := range append(transforms, Decoding{}, Decoding{Temperature: 1}) {
			m := newModel(t, 1)
			p := m.Params()[len(m.Params())-1] // the head
			w := m.Read(p, p.Data)
			w[5] = float32(value)
			m.Write(p, p.Data, w)
			if d != (Decoding{}) {
				d.Temperature = 1
			}
			o := plain
			o.Decoding = d
			l := m.Backend().(*ledger)
			before := *l
			got, err := collect(t, context.Background(), m, someRequests(), o)
			if err == nil || !strings.Contains(err.Error(), "not finite") || len(got) > 0 {
				t.Errorf("%v, %+v: %d sequences, error %v", value, d, len(got), err)
			}
			if *l != before {
				t.Errorf("memory is left behind: %d floats, %d caches", l.floats-before.floats, l.caches-before.caches)
			}
		}
	}
}

// TestEndingEarly: a context that ends, and a caller that stops listening, leave no memory behind.
func TestEndingEarly(t *testing.T) {
	m := newModel(t, 1)
	l := m.Backend().(*ledger)
	before := *l
	o := plain
	o.MaxRunning = 4
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	n := 0
	var err error
	for _, e := range Run(ctx, m, someRequests(), o) {
		if err = e; err == nil {
			n++
			cancel(why)
		}
	}
	if !errors.Is(err, why) || n == 0 || n > 4 {
		t.Errorf("%d sequences and error %v, want at most 4 and the context's cause", n, err)
	}
	for range Run(context.Background(), m, someRequests(), o) {
		break
	}
	if *l != before {
		t.Errorf("memory is left behind: %d floats, %d caches", l.floats-before.floats, l.caches-before.caches)
	}
}

// TestSlotsAreFilledAtOnce: with one slot and short sequences beside a long one, the short ones don't wait for it.
func TestSlotsAreFilledAtOnce(t *testing.T) {
	m := newModel(t, 1)
	reqs := []Request{{Prompt: drawPrompt(3, 0), Samples: 1}}
	for i := range 8 { // these end at the context after 5 tokens
		reqs = append(reqs, Request{Prompt: drawPrompt(91, i), Samples: 1, Slot: uint32(i + 1)})
	}
	o := plain
	o.MaxTokens, o.MaxRunning = 60, 2
	s, err := newScheduler(m, reqs, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	steps := 0
	for ; !s.finished(); steps++ {
		if _, err := s.step(); err != nil {
			t.Fatal(err)
		}
	}
	if steps > 60 {
		t.Errorf("%d steps for the longest sequence of 60 tokens, want no more", steps)
	}
}

// TestSampledHearsEveryToken: what is told while sampling is what comes out, in order.
func TestSampledHearsEveryToken(t *testing.T) {
	m, reqs, o := newModel(t, 2), someRequests(), plain
	heard := map[place][]int32{}
	o.Sampled = func(request, n int, id int32) {
		at := place{reqs[request].Slot, n}
		heard[at] = append(heard[at], id)
	}
	for at, s := range sample(t, m, reqs, o) {
		if !slices.Equal(heard[at], s.Tokens) {
			t.Errorf("%v: heard %v, want %v", at, heard[at], s.Tokens)
		}
	}
}
