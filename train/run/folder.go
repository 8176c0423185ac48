// Package run is a run's folder: its lock, its JSONL logs, its checkpoints, and how a run is taken up again. Start with
// [Create] or [Open].
//
// A checkpoint is written under a temporary name, synced and renamed, so a folder named step-N is always whole. Logs
// are cut back to the checkpoint's step when a run resumes.
package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// Names inside a run folder.
const (
	RecipeFile      = "recipe.yaml"
	MetricsFile     = "metrics.jsonl"
	CompletionsFile = "completions.jsonl"
	checkpointsDir  = "checkpoints"
	lockFile        = ".lock"
)

// ErrLocked means another process is using the folder.
var ErrLocked = errors.New("another run is using this folder")

// Folder is a locked run folder.
type Folder struct {
	Dir  string
	lock *flock.Flock
}

// Create makes dir and its lock. A folder that already holds a run is an error.
func Create(dir string) (*Folder, error) {
	if IsRun(dir) {
		return nil, fmt.Errorf("%s already holds a run", dir)
	}
	if err := mayUse(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, checkpointsDir), 0o755); err != nil {
		return nil, err
	}
	return lockFolder(dir)
}

// mayUse refuses a folder with files of others in it. What a run leaves that was killed before it began is no obstacle.
func mayUse(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if n := e.Name(); n != lockFile && n != checkpointsDir && !isTemporary(n) {
			return fmt.Errorf("%s: found %s in it, want a new or empty folder", dir, n)
		}
	}
	return nil
}

// isTemporary says whether a name is that of a file not yet renamed.
func isTemporary(name string) bool {
	for _, n := range []string{partialPrefix, "." + RecipeFile, "." + latestFile, "." + bestFile} {
		if strings.HasPrefix(name, n) {
			return true
		}
	}
	return false
}

// Open locks a folder that holds a run and clears away what an interrupted checkpoint left.
func Open(dir string) (*Folder, error) {
	if !IsRun(dir) {
		return nil, fmt.Errorf("%s: no %s in it, so it is not a run folder", dir, RecipeFile)
	}
	f, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(clearTemporary(dir), clearTemporary(f.Path(checkpointsDir))); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// IsRun says whether dir holds a run.
func IsRun(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, RecipeFile))
	return err == nil
}

func lockFolder(dir string) (*Folder, error) {
	l := flock.New(filepath.Join(dir, lockFile))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("%s: lock: %w", dir, err)
	}
	if !ok {
		return nil, fmt.Errorf("%s: %w", dir, ErrLocked)
	}
	return &Folder{Dir: dir, lock: l}, nil
}

// Close gives the lock back.
func (f *Folder) Close() error { return f.lock.Unlock() }

// Path is the path of a file in the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.Dir, name) }

// WriteFile replaces a file of the folder in one step.
func (f *Folder) WriteFile(name string, data []byte) error { return writeFile(f.Path(name), data) }

func writeFile(path string, data []byte) error {
	if err := Replace(path, data); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename inside dir durable. Systems that can't sync a folder answer with an error of no consequence.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%s: sync: %w", dir, err)
	}
	return nil
}
