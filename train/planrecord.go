package train

// Learning from a recording of the rollout saves the forward pass of the update, and needs room for every row of the
// step instead of those of a micro-batch.

// chooseRecording records as many layers as fit, the last ones first; the backward pass runs the others again.
func (w *Workload) chooseRecording(p *Plan, room int64) {
	if w.Demonstrations || w.RecordedLayers == 0 || w.Updates > 1 { // most updates would be of other weights
		return
	}
	rows := max(fullRows, w.groupRows())
	if w.MicroBatch > 0 {
		rows = w.MicroBatch
	}
	for n := w.Config.Layers; n >= 1; n-- {
		if w.RecordedLayers > 0 {
			n = w.RecordedLayers
		}
		recording, training := w.recordingBytes(n), w.recordedTrainingBytes(rows)
		if w.Refills {
			training = max(training, w.trainingBytes(rows, p.KeptLayers))
		}
		fits := recording+max(training, p.Rollout) <= room
		if fits && w.recordedCost(rows, n) < w.cost(p.MicroBatchTokens, p.KeptLayers) || w.RecordedLayers > 0 {
			p.RecordedLayers, p.RecordedRows, p.Recording = n, w.Prompts*w.groupRows(), recording
			p.Training, p.MicroBatchTokens = training, rows
			return
		}
	}
}

// recordedCost is cost when the update learns from a recording.
func (w *Workload) recordedCost(rows, layers int) float64 {
	return w.cost(rows, layers) - recordedShare
}

// recordingBytes is the input of every layer, what layers keep, and the last layer's output, of all rows of a step.
func (w *Workload) recordingBytes(layers int) int64 {
	rows := int64(w.Prompts * w.groupRows())
	return rows * (4*int64(w.Config.Hidden) + w.keptRow(layers))
}

// recordedTrainingBytes is trainingBytes when one layer's activations at a time are picked from a recording.
func (w *Workload) recordedTrainingBytes(budget int) int64 {
	rows := int64(min(max(budget, w.groupRows()), w.Prompts*w.groupRows()))
	saved := int64(w.Config.Layers-1) * 4 * int64(w.Config.Hidden) // one layer's input, not every layer's
	return w.trainingBytes(budget, 1) - rows*saved
}

// chooseHeld keeps the deltas of the whole step for the update, and the gradients at the logits, where they fit: the update
// then needn't compute those of a micro-batch again.
func (w *Workload) chooseHeld(p *Plan, room int64) {
	if w.Updates > 1 { // an update's micro-batches are others than the norms'
		return
	}
	if !w.ExactNorms && w.HeadNorms && p.Recording+w.unitBytes()+max(p.Training, p.Rollout) <= room {
		p.Held = w.unitBytes()
	}
	if !w.ExactNorms {
		return
	}
	rows := int64(min(max(p.MicroBatchTokens, w.groupRows()), w.Prompts*w.groupRows()))
	held, training := w.heldBytes(w.Prompts)+w.unitBytes(), p.Training-w.heldBytes(w.groupsOf(rows))
	if p.Recording+held+w.heldLoss()+max(training, p.Rollout) <= room {
		p.Held, p.Training = held, training
	}
}
