package envs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

const (
	maxLine  = 8 << 20    // bytes of one row
	maxRows  = 10_000_000 // rows of one file
	maxDepth = 128        // nesting of one row
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// readFile calls row for each row of a JSONL or Parquet file, up to limit rows (0: all); its errors get file and line.
func readFile(path string, limit int, row func(line int, r gjson.Result) error) error {
	if strings.HasSuffix(path, parquetEnding) {
		return readParquet(path, limit, row)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return readRows(f, path, limit, row)
}

// readRows reads JSON lines. Every row is one JSON object on one line of valid UTF-8, at most maxLine bytes. A byte
// order mark before the first row, CRLF line ends and a missing last line end are accepted; blank lines are accepted
// after the last row and nowhere else, where a row that got lost would hide. No rows at all is an error.
func readRows(in io.Reader, name string, limit int, row func(line int, r gjson.Result) error) error {
	sc := bufio.NewScanner(in)
	sc.Buffer(make([]byte, 0, 64<<10), maxLine)
	line, rows, blank := 0, 0, 0
	for (limit == 0 || rows < limit) && sc.Scan() {
		line++
		text := sc.Bytes()
		if line == 1 {
			text = bytes.TrimPrefix(text, byteOrderMark)
		}
		if len(bytes.TrimSpace(text)) == 0 {
			if blank == 0 {
				blank = line
			}
			continue
		}
		if blank != 0 {
			return fmt.Errorf("%s:%d: an empty row, want a JSON object", name, blank)
		}
		if rows == maxRows {
			return fmt.Errorf("%s:%d: more than %d rows", name, line, maxRows)
		}
		if err := checkObject(text); err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if err := row(line, gjson.ParseBytes(text)); err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		rows++
	}
	switch err := sc.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("%s:%d: a row of more than %d bytes", name, line+1, maxLine)
	case err != nil:
		return fmt.Errorf("%s:%d: %w", name, line+1, err)
	case rows == 0:
		return fmt.Errorf("%s: no rows, want one JSON object a line", name)
	}
	return nil
}

func checkObject(text []byte) error {
	switch {
	case !utf8.Valid(text):
		return errors.New("not valid UTF-8")
	case depth(text) > maxDepth: // gjson's validator recurses, and a stack overflow can't be caught
		return fmt.Errorf("nested more than %d deep", maxDepth)
	case !gjson.ValidBytes(text):
		return errors.New("not valid JSON, want an object on one line")
	case !gjson.ParseBytes(text).IsObject():
		return fmt.Errorf("%s, want an object", kindOf(gjson.ParseBytes(text)))
	}
	return nil
}

// depth is the deepest nesting of brackets outside strings.
func depth(text []byte) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// kindOf names what was found, for errors.
func kindOf(r gjson.Result) string {
	switch {
	case !r.Exists():
		return "missing"
	case r.IsArray():
		return "an array"
	case r.IsObject():
		return "an object"
	}
	switch r.Type {
	case gjson.String:
		return "a string"
	case gjson.Number:
		return "a number"
	case gjson.Null:
		return "null"
	}
	return "a boolean"
}
