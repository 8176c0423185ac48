//go:build !unix

package runner

import "testing"

// Where a child can't get its descriptors, the user hears so at once.
func TestUnsupported(t *testing.T) {
	if _, err := Command([]string{"cmd"}, Config{}); err == nil {
		t.Error("a command is accepted")
	}
	if _, err := GoFile("reward.go", Config{}); err == nil {
		t.Error("a .go file is accepted")
	}
}
