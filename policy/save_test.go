package policy

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/policy/adapter"
)

func save(t testing.TB, m *Model, dtype string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "saved")
	if err := m.Save(dir, dtype); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSaveAndOpenGiveTheSameBits, whatever the model was opened from.
func TestSaveAndOpenGiveTheSameBits(t *testing.T) {
	for _, m := range []*Model{newModel(t, 2), open(t, "testdata/tiny-hf"), open(t, "testdata/tiny.gguf")} {
		b := someBatch()
		if m.From() != "new" {
			b = readGolden(t).batch()
		}
		again := open(t, save(t, m, "F32"))
		if !sameBits(logProbs(t, again, b), logProbs(t, m, b)) {
			t.Errorf("%s: other log-probs after Save and Open", m.From())
		}
		if a, b := again.EndTokens(), m.EndTokens(); len(a) == 0 || len(a) != len(b) || again.end != m.end {
			t.Errorf("%s: end tokens %v, want %v", m.From(), a, b)
		}
		ms := []Message{{Role: "user", Content: "1 + 1 <"}}
		got, _, err := again.Render(ms, true)
		want, _, werr := m.Render(ms, true)
		if m.HasTemplate() && (err != nil || werr != nil || got != want) {
			t.Errorf("%s: rendered %q (%v), want %q (%v)", m.From(), got, err, want, werr)
		}
	}
}

// TestSaveKeepsTheSideFiles: what was read beside the weights is written byte for byte.
func TestSaveKeepsTheSideFiles(t *testing.T) {
	dir := save(t, open(t, "testdata/tiny-hf"), "F32")
	for _, name := range []string{configFile, generationFile, tokenizerFile, tokenizerConfig, templateFile, weightsFile} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		want, werr := os.ReadFile(filepath.Join("testdata/tiny-hf", name))
		if err != nil || werr != nil {
			t.Fatal(err, werr)
		}
		if name == weightsFile { // ours has its own order of tensors
			if len(got) < len(want)/2 {
				t.Errorf("%s: %d bytes, theirs has %d", name, len(got), len(want))
			}
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestSaveRounds: BF16 and F16 round every weight to nearest, and stay so the second time.
func TestSaveRounds(t *testing.T) {
	m := newModel(t, 2)
	exact := logProbs(t, m, someBatch())
	for dtype, tolerance := range map[string]float64{"BF16": 0.5, "F16": 0.05} {
		dir := save(t, m, dtype)
		rounded := open(t, dir)
		got := logProbs(t, rounded, someBatch())
		if sameBits(got, exact) {
			t.Errorf("%s: nothing was rounded", dtype)
		}
		for i := range got {
			if d := math.Abs(float64(got[i] - exact[i])); d > tolerance {
				t.Errorf("%s: token %d: log-prob %v, want about %v", dtype, i, got[i], exact[i])
			}
		}
		if !sameBits(logProbs(t, open(t, save(t, rounded, dtype)), someBatch()), got) {
			t.Errorf("%s: rounding twice is not rounding once", dtype)
		}
	}
	if err := m.Save(t.TempDir(), "Q8"); err == nil || !strings.Contains(err.Error(), "Q8") {
		t.Errorf("dtype Q8: error %v", err)
	}
}

// TestAdapterFolder: an adapter saved on a saved base is opened with it, to the bit; merged it is near.
func TestAdapterFolder(t *testing.T) {
	base := save(t, newModel(t, 2), "F32")
	m := withAdapter(t, open(t, base))
	want := logProbs(t, m, someBatch())
	dir := t.TempDir()
	if err := m.SaveTrained(dir); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(dir, weightsFile)) || exists(filepath.Join(dir, configFile)) {
		t.Error("the base was written too")
	}
	again := open(t, dir)
	if !sameBits(logProbs(t, again, someBatch()), want) {
		t.Error("other log-probs after SaveTrained and Open")
	}
	if again.Adapter() == nil || again.Adapter().Rank != 3 || again.From() != dir || again.CanSwitchAdapterOff() {
		t.Errorf("adapter %+v, from %s, off %v: its base is not where this stage began", again.Adapter(), again.From(), again.CanSwitchAdapterOff())
	}
	merged := open(t, save(t, m, "F32"))
	if merged.Adapter() != nil {
		t.Error("the merged model has an adapter")
	}
	got := logProbs(t, merged, someBatch())
	for i := range got {
		if math.Abs(float64(got[i]-want[i])) > 1e-3 {
			t.Errorf("token %d: merged log-prob %v, want about %v", i, got[i], want[i])
		}
	}
	if sameBits(want, logProbs(t, open(t, base), someBatch())) {
		t.Error("the adapter changes nothing, so nothing was tested")
	}
}

func TestAdapterErrors(t *testing.T) {
	m := newModel(t, 1)
	if err := m.SaveAdapter(t.TempDir()); err == nil {
		t.Error("a model without an adapter saved one")
	}
	if err := m.AttachLoRA(adapter.LoRA{Rank: 0, Alpha: 1, Targets: []string{adapter.AllLinear}}, 1); err == nil || m.Adapter() != nil {
		t.Errorf("rank 0: error %v", err)
	}
	withAdapter(t, m)
	if err := m.AttachLoRA(everywhere, 1); err == nil || !strings.Contains(err.Error(), "already has an adapter") {
		t.Errorf("a second adapter: error %v", err)
	}
}

// TestLoadTrained puts the weights of a checkpoint into a model of the same shape: all of them, or the adapter's.
func TestLoadTrained(t *testing.T) {
	for _, lora := range []bool{false, true} {
		make := func(std float64) *Model {
			m := newModel(t, 2)
			if lora {
				withAdapter(t, m)
				shake(m, adapter.Params(m.dec), std)
			} else {
				shake(m, m.Params(), std)
			}
			return m
		}
		trained, fresh := make(0.1), make(0)
		dir := t.TempDir()
		if err := trained.SaveTrained(dir); err != nil {
			t.Fatal(err)
		}
		want := logProbs(t, trained, someBatch())
		if sameBits(logProbs(t, fresh, someBatch()), want) {
			t.Fatal("both models are the same, so nothing is tested")
		}
		if err := fresh.LoadTrained(dir); err != nil {
			t.Fatal(err)
		}
		if !sameBits(logProbs(t, fresh, someBatch()), want) {
			t.Errorf("lora %v: other log-probs after LoadTrained", lora)
		}
	}
	m, err := OpenNew([]byte(strings.Replace(newConfig, `"num_hidden_layers": 2`, `"num_hidden_layers": 3`, 1)), "builtin:tiny", 7, cpu.New(1))
	if err != nil {
		t.Fatal(err)
	}
	dir := save(t, newModel(t, 1), "F32")
	if err := m.LoadTrained(dir); err == nil || !strings.Contains(err.Error(), "model.layers.2") {
		t.Errorf("a model with one more layer: error %v", err)
	}
	if err := m.LoadTrained(t.TempDir()); err == nil || !strings.Contains(err.Error(), weightsFile) {
		t.Errorf("an empty folder: error %v", err)
	}
}

// TestRunFolder: a run folder leads to the checkpoint that latest names.
func TestRunFolder(t *testing.T) {
	run := t.TempDir()
	a, b := newModel(t, 1), newModel(t, 1)
	shake(b, b.Params(), 0.1)
	for step, m := range map[string]*Model{"step-2": a, "step-10": b} {
		if err := m.SaveTrained(filepath.Join(run, "checkpoints", step)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, run, "checkpoints/latest", "step-10\n")
	m := open(t, run)
	if !sameBits(logProbs(t, m, someBatch()), logProbs(t, b, someBatch())) || filepath.Base(m.From()) != "step-10" {
		t.Errorf("opened %s, want step-10", m.From())
	}
	write(t, run, "checkpoints/latest", "step-11\n")
	if _, err := Open(run, cpu.New(1)); err == nil || !strings.Contains(err.Error(), "no such model") {
		t.Errorf("latest names nothing: error %v", err)
	}
}

// TestAFullDiskLeavesNoFile: a file that can't be written whole is not there.
func TestAFullDiskLeavesNoFile(t *testing.T) {
	const full = "/dev/full" // every write to it fails
	if !exists(full) {
		t.Skip("no " + full + " on this system")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, weightsFile)
	if err := os.Symlink(full, path); err != nil {
		t.Fatal(err)
	}
	if err := newModel(t, 1).Save(dir, "F32"); err == nil || !strings.Contains(err.Error(), weightsFile) {
		t.Errorf("error %v, want one that names the file", err)
	}
	if exists(path) {
		t.Error("a part of the file is left")
	}
}
