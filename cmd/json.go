package cmd

import (
	"bytes"
	"encoding/json"
)

// compactJSON puts JSON on one line.
func compactJSON(data []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, data) != nil {
		return string(data)
	}
	return b.String()
}
