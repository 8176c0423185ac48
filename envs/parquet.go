package envs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/parquet-go/parquet-go"
	"github.com/tidwall/gjson"
)

// parquetEnding is of files that readParquet reads.
const parquetEnding = ".parquet"

// readParquet calls row for each row of a Parquet file as if it were a line of JSON, up to limit rows (0: all); its errors
// get file and row, from 1. Columns of bytes are base64 text, as encoding/json has it.
func readParquet(path string, limit int, row func(at int, r gjson.Result) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	rows, err := openParquet(f, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer rows.Close()
	for at := 1; limit == 0 || at <= limit; at++ {
		text, err := nextParquet(rows)
		if errors.Is(err, io.EOF) && at > 1 {
			return nil
		}
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%s: no rows, want at least one", path)
		case err == nil && at > maxRows:
			err = fmt.Errorf("more than %d rows", maxRows)
		case err == nil && len(text) > maxLine:
			err = fmt.Errorf("a row of more than %d bytes", maxLine)
		case err == nil:
			err = checkObject(text)
		}
		if err == nil {
			err = row(at, gjson.ParseBytes(text))
		}
		if err != nil {
			return fmt.Errorf("%s: row %d: %w", path, at, err)
		}
	}
	return nil
}

func openParquet(f io.ReaderAt, size int64) (rows *parquet.GenericReader[any], err error) {
	defer notCorrupt(&err)
	file, err := parquet.OpenFile(f, size)
	if err != nil {
		return nil, err
	}
	return parquet.NewGenericReader[any](file), nil
}

// nextParquet is the next row as JSON, io.EOF after the last.
func nextParquet(rows *parquet.GenericReader[any]) (text []byte, err error) {
	defer notCorrupt(&err)
	var one [1]any
	n, err := rows.Read(one[:])
	if n == 0 {
		if err == nil {
			err = io.ErrNoProgress
		}
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err = e.Encode(one[0])
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// notCorrupt makes an error of the panic with which the library answers a damaged page.
func notCorrupt(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged: %v, want a Parquet file", p)
	}
}
