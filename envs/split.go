package envs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The splits an env may have.
const (
	Train = "train"
	Test  = "test"
)

// checkRows checks the three options that all file envs share. kind begins the error.
func checkRows(kind, path, split string, limit int) error {
	if path == "" {
		return hinted{
			fmt.Errorf("%s: path: nothing given, want a folder holding train.jsonl and test.jsonl, or one file", kind),
			"set env.path to the data on this machine; nothing is downloaded",
		}
	}
	if err := checkSplit(kind, split); err != nil {
		return err
	}
	if limit < 0 {
		return fmt.Errorf("%s: limit: %d, want 0 (all rows) or more", kind, limit)
	}
	return nil
}

func checkSplit(kind, split string) error {
	if split != Train && split != Test {
		return fmt.Errorf("%s: split: %q, want train or test", kind, split)
	}
	return nil
}

// locate gives the file of a split: path itself, or SPLIT.jsonl or else SPLIT.parquet in the folder path.
func locate(kind, path, split string) (string, error) {
	info, err := os.Stat(path)
	file := path
	if err == nil && info.IsDir() {
		file = filepath.Join(path, split+".jsonl")
		if info, err = os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			if other, found := os.Stat(filepath.Join(path, split+parquetEnding)); found == nil {
				file, info, err = filepath.Join(path, split+parquetEnding), other, nil
			}
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && file == path:
		return "", hinted{
			fmt.Errorf("%s: path: %s does not exist, want a folder holding %s.jsonl or a file", kind, path, split),
			"set env.path to the data on this machine; nothing is downloaded",
		}
	case errors.Is(err, fs.ErrNotExist):
		return "", hinted{
			fmt.Errorf("%s: path: the folder %s holds no %s.jsonl", kind, path, split),
			"name the file itself, or the folder that holds " + split + ".jsonl or " + split + ".parquet",
		}
	case err != nil:
		return "", fmt.Errorf("%s: path: %w", kind, err)
	case info.IsDir():
		return "", fmt.Errorf("%s: path: %s is a folder, want a file", kind, file)
	}
	return file, nil
}

// isFolder says whether path can hold more than one split.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
