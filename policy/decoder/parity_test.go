package decoder

import "testing"

// Limits against transformers in float32. bf16 keeps 8 bits of a number.
const (
	logitLimit = 1e-4 // absolute; log-probs and entropies too
	gradLimit  = 1e-4 // of the tensor's largest gradient

	halfLogitLimit, halfGradLimit = 0.1, 0.1
)

func TestParityWithTransformers(t *testing.T) {
	for name, b := range everyBackend() {
		for _, file := range []string{"tied", "untied", "long"} {
			t.Run(name+"/"+file, func(t *testing.T) {
				g := readGolden(t, file)
				src := g
				if file == "long" {
					src = readGolden(t, "tied")
				}
				logits, grads, worst, err := g.compare(g.cfg, b, src)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("logits %.2g, gradients %.2g (%s)", logits, grads, worst)
				logitLimit, gradLimit := logitLimit, gradLimit
				if isHalf(b) {
					logitLimit, gradLimit = halfLogitLimit, halfGradLimit
				}
				if logits > logitLimit || grads > gradLimit {
					t.Errorf("logits are off by %.3g, gradient of %s by %.3g, want at most %g and %g", logits, worst, grads, logitLimit, gradLimit)
				}
			})
		}
	}
}
