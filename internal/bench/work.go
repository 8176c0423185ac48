package bench

import "github.com/burnish-rl/burnish/policy/decoder"

// products is the number of multiply-adds of the layers' matrices for one token; those of the head are hidden·vocabulary.
func products(c decoder.Config) float64 {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	return float64(c.Layers) * float64(c.Hidden*(2*q+2*kv)+3*c.Hidden*c.Inner)
}

// pairs is the number of (query, key) pairs of a row of n tokens after a prefix of that many.
func pairs(prefix, n int) float64 { return float64(n)*float64(prefix) + float64(n)*float64(n+1)/2 }

// forwardFlops is the floating-point operations of a forward pass: so many rows through the layers, so many of them
// through the head, so many pairs in the attention. A multiply-add counts as two.
func forwardFlops(c decoder.Config, rows, heads int, pairs float64) float64 {
	attention := 2 * 2 * float64(c.Layers*c.Heads*c.HeadDim) * pairs // scores, then values
	return 2*products(c)*float64(rows) + 2*float64(c.Hidden*c.Vocab)*float64(heads) + attention
}

// backwardFlops is those of the backward pass: every product twice, without the gradient of the weights once;
// attention two and a half times. What is computed again to save memory doesn't count: it is a cost, not work.
func backwardFlops(c decoder.Config, rows, heads int, pairs float64, frozen bool) float64 {
	times := 2.0
	if frozen {
		times = 1
	}
	attention := 2 * 2 * float64(c.Layers*c.Heads*c.HeadDim) * pairs
	return times*(2*products(c)*float64(rows)+2*float64(c.Hidden*c.Vocab)*float64(heads)) + 2.5*attention
}

// weightBytes is what a step of decoding must read at least: every matrix once.
func weightBytes(c decoder.Config, perElement int) float64 {
	return float64(perElement) * (products(c) + float64(c.Hidden*c.Vocab))
}

// cacheBytes is the keys and values of one position.
func cacheBytes(c decoder.Config, perElement int) float64 {
	return float64(2 * c.Layers * c.KVHeads * c.HeadDim * perElement)
}
