package cmd

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/policy/weights"
	"github.com/burnish-rl/burnish/train/run"
)

// hintFor gives remedies for errors that come from deep below and mean the same wherever they surface.
func hintFor(err error) string {
	var cut *weights.TruncatedError
	switch {
	case errors.As(err, &cut):
		return "the file is cut short, most often by an unfinished download; get it again"
	case errors.Is(err, policy.ErrNotFound):
		return "give builtin:tiny, a .gguf file, a folder with config.json, or a run folder"
	case errors.Is(err, run.ErrLocked):
		return "wait for it to end, or choose another folder with --out"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EFBIG), errors.Is(err, syscall.EDQUOT):
		return "make room there; a run goes on from its last whole checkpoint with --resume"
	case errors.Is(err, fs.ErrPermission):
		return "check who may read and write there"
	}
	return ""
}
