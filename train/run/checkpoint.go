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
	if err := clearTemporary(root); err != nil {
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
	if err := f.mark(latestFile, step); err != nil {
		return err
	}
	return f.prune(keep)
}

// prune removes the checkpoints that keep leaves out. They are renamed first, so that step-N is whole or not there.
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
		going := f.Path(filepath.Join(checkpointsDir, partialPrefix+"old-"+strconv.Itoa(s)))
		if err := os.Rename(CheckpointDir(f.Dir, s), going); err != nil {
			return err
		}
		if err := os.RemoveAll(going); err != nil {
			return err
		}
	}
	return nil
}

// clearTemporary removes what a killed process left half-written in a folder.
func clearTemporary(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if isTemporary(e.Name()) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Settle finishes what a process left undone that was killed after it saved: latest names the newest checkpoint, best
// the best (0: none), and those that keep leaves out go.
func (f *Folder) Settle(newest, best int, keep func(steps []int) []int) error {
	if err := f.mark(latestFile, newest); err != nil {
		return err
	}
	if best > 0 {
		if err := f.MarkBest(best); err != nil {
			return err
		}
	}
	return f.prune(keep)
}

func (f *Folder) mark(name string, step int) error {
	return writeFile(filepath.Join(f.Path(checkpointsDir), name), []byte(stepPrefix+strconv.Itoa(step)+"\n"))
}

// MarkBest names the checkpoint with the best evaluation.
func (f *Folder) MarkBest(step int) error {
	return f.mark(bestFile, step)
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
