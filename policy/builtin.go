package policy

import (
	"bytes"
	"embed"
	"fmt"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/weights"
)

// builtinPrefix marks the models that live in the binary.
const builtinPrefix = "builtin:"

//go:embed builtin/*
var builtinFiles embed.FS

// openBuiltin opens a model embedded in the binary; docs/builtin-model.md says how it was made.
func openBuiltin(name string, b compute.Backend) (*Model, error) {
	side := files{}
	if err := side.takeBuiltin(name, []string{configFile, generationFile, tokenizerFile, tokenizerConfig}); err != nil {
		return nil, err
	}
	data, err := builtinFiles.ReadFile("builtin/" + weightsFile)
	if err != nil {
		return nil, err
	}
	from := builtinPrefix + name
	src, err := weights.ReadSafetensors(bytes.NewReader(data), int64(len(data)), from)
	if err != nil {
		return nil, err
	}
	return assemble(from, side, src, b)
}

func (fs files) takeBuiltin(name string, names []string) error {
	if name != "tiny" {
		return fmt.Errorf("%s%s: %w: the builtin model is builtin:tiny", builtinPrefix, name, ErrNotFound)
	}
	for _, n := range names {
		if data, err := builtinFiles.ReadFile("builtin/" + n); err == nil {
			fs[n] = data
		}
	}
	return nil
}
