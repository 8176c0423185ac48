package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/burnish-rl/burnish/train/run"
)

// cached reads columns of n values each from a file, or makes and writes them. A file that can't be used is made again, and
// one that can't be written is done without; both are said. An empty path keeps nothing.
func (t *Trainer) cached(path, key string, names []string, n int, measure func() ([][]float64, error)) ([][]float64, error) {
	if path == "" {
		return measure()
	}
	columns, err := readColumns(path, key, names, n)
	if err == nil {
		return columns, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.tell(Event{Kind: Note, Text: fmt.Sprintf("%v; measured again", err)})
	}
	if columns, err = measure(); err != nil {
		return nil, err
	}
	err = os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = run.Replace(path, encodeColumns(key, names, columns))
	}
	if err != nil {
		t.tell(Event{Kind: Note, Text: fmt.Sprintf("measurements are not kept: %v", err)})
	}
	return columns, nil
}

// encodeColumns writes a table as text: a line with the key and the hash of the rest, the names, then a line an index.
func encodeColumns(key string, names []string, columns [][]float64) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "index\t%s\n", strings.Join(names, "\t"))
	for i := range columns[0] {
		b.WriteString(strconv.Itoa(i))
		for _, c := range columns {
			b.WriteByte('\t')
			b.WriteString(strconv.FormatFloat(c[i], 'g', -1, 64))
		}
		b.WriteByte('\n')
	}
	sum := sha256.Sum256(b.Bytes())
	return append([]byte("# "+key+" "+hex.EncodeToString(sum[:])+"\n"), b.Bytes()...)
}

// readColumns reads what encodeColumns wrote, with every bit.
func readColumns(path, key string, names []string, n int) ([][]float64, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	head, body, _ := bytes.Cut(data, []byte("\n"))
	sum := sha256.Sum256(body)
	if want := "# " + key + " " + hex.EncodeToString(sum[:]); string(head) != want {
		if strings.HasPrefix(string(head), "# "+key+" ") {
			return nil, fmt.Errorf("%s: found %d bytes with another hash than was written", path, len(data))
		}
		return nil, fmt.Errorf("%s: found measurements of another model, of other prompts or settings", path)
	}
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")[1:]
	if len(lines) != n {
		return nil, fmt.Errorf("%s: found %d lines, want %d", path, len(lines), n)
	}
	columns := make([][]float64, len(names))
	for i, line := range lines {
		fields := strings.Split(line, "\t")
		if len(fields) != 1+len(names) {
			return nil, fmt.Errorf("%s: line of index %d: found %d fields, want %d", path, i, len(fields), 1+len(names))
		}
		for k := range names {
			v, err := strconv.ParseFloat(fields[1+k], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: line of index %d: %w", path, i, err)
			}
			columns[k] = append(columns[k], v)
		}
	}
	return columns, nil
}
