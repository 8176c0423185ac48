package policy

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/policy/weights"
)

// Save writes the model into a folder in the layout of Hugging Face, dtype "F32", "BF16" or "F16": config, tokenizer,
// template, generation config and weights. An adapter is merged into what is written.
func (m *Model) Save(dir, dtype string) error {
	if err := m.saveSide(dir); err != nil {
		return err
	}
	var tensors []weights.NewTensor
	adapters := adapter.Params(m.dec)
	for _, p := range m.Params() {
		if slices.Contains(adapters, p) {
			continue
		}
		read := func() []float32 { return m.dec.ReadMerged(p) }
		tensors = append(tensors, weights.NewTensor{Name: p.Name, Shape: p.Shape, Data: read})
	}
	return writeTensors(filepath.Join(dir, weightsFile), dtype, tensors)
}

// SaveAdapter writes the adapter alone in PEFT's layout, with the tokenizer's files beside it.
func (m *Model) SaveAdapter(dir string) error {
	if m.lora == nil {
		return fmt.Errorf("%s has no adapter", m.from)
	}
	if err := m.saveSide(dir, configFile, generationFile); err != nil {
		return err
	}
	base := m.base
	if abs, err := filepath.Abs(base); err == nil && exists(base) {
		base = abs
	}
	if err := os.WriteFile(filepath.Join(dir, adapter.ConfigFile), m.lora.JSON(base), 0o644); err != nil {
		return err
	}
	var tensors []weights.NewTensor
	for _, p := range adapter.Params(m.dec) {
		tensors = append(tensors, weights.NewTensor{Name: p.Name, Shape: p.Shape, Data: func() []float32 { return m.Read(p, p.Data) }})
	}
	return writeTensors(filepath.Join(dir, adapter.WeightsFile), "F32", tensors)
}

// SaveTrained writes what training changes: the adapter where there is one, else the whole model in float32.
func (m *Model) SaveTrained(dir string) error {
	if m.lora != nil {
		return m.SaveAdapter(dir)
	}
	return m.Save(dir, "F32")
}

// LoadTrained reads back what SaveTrained wrote, into a model of the same shape.
func (m *Model) LoadTrained(dir string) error {
	params, file := m.Params(), weightsFile
	if m.lora != nil {
		params, file = adapter.Params(m.dec), adapter.WeightsFile
	}
	src, err := weights.OpenSafetensors(filepath.Join(dir, file))
	if err != nil {
		return err
	}
	defer src.Close()
	for _, p := range params {
		data, err := src.Tensor(p.Name, p.Shape...)
		if err != nil {
			return err
		}
		m.Write(p, p.Data, data)
	}
	return m.Backend().Sync()
}

// saveSide writes the side files, all but those named.
func (m *Model) saveSide(dir string, except ...string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, data := range m.files { // each to its own file, so the order doesn't matter
		if slices.Contains(except, name) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeTensors leaves no file behind when it fails.
func writeTensors(path, dtype string, tensors []weights.NewTensor) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	err = weights.WriteSafetensors(w, dtype, tensors)
	if err == nil {
		err = w.Flush()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(inFile(path, err), os.Remove(path))
	}
	return nil
}
