package main

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// jsonLines FILE: every line of it is JSON, and there is at least one.
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "usage: jsonlines file")
	text := strings.TrimSuffix(ts.ReadFile(args[0]), "\n")
	want(ts, text != "", args[0]+" is empty")
	for i, line := range strings.Split(text, "\n") {
		want(ts, json.Valid([]byte(line)), args[0]+": line "+strconv.Itoa(i+1)+" is not JSON: "+line)
	}
}

// oneError: the last command printed nothing to standard output, and to standard error exactly one line that begins
// with "error: " and at most one that begins with "hint: ", apart from what a run says of itself.
func oneError(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) <= 1, "usage: oneerror [running]")
	running := len(args) == 1 // the run had begun: its notes and steps may be there
	want(ts, running || ts.ReadFile("stdout") == "", "standard output is not empty")
	errors, hints := 0, 0
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		switch {
		case strings.HasPrefix(line, "error: "):
			errors++
		case strings.HasPrefix(line, "hint: "):
			hints++
		default:
			want(ts, running && !strings.Contains(line, "goroutine"), "a line that is neither error nor hint: "+line)
		}
	}
	want(ts, errors == 1 && hints <= 1, "want one error line and at most one hint line")
}

// sameFields A B FIELD: the JSON lines of two files have the same text of a field, bit for bit, in the same order.
func sameFields(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 3, "usage: samefields file file field")
	a, b := fields(ts, args[0], args[2]), fields(ts, args[1], args[2])
	want(ts, len(a) > 0, "no "+args[2]+" in "+args[0])
	want(ts, reflect.DeepEqual(a, b), args[2]+" differs between "+args[0]+" and "+args[1])
}

// sameValues A FIELD B FIELD: the JSON lines of two files have the same text in a field of each, which some have.
func sameValues(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 4, "usage: samevalues file field file field")
	a, b := fields(ts, args[0], args[1]), fields(ts, args[2], args[3])
	want(ts, len(a) > 0 && a[0] != "", "no "+args[1]+" in "+args[0])
	want(ts, reflect.DeepEqual(a, b), args[1]+" of "+args[0]+" differs from "+args[3]+" of "+args[2]+"\n"+strings.Join(a, " ")+"\n"+strings.Join(b, " "))
}

func fields(ts *testscript.TestScript, file, name string) (out []string) {
	for line := range strings.Lines(ts.ReadFile(file)) {
		var object map[string]json.RawMessage
		ts.Check(json.Unmarshal([]byte(line), &object))
		out = append(out, string(object[name]))
	}
	return out
}

// safetensors FILE HEADER BYTES: a file with this header text and so many zero bytes of data.
func writeSafetensors(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 3, "usage: safetensors file header bytes")
	size, err := strconv.Atoi(args[2])
	ts.Check(err)
	data := binary.LittleEndian.AppendUint64(nil, uint64(len(args[1])))
	data = append(append(data, args[1]...), make([]byte, size)...)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// cut FILE PERCENT: keeps so much of the file's beginning.
func cutFile(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "usage: cut file percent")
	percent, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), info.Size()*percent/100))
}

// nan FILE: makes the last four bytes of a safetensors file a NaN, in F32 and BF16.
func spoilWeights(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "usage: nan file")
	data := []byte(ts.ReadFile(args[0]))
	copy(data[len(data)-4:], "\xff\xff\xff\x7f")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// sub FILE OLD NEW: replaces text that must be there.
func substitute(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 3, "usage: sub file old new")
	text := ts.ReadFile(args[0])
	want(ts, strings.Contains(text, args[1]), "no "+args[1]+" in "+args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
}

// pick IN OUT TEXT [reversed]: the lines that contain the text.
func pickLines(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) >= 3, "usage: pick in out text [reversed]")
	var out string
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		switch {
		case !strings.Contains(line, args[2]):
		case len(args) > 3:
			out = line + out
		default:
			out += line
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out), 0o644))
}

// waitfor FILE TEXT: until the file has the text, for a minute at most.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "usage: waitfor file text")
	for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(5 * time.Millisecond) {
		if data, err := os.ReadFile(ts.MkAbs(args[0])); err == nil && strings.Contains(string(data), args[1]) {
			return
		}
	}
	ts.Fatalf("%s has no %s", args[0], args[1])
}

// write FILE TEXT: the text with Go's escapes, such as \x00.
func writeEscaped(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "usage: write file text")
	text, err := strconv.Unquote("`" + args[1] + "`")
	ts.Check(err)
	text, err = strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

func want(ts *testscript.TestScript, ok bool, otherwise string) {
	if !ok {
		ts.Fatalf("%s", otherwise)
	}
}
