package cmd

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// maxLine bounds one line of JSON Lines input.
const maxLine = 64 << 20

// eachLine calls fn for every line of --in or standard input; errors name the file and the line.
func (t *term) eachLine(c *cli.Context, fn func(line []byte) error) error {
	name, in := "standard input", t.in
	if path := c.String("in"); path != "" && path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		name, in = path, f
	}
	r := bufio.NewReaderSize(in, 1<<16)
	blank := 0
	for n := 1; ; n++ {
		if err := c.Context.Err(); err != nil {
			return err
		}
		line, err := readLine(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
		switch {
		case len(line) == 0 && blank == 0:
			blank = n
		case len(line) > 0 && blank > 0: // only the last lines may be empty: elsewhere a row that got lost would hide
			return fmt.Errorf("%s:%d: an empty line, want a JSON object", name, blank)
		case len(line) > 0:
			if ferr := fn(line); ferr != nil {
				return fmt.Errorf("%s:%d: %w", name, n, ferr)
			}
		}
		if err != nil {
			return nil
		}
	}
}

// decodeLine reads a JSON object. Keys that dst has not are passed over.
func decodeLine(line []byte, dst any) error {
	if !utf8.Valid(line) {
		return errors.New("not valid UTF-8")
	}
	err := json.Unmarshal(line, dst)
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return fmt.Errorf("found %s, want a JSON object", wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Errorf("%q: found %s, want %s", wrong.Field, wrong.Value, kindOf(wrong.Type))
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON: %w", err)
	}
	return err
}

// kindOf is a Go type in JSON's words.
func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Int32:
		return "a token id"
	}
	return "a number"
}

// readLine reads up to a newline, which it drops; io.EOF comes with the last line.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, fmt.Errorf("the line is longer than %d bytes", maxLine)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
			line = line[:len(line)-1]
		}
		return line, err
	}
}
