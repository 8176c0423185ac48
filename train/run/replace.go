//go:build !windows

package run

import (
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Replace writes a file in one step: afterwards it has its old content or all of the new.
func Replace(path string, data []byte) error {
	return renameio.WriteFile(path, data, 0o644, renameio.WithTempDir(filepath.Dir(path)))
}
