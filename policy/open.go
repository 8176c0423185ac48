package policy

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy/adapter"
	"github.com/burnish-rl/burnish/policy/chat"
	"github.com/burnish-rl/burnish/policy/decoder"
	"github.com/burnish-rl/burnish/policy/tokenizer"
	"github.com/burnish-rl/burnish/policy/weights"
	"github.com/tidwall/gjson"
)

// Files of a model folder in the layout of Hugging Face and PEFT.
const (
	configFile      = "config.json"
	generationFile  = "generation_config.json"
	tokenizerFile   = "tokenizer.json"
	tokenizerConfig = "tokenizer_config.json"
	templateFile    = "chat_template.jinja"
	weightsFile     = "model.safetensors"
)

// maxSideFile bounds the files read whole beside the weights.
const maxSideFile = 1 << 28

// files are what is saved beside the weights, by name.
type files map[string][]byte

// ErrNotFound means that what a model was to be opened from is not there.
var ErrNotFound = errors.New("no such model")

// Open loads a model: "builtin:tiny", a GGUF file, a Hugging Face folder, a PEFT adapter folder (its base is opened
// too), or a run folder, whose latest checkpoint it takes.
func Open(from string, b compute.Backend) (*Model, error) {
	if name, ok := strings.CutPrefix(from, builtinPrefix); ok {
		return openBuiltin(name, b)
	}
	path, err := resolve(from)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", from, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case !info.IsDir():
		if filepath.Ext(path) != ".gguf" {
			return nil, fmt.Errorf("%s: a model file must be a .gguf; for safetensors give the folder with %s", path, configFile)
		}
		return openGGUF(path, b)
	case exists(filepath.Join(path, configFile)):
		return openFolder(path, b)
	case exists(filepath.Join(path, adapter.ConfigFile)):
		return openAdapter(path, b)
	}
	return nil, fmt.Errorf("%s: neither %s nor %s in it: %w", path, configFile, adapter.ConfigFile, ErrNotFound)
}

// resolve leads from a run folder to its latest checkpoint; anything else leads to itself.
func resolve(from string) (string, error) {
	checkpoints := filepath.Join(from, "checkpoints")
	if !exists(checkpoints) {
		return from, nil
	}
	name, err := os.ReadFile(filepath.Join(checkpoints, "latest"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: the run has no checkpoint yet", from)
	}
	if err != nil {
		return "", err
	}
	return filepath.Join(checkpoints, filepath.Base(strings.TrimSpace(string(name)))), nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readSide reads a side file; a missing one is nil.
func readSide(dir, name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSideFile+1))
	if err == nil && len(data) > maxSideFile {
		err = fmt.Errorf("%s: more than %d bytes", f.Name(), maxSideFile)
	}
	return data, err
}

func readSideFiles(dir string) (files, error) {
	fs := files{}
	for _, name := range []string{configFile, generationFile, tokenizerFile, tokenizerConfig, templateFile, "special_tokens_map.json"} {
		data, err := readSide(dir, name)
		if err != nil {
			return nil, err
		}
		if data != nil {
			fs[name] = data
		}
	}
	return fs, nil
}

func openFolder(dir string, b compute.Backend) (*Model, error) {
	side, err := readSideFiles(dir)
	if err != nil {
		return nil, err
	}
	src, err := weights.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return assemble(dir, side, src, b)
}

// OpenNew makes a model of fresh random weights. config is a config.json as text; tok is the path of a tokenizer.json
// or of a folder with one, or "builtin:tiny". The seed decides every weight.
func OpenNew(config []byte, tok string, seed uint64, b compute.Backend) (*Model, error) {
	side := files{configFile: config}
	if err := side.takeFrom(tok, tokenizerFile, tokenizerFile, tokenizerConfig, templateFile); err != nil {
		return nil, err
	}
	cfg, err := decoder.ParseConfig(config)
	if err != nil {
		return nil, fmt.Errorf("new model: %w", err)
	}
	side[configFile] = cfg.JSON()
	if side[generationFile], err = generationConfig(cfg); err != nil {
		return nil, err
	}
	return assemble("new", side, decoder.RandomSource(cfg, seed), b)
}

// ReadConfig reads a config.json from its path, its folder, or a builtin model.
func ReadConfig(path string) ([]byte, error) {
	side := files{}
	err := side.takeFrom(path, configFile, configFile)
	return side[configFile], err
}

// takeFrom reads files from a folder, or the main one when path is that file and the others beside it.
func (fs files) takeFrom(path, main string, names ...string) error {
	if name, ok := strings.CutPrefix(path, builtinPrefix); ok {
		return fs.takeBuiltin(name, names)
	}
	dir := path
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		dir = filepath.Dir(path)
	}
	for _, name := range names {
		read := name
		if name == main && dir != path {
			read = filepath.Base(path)
		}
		data, err := readSide(dir, read)
		if err != nil {
			return err
		}
		if data != nil {
			fs[name] = data
		} else if name == main {
			return fmt.Errorf("%s: no %s there: %w", path, main, ErrNotFound)
		}
	}
	return nil
}

// assemble builds a model from its side files and its weights.
func assemble(from string, side files, src decoder.Source, b compute.Backend) (*Model, error) {
	cfg, err := decoder.ParseConfig(side[configFile])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(from, configFile), err)
	}
	if side[tokenizerFile] == nil {
		return nil, fmt.Errorf("%s: no %s, and the model is of no use without one", from, tokenizerFile)
	}
	tok, err := tokenizer.FromJSON(side[tokenizerFile])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(from, tokenizerFile), err)
	}
	tmpl, err := chat.FromConfig(side[tokenizerConfig], side[templateFile])
	if err != nil && !errors.Is(err, chat.ErrNoTemplate) {
		return nil, fmt.Errorf("%s: %w", filepath.Join(from, tokenizerConfig), err)
	}
	return build(from, side, cfg, tok, tmpl, src, b)
}

func build(from string, side files, cfg decoder.Config, tok *tokenizer.Tokenizer, tmpl *chat.Template, src decoder.Source, b compute.Backend) (*Model, error) {
	if tok.Size() > cfg.Vocab {
		return nil, fmt.Errorf("%s: the tokenizer has %d tokens, the model an embedding of %d", from, tok.Size(), cfg.Vocab)
	}
	m := &Model{from: from, tok: tok, tmpl: tmpl, files: side}
	var err error
	if m.eos, m.end, err = endTokens(cfg, tok, side); err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	if m.dec, err = decoder.New(cfg, b, src); err != nil {
		return nil, inFile(from, err)
	}
	return m, nil
}

// inFile puts a path before an error that doesn't name it yet.
func inFile(path string, err error) error {
	if strings.Contains(err.Error(), path) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// openAdapter opens a PEFT folder on top of its base.
func openAdapter(dir string, b compute.Backend) (*Model, error) {
	data, err := readSide(dir, adapter.ConfigFile)
	if err != nil {
		return nil, err
	}
	lora, err := adapter.ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	base := gjson.GetBytes(data, "base_model_name_or_path").String() // ParseConfig has checked that it is JSON
	if base == "" {
		return nil, fmt.Errorf("%s: base_model_name_or_path is missing, so the adapter has nothing to stand on", filepath.Join(dir, adapter.ConfigFile))
	}
	m, err := Open(base, b)
	if err != nil {
		return nil, fmt.Errorf("%s: its base model: %w", dir, err)
	}
	if m.lora != nil { // a stage that began from another adapter stood on the merged weights
		if err := m.Merge(); err != nil {
			m.Close()
			return nil, err
		}
	}
	src, err := weights.OpenSafetensors(filepath.Join(dir, adapter.WeightsFile))
	if err != nil {
		m.Close()
		return nil, err
	}
	defer src.Close()
	if err := adapter.Load(m.dec, lora, src); err != nil {
		m.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	m.lora, m.base, m.from = &lora, base, dir
	return m, nil
}
