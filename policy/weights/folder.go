package weights

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

const (
	singleName = "model.safetensors"
	indexName  = "model.safetensors.index.json"

	maxIndexBytes = 100_000_000
	maxShards     = 1024
)

// OpenFolder opens a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json names.
func OpenFolder(dir string) (*Safetensors, error) {
	single, err := OpenSafetensors(filepath.Join(dir, singleName))
	if !errors.Is(err, fs.ErrNotExist) {
		return single, err
	}
	index, err := openFile(filepath.Join(dir, indexName))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%s: has neither %s nor %s: %w", dir, singleName, indexName, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	defer index.Close()
	if index.size > maxIndexBytes {
		return nil, index.errorf("has %d bytes, want at most %d", index.size, maxIndexBytes)
	}
	raw := make([]byte, index.size)
	if err := index.readAt(raw, 0, "index"); err != nil {
		return nil, err
	}
	shardOf, err := parseIndex(raw)
	if err != nil {
		return nil, index.errorf("%w", err)
	}
	return openShards(dir, index, shardOf)
}

// parseIndex reads {"metadata": …, "weight_map": {tensor: file}}.
func parseIndex(raw []byte) (shardOf map[string]string, err error) {
	r, err := newHeaderReader(raw)
	if err != nil {
		return nil, err
	}
	err = r.object(func(key string) error {
		if key != "weight_map" {
			return r.skip()
		}
		shardOf = make(map[string]string)
		return r.object(func(tensor string) error {
			shard, err := r.string()
			if err != nil {
				return fmt.Errorf("weight_map: %q: %w", tensor, err)
			}
			if shard == "" || filepath.Base(shard) != shard || !filepath.IsLocal(shard) {
				return fmt.Errorf("weight_map: %q: found %q, want the name of a file in the same folder", tensor, shard)
			}
			shardOf[tensor] = shard
			return nil
		})
	})
	if err == nil && shardOf == nil {
		err = errors.New("weight_map is missing")
	}
	return shardOf, err
}

// openShards opens every shard, in the order of their names, and checks the index against what they hold.
func openShards(dir string, index *file, shardOf map[string]string) (_ *Safetensors, err error) {
	var shards []string
	for _, shard := range shardOf {
		shards = append(shards, shard)
	}
	slices.Sort(shards)
	shards = slices.Compact(shards)
	if len(shards) > maxShards {
		return nil, index.errorf("names %d shards, want at most %d", len(shards), maxShards)
	}
	all := &Safetensors{directory: directory{format: "safetensors"}}
	defer func() {
		if err != nil {
			all.Close()
		}
	}()
	for _, shard := range shards {
		s, err := OpenSafetensors(filepath.Join(dir, shard))
		if err != nil {
			return nil, index.errorf("shard: %w", err)
		}
		all.files = append(all.files, s.files...)
		if all.metadata == nil {
			all.metadata = s.metadata
		}
		for _, e := range s.entries {
			if shardOf[e.name] != shard {
				return nil, e.in.errorf("%s is here, %s says %q", e.what(), indexName, shardOf[e.name])
			}
			if err := all.add(e); err != nil {
				return nil, err
			}
		}
	}
	for tensor, shard := range shardOf {
		if all.byName[tensor] == nil {
			return nil, index.errorf("tensor %q is not in %s", tensor, shard)
		}
	}
	return all, nil
}
