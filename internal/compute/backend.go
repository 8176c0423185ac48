// Package compute is the floor under the policy and the optimizers: buffers and the kernels, forward and
// backward, that a decoder-only transformer is made of. [Backend] is the contract; package cpu implements it
// fast, package ref in plain float64 loops, and package computetest is the suite that every backend passes.
//
// # Shapes
//
// Every activation is a row-major matrix over one flat token axis without padding: R rows, one a token. Axis
// letters are B sequences, T tokens of a sequence, R rows, H hidden, K inner, N outputs, V vocabulary, D head size.
//
// # Bits
//
// A backend promises that a row's result depends on that row's inputs alone: never on the other rows of the call,
// the number of threads, or on whether its keys came from a segment or from the paged cache. Every sum over K runs
// in ascending order with the accumulator loaded; attention sums over keys from position 0 of the sequence; sums
// over a row use [Lanes] partial sums and one fixed tree. Gradients accumulate row by row in flat order on top of
// what the buffer holds, so cutting a batch between prompt groups changes no bit.
//
// Kernels panic on a programmer's error (wrong lengths); the decoder checks shapes once, at load.
package compute

// Lanes is the fixed virtual width of every reduction over a row.
const Lanes = 16

// Buf is a device array of float32 (float64 in package ref). Only the backend that made it may look inside.
type Buf interface{ Len() int }

// Weight is a matrix of N outputs by K inputs, y = x·Wᵀ, in a layout private to the backend. Its Buf is safe for
// elementwise work (optimizers, norms, scaling): padding elements hold 0 and their gradients are 0.
//
// Half, unless nil, is a copy in bf16, and what products and lookups read instead of Data; Data is then the master
// copy of a trained weight, or nil of a frozen one.
type Weight struct {
	N, K int
	Data Buf
	Half Buf
}

// Segment is a run of rows that attend causally to each other, after the rows of an optional shared prefix.
// Row Start+i sees the prefix rows [Prefix, Prefix+PrefixLen) and the rows [Start, Start+i].
type Segment struct {
	Start, Len        int
	Prefix, PrefixLen int // PrefixLen is 0 when there is none
}

// Rows are the rows [From, To) of a buffer.
type Rows struct{ From, To int }

// Heads is the shape of grouped-query attention. Query head h reads key-value head h/(Q/KV).
type Heads struct {
	Q, KV int // numbers of heads, Q a multiple of KV
	D     int // head size, even
}

// Page is the number of token positions in one page of the key-value cache.
const Page = 16

// Cache is a paged key-value cache for all layers of one model.
type Cache interface {
	// Pages is the number of pages; page ids are [0, Pages).
	Pages() int
}

// RowRef says where the key and value of a row go: the page and the place in it, [0, Page).
type RowRef struct{ Page, Slot int32 }

// Stats are what the head gives for each row: the log-prob of its target, the entropy of the distribution in nats,
// and Σ_v p_v². All have length R.
type Stats struct{ LogP, Entropy, SumP2 []float32 }

// Backend is one device. Methods are not safe for concurrent use; a backend parallelises inside a call.
type Backend interface {
	// Name is what a run prints, such as "cpu/avx512".
	Name() string

	// --- memory -----------------------------------------------------------------------------------------

	// Alloc returns n zeros. Free gives a buffer back; using it afterwards is a programmer's error.
	Alloc(n int) Buf
	// AllocUnset returns n elements of unknown content, for who writes all of them before reading one.
	AllocUnset(n int) Buf
	// AllocActs is AllocUnset in the precision that activations are kept in: float32 or bf16. Kernels round what they
	// write there. Products, RoPE, SwiGLU, attention, the output of RMSNorm, Copy and PickRows take such buffers; nothing
	// else does.
	AllocActs(n int) Buf
	Free(Buf)
	// Slice is a view of b[from:to]; it shares memory and is not freed apart.
	Slice(b Buf, from, to int) Buf
	Upload(dst Buf, src []float32)
	Download(dst []float32, src Buf)
	Zero(Buf)
	Copy(dst, src Buf)

	// NewWeight returns an N×K matrix of zeros in the backend's own layout; UploadWeight and DownloadWeight
	// convert from and to row-major [N, K].
	NewWeight(n, k int) Weight
	UploadWeight(w Weight, rowMajor []float32)
	DownloadWeight(rowMajor []float32, w Weight)
	// NewHalf gives room for a weight's bf16 copy, nil where the backend computes in float32. Halve rounds Data to Half,
	// to nearest even.
	NewHalf(n, k int) Buf
	Halve(w Weight)

	// --- matrices ---------------------------------------------------------------------------------------

	// MatMul: y[r,n] = Σ_k x[r,k]·W[n,k], or y += … when add is true (the sum goes on from what y holds).
	// x [R, K], y [R, N].
	MatMul(y, x Buf, w Weight, rows int, add bool)
	// MatMuls is MatMul of one x by several weights, y[i] by w[i], the same bits in one call: y[i] = x·w[i]ᵀ.
	MatMuls(y []Buf, x Buf, w []Weight, rows int)
	// MatMulGradX: dx[r,k] = Σ_n dy[r,n]·W[n,k], or dx += … when add is true.
	MatMulGradX(dx, dy Buf, w Weight, rows int, add bool)
	// MatMulGradW: dW[n,k] += Σ_r dy[r,n]·x[r,k], r ascending. The rows come in runs of these lengths: bf16 adds them two
	// by two from a run's start, so that a batch may be cut between runs without changing a bit.
	MatMulGradW(dw Weight, dy, x Buf, runs []int)

	// GradSquares gives, for each run of rows, the squared norm of what MatMulGradW would add of these rows alone:
	//
	//	out[i] = Σ_{n,k} (Σ_{r in runs[i]} dy[r,n]·x[r,k])²,   dy [R, N], x [R, K]
	//
	// without holding that matrix. Both may be activations; products are in float32, the sum of squares in float64.
	GradSquares(dy, x Buf, n, k int, runs []Rows) []float64

	// Embed: y[r,:] = W[ids[r],:].   W [V, H], y [R, H].
	Embed(y Buf, w Weight, ids []int32)
	// AddRows: W[ids[i],:] += x[i,:], i ascending. ids are distinct.
	AddRows(w Weight, x Buf, ids []int32)
	// GatherAdd: acc[slot[r],:] += x[r,:], r ascending.   x [R, H], acc [*, H].
	GatherAdd(acc, x Buf, slot []int32, width int)

	// --- elementwise and rows ---------------------------------------------------------------------------

	// Add: y += x.   Axpy: y += a·x.   Scale: x *= a.
	Add(y, x Buf)
	Axpy(y Buf, a float32, x Buf)
	Scale(x Buf, a float32)
	// PickRows: y[i,:] = x[rows[i],:].   AddPicked: x[rows[i],:] += y[i,:], rows distinct.   width is H.
	PickRows(y, x Buf, rows []int32, width int)
	AddPicked(x, y Buf, rows []int32, width int)

	// RMSNorm: y[r,h] = g[h]·x[r,h]/sqrt(mean_h x² + eps).   g [H].
	RMSNorm(y, x, g Buf, rows int, eps float32)
	// RMSNormGrad: dx += its gradient, and dg += Σ_r (r ascending) unless dg is nil.
	RMSNormGrad(dx, dg, dy, x, g Buf, rows int, eps float32)

	// RoPE turns pairs (i, i+D/2) of each head of x [R, heads·D] by the angle pos[r]·invFreq[i], both factors
	// and their product in float32; inverse turns back, which is also the gradient.
	RoPE(x Buf, pos []int32, heads, d int, invFreq []float32, inverse bool)

	// SwiGLU: y = gate·σ(gate)·up.   SwiGLUGrad writes dgate and dup.
	SwiGLU(y, gate, up Buf)
	SwiGLUGrad(dgate, dup, dy, gate, up Buf)

	// --- attention --------------------------------------------------------------------------------------

	// Attention: out[r] = softmax(q·kᵀ/√D)·v over the rows each segment says. q, out [R, Q·D], k, v [R, KV·D],
	// positions already turned. A prefix segment comes before the segments that use it and has no prefix itself.
	Attention(out, q, k, v Buf, segs []Segment, h Heads)
	// AttentionGrad: adds to dq, dk, dv. out is Attention's result.
	AttentionGrad(dq, dk, dv, dout, out, q, k, v Buf, segs []Segment, h Heads)

	// NewCache has room for pages·Page positions in each layer. FreeCache gives it back.
	NewCache(layers, pages int, h Heads) Cache
	FreeCache(Cache)
	// CacheWrite stores row r of k and v at refs[r] in one layer. A page's unused slots read as 0.
	CacheWrite(c Cache, layer int, k, v Buf, refs []RowRef)
	// CacheClear zeroes a page in every layer; CacheCopy copies one in every layer.
	CacheClear(c Cache, page int32)
	CacheCopy(c Cache, dst, src int32)
	// CacheAttention: row r of q sees the first n[r] positions of the pages tables[r]. The same bits as Attention.
	CacheAttention(out, q Buf, c Cache, layer int, tables [][]int32, n []int32, h Heads)

	// --- head -------------------------------------------------------------------------------------------

	// TokenStats reads logits [R, V] (rows v long) divided by temperature and gives log-softmax values.
	TokenStats(logits Buf, v int, temperature float32, target []int32) Stats
	// Sample draws a token for each row of logits [R, V]: the first one at which the running sum of the softmax of
	// logits/temperature exceeds u[r], in [0, 1). At temperature 0 it is the largest logit, the first of equals. logp[r] is
	// what TokenStats gives for it, at temperature 1 if that is 0. Of a row with NaN it is any token, and logp is NaN.
	Sample(ids []int32, logp []float32, logits Buf, v int, temperature float32, u []float64)
	// TokenStatsGrad overwrites logits with dlogits for L = Σ_r dlogp[r]·logp_r + dentropy[r]·H_r; dentropy may be nil.
	TokenStatsGrad(logits Buf, v int, temperature float32, target []int32, dlogp, dentropy []float32)

	// --- optimizers -------------------------------------------------------------------------------------

	// SumSquares is Σ x² in float64, in one fixed order.
	SumSquares(x Buf) float64
	// SumAbs is Σ |x| in float64, in one fixed order.
	SumAbs(x Buf) float64
	// AdamSquares is Σ d·x² in float64, in one fixed order, over the elements with v > 0: d = 1/(sqrt(v/c2)+eps) is how far
	// Adam moves for a unit of gradient. It also gives Σ d and the number of those elements.
	AdamSquares(x, v Buf, c2, eps float32) (squares, mass float64, n int)
	// AllFinite is false if any element is NaN or infinite.
	AllFinite(x Buf) bool
	// AdamW is one step of decoupled weight decay: gradient times gscale, bias corrections c1 = 1-β1^t, c2 = 1-β2^t.
	//	m = β1·m + (1-β1)·g;  v = β2·v + (1-β2)·g²;  p -= rate·decay·p;  p -= rate·(m/c1)/(sqrt(v/c2)+eps)
	AdamW(p, g, m, v Buf, o AdamW)
	// SGD: p -= rate·(gscale·g + decay·p), with heavy-ball momentum in m unless m is nil: m = μ·m + g', p -= rate·m.
	SGD(p, g, m Buf, o SGD)

	// Sync waits for the device and returns the first error since the last Sync.
	Sync() error
}

// AdamW holds the scalars of one AdamW step.
type AdamW struct {
	Rate, Beta1, Beta2, Eps, Decay float32
	C1, C2                         float32 // bias corrections, 1-β^t
	GradScale                      float32 // clipping factor, 1 when nothing is clipped
}

// SGD holds the scalars of one SGD step.
type SGD struct{ Rate, Momentum, Decay, GradScale float32 }
