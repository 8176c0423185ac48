package weights

import (
	"encoding/binary"
	"unicode/utf8"
)

const (
	cursorWindow        = 64 << 10
	maxGGUFHeaderBytes  = 256 << 20 // all metadata and tensor entries: bounds the memory a header can ask for
	maxGGUFStringBytes  = 64 << 20  // some files hold a whole tokenizer.json
	maxGGUFArrayNesting = 4
)

// cursor reads a GGUF header front to back, through a window.
type cursor struct {
	in     *file
	pos    int64
	what   string // what is being read, for errors
	window []byte // bytes of the file from pos on
}

func (c *cursor) errorf(format string, args ...any) error {
	f := file{name: c.in.name + ": " + c.what}
	return f.errorf(format, args...)
}

// need says whether n more bytes are there, before memory is taken for them.
func (c *cursor) need(n int64) error {
	if n > c.in.size-c.pos {
		return &TruncatedError{c.in.name, c.what, c.pos + n, c.in.size}
	}
	if c.pos+n > maxGGUFHeaderBytes {
		return c.errorf("ends at byte %d, want a header of at most %d", c.pos+n, maxGGUFHeaderBytes)
	}
	return nil
}

// take gives the next n bytes; they stay valid until the next call.
func (c *cursor) take(n int64) ([]byte, error) {
	if err := c.need(n); err != nil {
		return nil, err
	}
	if int64(len(c.window)) < n {
		window := make([]byte, max(n, min(cursorWindow, c.in.size-c.pos)))
		if err := c.in.readAt(window, c.pos, c.what); err != nil {
			return nil, err
		}
		c.window = window
	}
	b := c.window[:n]
	c.window = c.window[n:]
	c.pos += n
	return b, nil
}

func (c *cursor) uint32() (uint32, error) {
	b, err := c.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (c *cursor) uint64() (uint64, error) {
	b, err := c.take(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// count reads a 64-bit count of at most limit.
func (c *cursor) count(name string, limit int64) (int64, error) {
	n, err := c.uint64()
	if err != nil {
		return 0, err
	}
	if n > uint64(limit) {
		return 0, c.errorf("%s is %d, want at most %d", name, n, limit)
	}
	return int64(n), nil
}

// string reads a length and that many bytes of UTF-8.
func (c *cursor) string(limit int64) (string, error) {
	n, err := c.count("string length", limit)
	if err != nil {
		return "", err
	}
	b, err := c.take(n)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", c.errorf("invalid UTF-8 before byte %d", c.pos)
	}
	return string(b), nil
}
