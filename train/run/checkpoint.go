package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	stepPrefix    = "step-"
	partialPrefix = ".partial-"
	latestFile    = "latest"
	bestFile      = "best"
)

// Save writes a checkpoint: write fills a new folder, which is synced and renamed to checkpoints/step-N. Then older
// checkpoints go, but for those that keep says yes to. When anything fails the earlier checkpoints stay as they were.
func (f *Folder) Save(step int, write func(dir string) error, keep func(steps []int) []int) error {
	root := f.Path(checkpointsDir)
	name := stepPrefix + strconv.Itoa(step)
	partial := filepath.Join(root, partialPrefix+name)
	if err := f.clearPartial(); err != nil {
		return err
	}
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return err
	}
	err := write(partial)
	if err == nil {
		err = syncTree(partial)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("checkpoint of step %d: %w", step, err), os.RemoveAll(partial))
	}
	final := filepath.Join(root, name)
	if err := os.RemoveAll(final); err != nil { // a resumed run writes the same bytes again
		return err
	}
	if err := os.Rename(partial, final); err != nil {
		return errors.Join(fmt.Errorf("checkpoint of step %d: %w", step, err), os.RemoveAll(partial))
	}
	if err := syncDir(root); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(root, latestFile), []byte(name+"\n")); err != nil {
		return err
	}
	return f.prune(keep)
}

// prune removes the checkpoints that keep leaves out.
func (f *Folder) prune(keep func([]int) []int) error {
	steps, err := Steps(f.Dir)
	if err != nil {
		return err
	}
	kept := keep(steps)
	for _, s := range steps {
		if slices.Contains(kept, s) {
			continue
		}
		if err := os.RemoveAll(CheckpointDir(f.Dir, s)); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) clearPartial() error {
	entries, err := os.ReadDir(f.Path(checkpointsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partialPrefix) {
			if err := os.RemoveAll(filepath.Join(f.Path(checkpointsDir), e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// MarkBest names the checkpoint with the best evaluation.
func (f *Folder) MarkBest(step int) error {
	return writeFile(filepath.Join(f.Path(checkpointsDir), bestFile), []byte(stepPrefix+strconv.Itoa(step)+"\n"))
}

// CheckpointDir is where a step's checkpoint lies.
func CheckpointDir(dir string, step int) string {
	return filepath.Join(dir, checkpointsDir, stepPrefix+strconv.Itoa(step))
}

// Steps lists the steps of the whole checkpoints, ascending.
func Steps(dir string) ([]int, error) {
	entries, err := os.ReadDir(filepath.Join(dir, checkpointsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var steps []int
	for _, e := range entries {
		if n, ok := strings.CutPrefix(e.Name(), stepPrefix); ok && e.IsDir() {
			if s, err := strconv.Atoi(n); err == nil {
				steps = append(steps, s)
			}
		}
	}
	slices.Sort(steps)
	return steps, nil
}

// Latest is the newest whole checkpoint; ok is false when there is none yet.
func Latest(dir string) (step int, ok bool, err error) {
	steps, err := Steps(dir)
	if err != nil || len(steps) == 0 {
		return 0, false, err
	}
	return steps[len(steps)-1], true, nil
}

// syncTree syncs every file and folder below dir.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return syncDir(path)
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		return file.Sync()
	})
}
