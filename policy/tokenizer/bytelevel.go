package tokenizer

import "unicode/utf8"

// Byte-level BPE writes each byte as one visible character, so that a vocabulary is plain text: printable Latin-1
// stands for itself, the other 68 bytes are U+0100 and up in order. Source: encoder.py of GPT-2.
var byteRune, runeByte = func() (to [256]rune, from map[rune]byte) {
	from = make(map[rune]byte, 256)
	hidden := rune(0x100)
	for b := range to {
		r := rune(b)
		if !('!' <= r && r <= '~' || 0xa1 <= r && r <= 0xac || 0xae <= r && r <= 0xff) {
			r = hidden
			hidden++
		}
		to[b], from[r] = r, byte(b)
	}
	return to, from
}()

// rawBytes gives the bytes that a token's text stands for, and whether it is written in the byte alphabet; if any
// character isn't, the text stands for itself, as in Hugging Face's ByteLevel decoder.
func rawBytes(token string) (raw string, alphabet bool) {
	b := make([]byte, 0, len(token))
	for _, r := range token {
		c, ok := runeByte[r]
		if !ok {
			return token, false
		}
		b = append(b, c)
	}
	return string(b), true
}

// unit gives the length of the first character of b or, if b begins with no character, of the bytes that one U+FFFD
// replaces: the longest beginning of a character, at least one byte. open says that more bytes could complete it.
// Rust's from_utf8_lossy and Python's errors="replace" cut the same way; Go's range loop replaces each byte.
// Source: The Unicode Standard, table 3-7 and "U+FFFD Substitution of Maximal Subparts".
func unit(b []byte) (n int, valid, open bool) {
	low, high, size := byte(0x80), byte(0xbf), 0
	switch c := b[0]; {
	case c < 0x80:
		return 1, true, false
	case c < 0xc2 || c > 0xf4:
		return 1, false, false
	case c < 0xe0:
		size = 2
	case c < 0xf0:
		size = 3
	default:
		size = 4
	}
	switch b[0] {
	case 0xe0:
		low = 0xa0
	case 0xed:
		high = 0x9f
	case 0xf0:
		low = 0x90
	case 0xf4:
		high = 0x8f
	}
	for n = 1; n < size; n++ {
		if n == len(b) {
			return n, false, true
		}
		if b[n] < low || b[n] > high {
			return n, false, false
		}
		low, high = 0x80, 0xbf
	}
	return size, true, false
}

// appendText appends b to text with invalid UTF-8 replaced.
func appendText(text, b []byte) []byte {
	for len(b) > 0 {
		n, valid, _ := unit(b)
		if valid {
			text = append(text, b[:n]...)
		} else {
			text = utf8.AppendRune(text, utf8.RuneError)
		}
		b = b[n:]
	}
	return text
}
