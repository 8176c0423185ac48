package train

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// rowKey is the hash of a row's ids.
type rowKey [sha256.Size]byte

// keyOf hashes a prompt, the tokens after it, and which of them are trained.
func keyOf(prompt []int32, r row) rowKey {
	b := make([]byte, 0, 8+5*(len(prompt)+len(r.tokens)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(prompt)))
	for _, ids := range [][]int32{prompt, r.tokens} {
		for _, id := range ids {
			b = binary.LittleEndian.AppendUint32(b, uint32(id))
		}
	}
	for _, trained := range r.train {
		if trained {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return sha256.Sum256(b)
}

// rowCache is a file of float32 numbers by row. It only grows; each record has a checksum, and reading ends before the
// first that is not whole, as a killed run may leave one. One process writes; others read what was there when they opened it.
//
// A record is the key, the count n, n numbers, and the CRC-32 (Castagnoli) of all that; integers and numbers are
// little-endian.
type rowCache struct {
	file *os.File
	lock *flock.Flock // nil when another process has it
	at   map[rowKey]span
	size int64
}

type span struct {
	offset int64
	n      int
}

// errInUse says that another process writes the file.
var errInUse = errors.New("another process writes it")

// maxRowNumbers bounds a record that is read.
const maxRowNumbers = 1 << 24

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openRowCache opens the file under a key, or makes it. With errInUse the cache can be read.
func openRowCache(path, key string) (*rowCache, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	c := &rowCache{lock: flock.New(path + ".lock"), at: map[rowKey]span{}}
	held, err := c.lock.TryLock()
	if err != nil {
		return nil, err
	}
	if !held {
		c.lock = nil
	}
	if c.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if err := c.scan([]byte("burnish rows " + key + "\n")); err != nil {
		return nil, errors.Join(err, c.close())
	}
	if c.lock == nil {
		return c, errInUse
	}
	return c, nil
}

// scan finds the records. A writer cuts off what is not whole.
func (c *rowCache) scan(head []byte) error {
	in := bufio.NewReaderSize(c.file, 1<<20)
	found := make([]byte, len(head))
	if n, err := io.ReadFull(in, found); n > 0 && !bytes.Equal(found[:n], head[:n]) {
		return fmt.Errorf("%s: found another beginning than that of rows under this key", c.file.Name())
	} else if err != nil { // new, or not even begun
		if c.lock == nil {
			return nil
		}
		c.size = int64(len(head))
		_, err = c.file.WriteAt(head, 0)
		return err
	}
	c.size = int64(len(head))
	for {
		key, n, ok := readRecord(in)
		if !ok {
			break
		}
		c.at[key] = span{c.size + sha256.Size + 4, n}
		c.size += recordSize(n)
	}
	if c.lock == nil {
		return nil
	}
	return c.file.Truncate(c.size)
}

func recordSize(n int) int64 { return sha256.Size + 4 + 4*int64(n) + 4 }

// readRecord reads over a record; ok is false when it isn't whole.
func readRecord(in io.Reader) (key rowKey, n int, ok bool) {
	var head [sha256.Size + 4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return key, 0, false
	}
	count := binary.LittleEndian.Uint32(head[sha256.Size:])
	if count > maxRowNumbers {
		return key, 0, false
	}
	rest := make([]byte, 4*count+4)
	if _, err := io.ReadFull(in, rest); err != nil {
		return key, 0, false
	}
	sum := crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, rest[:4*count])
	return rowKey(head[:sha256.Size]), int(count), sum == binary.LittleEndian.Uint32(rest[4*count:])
}

// get reads a row of n numbers, with every bit.
func (c *rowCache) get(key rowKey, n int) ([]float32, bool, error) {
	s, ok := c.at[key]
	if !ok || s.n != n {
		return nil, false, nil
	}
	data := make([]byte, 4*n)
	if _, err := c.file.ReadAt(data, s.offset); err != nil {
		return nil, false, err
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out, true, nil
}

// put appends a row, unless it is there or another process writes.
func (c *rowCache) put(key rowKey, row []float32) error {
	if _, ok := c.at[key]; ok || c.lock == nil {
		return nil
	}
	b := make([]byte, 0, recordSize(len(row)))
	b = append(b, key[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(row)))
	for _, v := range row {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := c.file.WriteAt(b, c.size); err != nil {
		return err
	}
	c.at[key] = span{c.size + sha256.Size + 4, len(row)}
	c.size += int64(len(b))
	return nil
}

// giveUp goes on as a reader.
func (c *rowCache) giveUp() {
	if c.lock != nil {
		c.lock.Unlock() // at worst the file stays unwritten until this process ends
		c.lock = nil
	}
}

func (c *rowCache) close() error {
	if c == nil {
		return nil
	}
	c.giveUp()
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}
