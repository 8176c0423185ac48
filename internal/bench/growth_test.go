package bench

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/policy/decoder"
)

func points() []GrowthPoint {
	at := func(w Work, threads, x int, v float64) GrowthPoint {
		return GrowthPoint{Work: w, Threads: threads, X: x, PerSecond: SpreadOf([]float64{v}), Run: Run{PeakRSS: 12e6}}
	}
	return []GrowthPoint{
		at(Decoding, 2, 1, 50), at(Decoding, 2, 64, 12345), at(Decoding, 1, 1, 30.5), at(Training, 1, 128, 70), at(Training, 2, 128, 130),
	}
}

func TestGrowthTable(t *testing.T) {
	const want = `| decoding: sequences together | 1 thread | 2 threads | peak memory |
| ---: | ---: | ---: | ---: |
| 1 | 30.5 | 50 | 12 MB |
| 64 | - | 12,345 | 12 MB |

| training (SFT, all weights): tokens of a sequence | 1 thread | 2 threads | peak memory |
| ---: | ---: | ---: | ---: |
| 128 | 70 | 130 | 12 MB |

`
	if got := GrowthTable(points()); got != want {
		t.Errorf("table:\n%s\nwant:\n%s", got, want)
	}
}

// The picture is well-formed and has every point: two lines of two kinds with one point each, one line with two.
func TestGrowthPicture(t *testing.T) {
	svg := GrowthPicture(points())
	d := xml.NewDecoder(strings.NewReader(svg))
	circles := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			circles++
		}
	}
	if circles != len(points()) || strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
		t.Errorf("%d circles, want %d, and finite numbers only:\n%s", circles, len(points()), svg)
	}
	if got := GrowthPicture(nil); strings.Contains(got, "circle") || !strings.Contains(got, "</svg>") {
		t.Errorf("a picture of nothing: %s", got)
	}
}

func TestSpread(t *testing.T) {
	if got := SpreadOf([]float64{4, 1, 2, 8}); got != (Spread{3, 1, 8, 4}) {
		t.Errorf("spread %+v, want median 3 of 1 to 8", got)
	}
	if got := SpreadOf([]float64{2, 4}).Per(8); got.Min != 2 || got.Max != 4 || got.N != 2 {
		t.Errorf("8 a spread of 2 to 4: %+v, want 2 to 4", got)
	}
}

// What was measured before the context ended stays, and the measurement that it cut short is no error.
func TestRepeatEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	counted := 0
	err := repeat(ctx, 10, func(counts bool) error {
		if counts {
			counted++
		}
		if counted == 2 {
			cancel()
			return ctx.Err()
		}
		return nil
	})
	if err != nil || counted != 2 {
		t.Errorf("error %v after %d repeats, want none after 2", err, counted)
	}
	broken := errors.New("broken")
	if err := repeat(context.Background(), 3, func(bool) error { return broken }); err != broken {
		t.Errorf("error %v, want the measurement's own", err)
	}
}

// The work of SmolLM2's shape as the paper counts it: 2 operations a weight and token, three times that with gradients.
func TestFlopsAreTwiceTheWeights(t *testing.T) {
	c := decoder.Config{Hidden: 576, Inner: 1536, Layers: 30, Heads: 9, KVHeads: 3, HeadDim: 64, Vocab: 49152}
	const weights = 134_479_872 // 134,515,008 parameters less 61 norms of 576
	if got := forwardFlops(c, 10, 10, 0); got != 2*10*weights {
		t.Errorf("forward %g, want %g", got, 2.0*10*weights)
	}
	if got := backwardFlops(c, 10, 10, 0, false); got != 4*10*weights {
		t.Errorf("backward %g, want %g", got, 4.0*10*weights)
	}
	if got, want := weightBytes(c, 4), 4.0*weights; got != want {
		t.Errorf("bytes %g, want %g", got, want)
	}
	if got := pairs(3, 4); got != 4*3+1+2+3+4 {
		t.Errorf("pairs %g, want 22", got)
	}
}

func TestNiceStep(t *testing.T) {
	for _, c := range [][2]float64{{0.9, 1}, {1, 1}, {1.1, 2}, {30, 50}, {51, 100}, {0.003, 0.005}} {
		if got := niceStep(c[0]); got != c[1] {
			t.Errorf("niceStep(%v) = %v, want %v", c[0], got, c[1])
		}
	}
}
