package generate

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/internal/rng"
)

// keptByFullSort is what the transforms keep, written down plainly: sort everything, then cut.
func keptByFullSort(logits []float32, d Decoding) []int32 {
	weight := make([]float64, len(logits))
	order := make([]int32, len(logits))
	most := slices.Max(logits)
	for i, z := range logits {
		weight[i] = math.Exp((float64(z) - float64(most)) / float64(d.Temperature))
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	if d.TopK > 0 {
		order = order[:min(d.TopK, len(order))]
	}
	if d.TopP > 0 && d.TopP < 1 {
		total, before := 0.0, 0.0
		for _, id := range order {
			total += weight[id]
		}
		n := 0
		for n < len(order) && before < float64(d.TopP)*total {
			before += weight[order[n]]
			n++
		}
		order = order[:max(n, 1)]
	}
	return slices.DeleteFunc(order, func(id int32) bool { return weight[id] < float64(d.MinP) })
}

// pickOne draws as the scheduler does.
func pickOne(b compute.Backend, logits []float32, d Decoding, u float64) int32 {
	if d.keepsSome() {
		var c chooser
		return c.choose(logits, d, u)
	}
	x := b.Alloc(len(logits))
	defer b.Free(x)
	b.Upload(x, logits)
	var id [1]int32
	b.Sample(id[:], make([]float32, 1), x, len(logits), d.Temperature, []float64{u})
	return id[0]
}

// kept is what the chooser keeps, likeliest first.
func kept(logits []float32, d Decoding) []int32 {
	var c chooser
	c.choose(logits, d, 0.5)
	return c.order
}

func drawLogits(n, row int, std float64, steps float64) []float32 {
	out := make([]float32, n)
	for i := range out {
		z := std * rng.Normal(11, rng.Tasks, rng.At{A: uint32(row), B: uint32(i)})
		if steps > 0 {
			z = math.Round(z*steps) / steps // ties
		}
		out[i] = float32(z)
	}
	return out
}

var transforms = []Decoding{
	{TopK: 1}, {TopK: 5}, {TopK: 63}, {TopK: 5000}, {TopP: 0.01}, {TopP: 0.5}, {TopP: 0.93}, {TopP: 0.9999}, {MinP: 0.001},
	{MinP: 0.2}, {MinP: 0.9}, {TopK: 40, TopP: 0.8}, {TopK: 9, TopP: 0.95, MinP: 0.1}, {TopP: 0.7, MinP: 0.05}, {TopK: 3, MinP: 0.5},
}

func TestKeptSetEqualsFullSort(t *testing.T) {
	for i, d := range transforms {
		for row, std := range []float64{0.001, 0.5, 3, 9, 60} {
			for _, steps := range []float64{0, 1, 10} {
				for _, temperature := range []float32{0.3, 1, 2.5} {
					d.Temperature = temperature
					logits := drawLogits(600, 10*i+row, std, steps)
					if got, want := kept(logits, d), keptByFullSort(logits, d); !slices.Equal(got, want) {
						t.Errorf("%+v, std %g, steps %g: %d tokens kept %v, want %d %v", d, std, steps, len(got), head(got), len(want), head(want))
					}
				}
			}
		}
	}
}

func head(ids []int32) []int32 { return ids[:min(len(ids), 8)] }

func TestKeptSetEqualsTransformers(t *testing.T) {
	data, err := os.ReadFile("testdata/kept.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Logits      []float32
		Temperature float32
		TopK        int     `json:"top_k"`
		TopP        float32 `json:"top_p"`
		MinP        float32 `json:"min_p"`
		Ties        bool
		Kept        []int32
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		got := kept(c.Logits, Decoding{c.Temperature, c.TopK, c.TopP, c.MinP})
		if !c.Ties {
			if got := slices.Sorted(slices.Values(got)); !slices.Equal(got, c.Kept) {
				t.Errorf("case %d: kept %v, want %v", i, got, c.Kept)
			}
			continue
		}
		want := len(c.Kept)
		if c.TopK > 0 { // transformers keeps all that tie with the k-th, we the lower ids of them
			want = c.TopK
		}
		slices.SortStableFunc(c.Kept, func(a, b int32) int { return int(c.Logits[b] - c.Logits[a]) })
		if len(got) != want {
			t.Errorf("case %d: kept %v, want %d of %v", i, got, want, c.Kept)
		}
		for j := range got {
			if c.Logits[got[j]] != c.Logits[c.Kept[j]] || j > 0 && c.Logits[got[j]] == c.Logits[got[j-1]] && got[j] < got[j-1] {
				t.Errorf("case %d: kept %v, want ties by lower id", i, got)
			}
		}
	}
}

// TestDraws compares how often each token is drawn with its probability: chi-square at a fixed seed.
func TestDraws(t *testing.T) {
	const draws = 40_000
	b := cpu.New(1)
	logits := drawLogits(20, 1, 1.2, 0)
	for _, d := range []Decoding{{Temperature: 1}, {Temperature: 0.6}, {Temperature: 1.5, TopK: 8}, {Temperature: 1, TopP: 0.8}, {Temperature: 1, MinP: 0.2}, {Temperature: 1.2, TopK: 12, TopP: 0.9, MinP: 0.1}} {
		keep := keptByFullSort(logits, d)
		seen := map[int32]float64{}
		for i := range uint32(draws) {
			seen[pickOne(b, logits, d, rng.Uniform(5, rng.Sampling, rng.At{A: i}))]++
		}
		total := 0.0
		for _, id := range keep {
			total += math.Exp(float64(logits[id]) / float64(d.Temperature))
		}
		chi2, count := 0.0, 0.0
		for _, id := range keep {
			want := draws * math.Exp(float64(logits[id])/float64(d.Temperature)) / total
			chi2 += (seen[id] - want) * (seen[id] - want) / want
			count += seen[id]
		}
		if count != draws {
			t.Errorf("%+v: %g draws are outside the kept set", d, draws-count)
		}
		// Wilson and Hilferty: chi-square/df is about normal in its cube root; 3.3 deviations is 1 in 2,000.
		df := float64(len(keep) - 1)
		if z := (math.Cbrt(chi2/df) - (1 - 2/(9*df))) / math.Sqrt(2/(9*df)); z > 3.3 {
			t.Errorf("%+v: chi-square %.1f over %g degrees of freedom", d, chi2, df)
		}
	}
}

func TestGreedyTakesTheLowestOfEqualIDs(t *testing.T) {
	if got := pickOne(cpu.New(1), []float32{-1, 2, 0, 2, 2}, Decoding{}, 0.99); got != 1 {
		t.Errorf("chose %d, want 1", got)
	}
}

func TestExtremeDraws(t *testing.T) {
	b := cpu.New(1)
	never := float32(math.Inf(-1))
	for _, d := range append(transforms, Decoding{}) {
		d.Temperature = 1
		for _, u := range []float64{0, 0.3, math.Nextafter(1, 0)} {
			if got := pickOne(b, []float32{never, -3, 4, never}, d, u); got != 1 && got != 2 {
				t.Errorf("%+v, u %g: chose %d, a token without probability", d, u, got)
			}
		}
	}
}

func TestRowsThatAreNotFiniteDontPanic(t *testing.T) {
	b := cpu.New(1)
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, d := range append(transforms, Decoding{}) {
		d.Temperature = 1
		for _, logits := range [][]float32{{nan, nan}, {nan, 1}, {1, nan}, {inf, inf}, {-inf, -inf}, {1, inf}} {
			if got := pickOne(b, logits, d, 0.5); got < 0 || int(got) >= len(logits) {
				t.Errorf("%+v of %v: chose %d", d, logits, got)
			}
		}
	}
}

func TestDecodingValidate(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		d    Decoding
		want string
	}{
		{Decoding{Temperature: -1}, "temperature -1"}, {Decoding{Temperature: nan}, "temperature NaN"}, {Decoding{Temperature: 1e-9}, "temperature 1e-09"},
		{Decoding{Temperature: float32(math.Inf(1))}, "temperature +Inf"}, {Decoding{TopK: -1}, "top_k -1"}, {Decoding{TopP: 1.1}, "top_p 1.1"},
		{Decoding{TopP: nan}, "top_p NaN"}, {Decoding{MinP: 1}, "min_p 1"}, {Decoding{MinP: -0.1}, "min_p -0.1"},
	} {
		if err := c.d.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", c.d, err, c.want)
		}
	}
	if err := (Decoding{Temperature: LeastTemperature, TopK: 3, TopP: 1, MinP: 0.99}).Validate(); err != nil {
		t.Error(err)
	}
}

// TestLogProbAmongTheKept: what the chooser says of its token is the log of its share among the kept ones.
func TestLogProbAmongTheKept(t *testing.T) {
	for i, d := range transforms {
		d.Temperature = 0.8
		logits := drawLogits(300, 40+i, 2, 0)
		keep := keptByFullSort(logits, d)
		mass := 0.0
		for _, id := range keep {
			mass += math.Exp(float64(logits[id]) / 0.8)
		}
		for _, u := range []float64{0, 0.4, 0.97} {
			var c chooser
			id := c.choose(logits, d, u)
			want := float64(logits[id])/0.8 - math.Log(mass)
			if math.Abs(float64(c.logp)-want) > 1e-5 {
				t.Errorf("%+v: log-prob %v of token %d, want %v", d, c.logp, id, want)
			}
		}
	}
}
