package run

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tidwall/gjson"
)

// Log is a JSON Lines file that is only ever appended to, a step's lines in one write.
type Log struct {
	f *os.File
}

// OpenLog opens a log and keeps only its whole lines with "step" at most through; a run's first opening passes -1.
func (f *Folder) OpenLog(name string, through int) (*Log, error) {
	file, err := os.OpenFile(f.Path(name), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	end, err := cutPoint(file, through)
	if err == nil {
		err = file.Truncate(end)
	}
	if err == nil {
		_, err = file.Seek(end, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", f.Path(name), err)
	}
	return &Log{f: file}, nil
}

// cutPoint is where the first line stands that is torn or belongs to a later step.
func cutPoint(r io.Reader, through int) (int64, error) {
	br := bufio.NewReaderSize(r, 1<<20)
	var end int64
	for {
		line, err := br.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // no newline: torn by a crash, or the end
			return end, nil
		}
		if err != nil {
			return 0, err
		}
		step := gjson.GetBytes(line, "step")
		if !gjson.ValidBytes(line) || step.Type != gjson.Number || int(step.Int()) > through {
			return end, nil
		}
		end += int64(len(line))
	}
}

// Append writes values, a line each. Numbers that JSON has no word for must have been made null before.
func (l *Log) Append(values ...any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, v := range values {
		if err := enc.Encode(v); err != nil {
			return fmt.Errorf("%s: %w", l.f.Name(), err)
		}
	}
	_, err := l.f.Write(b.Bytes())
	return err
}

// Sync makes what was appended durable.
func (l *Log) Sync() error { return l.f.Sync() }

// Close closes the file.
func (l *Log) Close() error { return l.f.Close() }
