package train

import (
	"bufio"
	"encoding"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/burnish-rl/burnish/policy/weights"
	"github.com/burnish-rl/burnish/train/run"
)

// A checkpoint is the model's folder with the trainer's own state below it.
const (
	trainerDir    = "trainer"
	stateFile     = "state.json"
	optimizerFile = "optimizer.safetensors"
	referenceFile = "reference.safetensors" // once it has become the policy of some step
)

// state is what a resumed run needs besides weights and optimizer buffers. It holds no time, so that the same run
// leaves the same bytes.
type state struct {
	Step           int               `json:"step"`
	OptimizerSteps int64             `json:"optimizer_steps"`
	Best           best              `json:"best"`
	Tokens         int64             `json:"trained_tokens"`
	Synced         int               `json:"reference_step,omitempty"` // of the policy that is the reference; 0 is before the run
	Sampler        []byte            `json:"sampler,omitempty"`
	Memories       map[string][]byte `json:"memories,omitempty"` // of other parts, by name; see rememberers
}

// saveUnlessSaved writes a checkpoint of the steps done, unless there is one.
func (t *Trainer) saveUnlessSaved() (bool, error) {
	if step, ok, err := run.Latest(t.Dir); err != nil || ok && step == t.at || t.at == 0 {
		return false, err
	}
	return true, t.save()
}

func (t *Trainer) save() error {
	start := time.Now()
	t.tell(Event{Kind: Phase, Phase: "checkpoint"})
	for _, log := range []*run.Log{t.metrics, t.completions} {
		if err := log.Sync(); err != nil {
			return err
		}
	}
	if err := t.folder.Save(t.at, t.write, t.keep); err != nil {
		return err
	}
	if t.best.Step > 0 {
		if err := t.folder.MarkBest(t.best.Step); err != nil {
			return err
		}
	}
	t.saved = time.Since(start)
	t.tell(Event{Kind: Saved, Text: run.CheckpointDir(t.Dir, t.at)})
	return nil
}

// keep chooses the checkpoints that stay: the newest, and the best. One that an interruption made goes with the next,
// so that the folder ends up as an unbroken run leaves it.
func (t *Trainer) keep(steps []int) []int {
	var planned []int
	for _, s := range steps {
		if t.planned(s) || s == t.at {
			planned = append(planned, s)
		}
	}
	kept := planned[max(0, len(planned)-t.CheckpointKeep):]
	for _, s := range planned {
		if s == t.best.Step {
			kept = append(kept, s)
		}
	}
	return kept
}

// planned says whether an unbroken run saves after this step.
func (t *Trainer) planned(step int) bool {
	return t.CheckpointEvery > 0 && step%t.CheckpointEvery == 0 || step == t.Steps || step == t.best.Step
}

func (t *Trainer) write(dir string) error {
	if err := t.Model.SaveTrained(dir); err != nil {
		return err
	}
	sub := filepath.Join(dir, trainerDir)
	if err := os.MkdirAll(sub, 0o755); err != nil {
		return err
	}
	s := state{Step: t.at, OptimizerSteps: t.optimizer.Count(), Best: t.best, Tokens: t.trainedTokens, Synced: t.synced}
	if m, ok := t.Sampler.(encoding.BinaryMarshaler); ok {
		data, err := m.MarshalBinary()
		if err != nil {
			return fmt.Errorf("sampler: %w", err)
		}
		s.Sampler = data
	}
	var err error
	if s.Memories, err = t.memories(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(sub, stateFile), append(data, '\n'), 0o644); err != nil {
		return err
	}
	if t.synced > 0 {
		if err := t.earlier.Save(filepath.Join(sub, referenceFile)); err != nil {
			return err
		}
	}
	return t.writeOptimizer(filepath.Join(sub, optimizerFile))
}

func (t *Trainer) writeOptimizer(path string) error {
	var tensors []weights.NewTensor
	for _, slot := range t.optimizer.State() {
		p := t.tensors[slot.Param]
		read := func() []float32 { return t.Model.Read(p, slot.Buf) }
		tensors = append(tensors, weights.NewTensor{Name: slot.Name + "/" + p.Name, Shape: p.Shape, Data: read})
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := weights.WriteSafetensors(w, "F32", tensors); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// restore reads the latest checkpoint back and returns its step: -1 when the run had none yet and starts over.
func (t *Trainer) restore() (through int, err error) {
	step, ok, err := run.Latest(t.Dir)
	if err != nil {
		return 0, err
	}
	if !ok {
		return -1, nil
	}
	dir := run.CheckpointDir(t.Dir, step)
	if err := t.restoreFrom(dir, step); err != nil {
		return 0, fmt.Errorf("resume from %s: %w", dir, err)
	}
	return step, t.folder.Settle(step, t.best.Step, t.keep)
}

func (t *Trainer) restoreFrom(dir string, step int) error {
	data, err := os.ReadFile(filepath.Join(dir, trainerDir, stateFile))
	if err != nil {
		return err
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("%s: %w", stateFile, err)
	}
	if s.Step != step {
		return fmt.Errorf("%s: step %d, want %d", stateFile, s.Step, step)
	}
	if m, ok := t.Sampler.(encoding.BinaryUnmarshaler); ok {
		if err := m.UnmarshalBinary(s.Sampler); err != nil {
			return fmt.Errorf("sampler: %w", err)
		}
	}
	if err := t.Model.LoadTrained(dir); err != nil {
		return err
	}
	if t.updates != nil {
		t.updates = newUpdates(t.Seed, t.Model, t.tensors) // of the weights just read
	}
	if err := t.remindAll(s.Memories); err != nil {
		return err
	}
	if err := t.restoreReference(filepath.Join(dir, trainerDir, referenceFile), s.Synced); err != nil {
		return err
	}
	t.at, t.best, t.trainedTokens = s.Step, s.Best, s.Tokens
	t.optimizer.SetCount(s.OptimizerSteps)
	return t.readOptimizer(filepath.Join(dir, trainerDir, optimizerFile))
}

func (t *Trainer) readOptimizer(path string) error {
	slots := t.optimizer.State()
	if len(slots) == 0 {
		return nil
	}
	src, err := weights.OpenSafetensors(path)
	if err != nil {
		return err
	}
	defer src.Close()
	for _, slot := range slots {
		p := t.tensors[slot.Param]
		data, err := src.Tensor(slot.Name+"/"+p.Name, p.Shape...)
		if err != nil {
			return err
		}
		t.Model.Write(p, slot.Buf, data)
	}
	return t.Model.Backend().Sync()
}
