package policy

import (
	"strings"
	"testing"
)

// TestMergeIsTheSavedModel: merging gives the bits of the merged model that Save writes, and no adapter.
func TestMergeIsTheSavedModel(t *testing.T) {
	m := withAdapter(t, open(t, save(t, newModel(t, 2), "F32")))
	want := logProbs(t, open(t, save(t, m, "F32")), someBatch())
	apart := logProbs(t, m, someBatch())
	if err := m.Merge(); err != nil {
		t.Fatal(err)
	}
	if m.Adapter() != nil || m.CanSwitchAdapterOff() {
		t.Error("the merged model has an adapter")
	}
	if !sameBits(logProbs(t, m, someBatch()), want) {
		t.Error("other log-probs than the merged model that was saved")
	}
	if sameBits(apart, want) {
		t.Error("merging moved no bit, so nothing is tested")
	}
	if err := m.Merge(); err == nil || !strings.Contains(err.Error(), "no adapter to merge") {
		t.Errorf("merged twice: error %v", err)
	}
}

// TestAStageOnAStage: an adapter that was trained beside a merged one is opened on the same weights, to the bit, and
// switched off it is the policy that its stage began with.
func TestAStageOnAStage(t *testing.T) {
	first := withAdapter(t, open(t, save(t, newModel(t, 2), "F32")))
	dir := t.TempDir()
	if err := first.SaveTrained(dir); err != nil {
		t.Fatal(err)
	}
	m := open(t, dir)
	if err := m.Merge(); err != nil {
		t.Fatal(err)
	}
	start := logProbs(t, m, someBatch())
	withAdapter(t, m)
	off, err := m.LogProbsWithoutAdapter(someBatch())
	if err != nil || !sameBits(off.LogP, start) || !m.CanSwitchAdapterOff() {
		t.Errorf("the adapter switched off is not the start of the stage (%v)", err)
	}
	second := t.TempDir()
	if err := m.SaveTrained(second); err != nil {
		t.Fatal(err)
	}
	want := logProbs(t, m, someBatch())
	if sameBits(want, start) {
		t.Fatal("the second adapter changes nothing, so nothing is tested")
	}
	again := open(t, second)
	if !sameBits(logProbs(t, again, someBatch()), want) {
		t.Error("other log-probs after SaveTrained and Open")
	}
	if a, b := again.Fingerprint(), m.Fingerprint(); a != b {
		t.Error("another fingerprint")
	}
	if again.FingerprintWithoutAdapter() == again.Fingerprint() {
		t.Error("the adapter is no part of the fingerprint")
	}
}
