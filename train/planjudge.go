package train

import (
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/train/implicit"
)

// Judge is a model that a reward asks.
type Judge struct {
	Config  decoder.Config
	Adapter int64 // elements of its adapter, 0 without
}

// judgeBytes are the models that rewards ask, which only answer.
func (w *Workload) judgeBytes() (n int64) {
	for _, j := range w.Judges {
		frozen := Workload{Config: j.Config, BF16: w.BF16}
		n += frozen.frozenBytes() + 4*j.Adapter
		if w.BF16 {
			n += 2 * j.Adapter
		}
	}
	return n
}

// judgingBytes is the largest forward pass of one of them, with every row's log-prob asked: it comes when the rollout's
// cache is gone.
func (w *Workload) judgingBytes() (most int64) {
	rows := int64(max(implicit.BatchRows, w.PromptTokens+w.MaxTokens))
	for _, j := range w.Judges {
		as := Workload{Config: j.Config, BF16: w.BF16}
		hidden := int64(j.Config.Hidden)
		head := min(rows, int64(j.Config.HeadChunk())) * (4*int64(j.Config.Vocab) + w.actBytes()*hidden)
		most = max(most, 4*hidden*rows+max(rows*as.scratchRow(), head))
	}
	return most
}
