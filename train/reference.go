package train

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/burnish-rl/burnish/policy"
)

// The reference is the policy as it stood when the stage began: a second model, or the adapter switched off where it was
// attached to that policy. Its log-probs of answers that come with the data don't depend on the run, so they are kept on
// disk, for later epochs, for a resumed run, and for other runs from the same policy.

// reference fills in the batch's log-probs under the reference.
func (t *Trainer) reference(ctx context.Context, b *batch) error {
	if !t.Algo.Needs().Reference {
		return nil
	}
	defer b.time("reference")()
	t.tell(Event{Kind: Phase, Phase: "reference"})
	var err error
	b.ref, err = t.scoreReference(ctx, b)
	return err
}

// scoreReference gives the reference's log-probs of all trained tokens, rows in order.
func (t *Trainer) scoreReference(ctx context.Context, b *batch) ([]float64, error) {
	out := make([]float64, 0, b.tokens())
	for _, mb := range b.cut(t.MicroBatchTokens, false) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		logp, err := t.referenceOf(mb)
		if err != nil {
			return nil, err
		}
		for _, v := range logp {
			out = append(out, float64(v))
		}
	}
	return out, nil
}

// referenceOf takes a micro-batch from what is kept, if all of it is there, and keeps what is not.
func (t *Trainer) referenceOf(mb microBatch) ([]float32, error) {
	if t.kept == nil {
		return t.computeReference(mb)
	}
	rows := mb.rows[mb.from:mb.to]
	keys := make([]rowKey, len(rows))
	var out []float32
	found := 0
	for i, r := range rows {
		keys[i] = keyOf(mb.prompts[r.group], r)
		logp, ok, err := t.kept.get(keys[i], r.trained)
		if err != nil {
			return nil, err
		}
		if ok {
			found++
			out = append(out, logp...)
		}
	}
	if found == len(rows) {
		return out, nil
	}
	logp, err := t.computeReference(mb)
	if err != nil {
		return nil, err
	}
	at := 0
	for i, r := range rows {
		if err := t.kept.put(keys[i], logp[at:at+r.trained]); err != nil {
			t.tell(Event{Kind: Note, Text: fmt.Sprintf("log-probs of the reference are no longer kept: %v", err)})
			t.kept.giveUp()
		}
		at += r.trained
	}
	return logp, nil
}

func (t *Trainer) computeReference(mb microBatch) ([]float32, error) {
	tokens, err := t.referenceLogProbs(mb.pack(t.Decoding))
	if err != nil {
		return nil, err
	}
	defer tokens.Release()
	return tokens.LogP, nil
}

func (t *Trainer) referenceLogProbs(b policy.Batch) (*policy.Tokens, error) {
	if t.earlier != nil {
		return t.earlier.LogProbs(b)
	}
	if t.Reference != nil {
		return t.Reference.LogProbs(b, false)
	}
	return t.Model.LogProbsWithoutAdapter(b)
}

// openKept opens what is kept of the reference, unless answers are new in every step. It must be called while the model
// is the one that the run starts from.
func (t *Trainer) openKept() (err error) {
	if t.Cache == "" || !t.Algo.Needs().Reference || t.Sampled() {
		return nil
	}
	var weights [sha256.Size]byte
	if t.Reference != nil {
		weights = t.Reference.Fingerprint()
	} else {
		weights = t.Model.FingerprintWithoutAdapter()
	}
	// Tokenizer, template and truncation have gone into the ids, which are each row's key.
	sum := sha256.Sum256(fmt.Appendf(nil, "reference 1\n%x\ntemperature %v\n", weights, t.Decoding.LogProbTemperature()))
	key := hex.EncodeToString(sum[:])
	t.kept, err = openRowCache(filepath.Join(t.Cache, "reference-v1", key[:32]+".rows"), key)
	if errors.Is(err, errInUse) {
		t.tell(Event{Kind: Note, Text: "another run is writing the log-probs of this reference; this one reads what is there and keeps no more"})
		return nil
	}
	if err != nil {
		t.tell(Event{Kind: Note, Text: fmt.Sprintf("log-probs of the reference are not kept: %v", err)})
		t.kept = nil
	}
	return nil
}
