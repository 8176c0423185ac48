package rewards

import (
	_ "embed"
	"go/token"
	"strings"
)

//go:embed starter.tmpl
var starterText string

// Starter is the text of a .go file to start a reward from: commented, and working as it is. name is what the user
// calls the reward, such as short-answer; the file is meant to be saved as [StarterFile].
func Starter(name string) []byte {
	return []byte(strings.NewReplacer("{{NAME}}", oneLine(name), "{{FILE}}", StarterFile(name), "{{PACKAGE}}", identifier(name)).Replace(starterText))
}

// StarterFile is the file name for a reward of that name.
func StarterFile(name string) string { return identifier(name) + ".go" }

// identifier makes a package name of any text.
func identifier(name string) string {
	id := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, name)
	if id == "" || id[0] <= '9' {
		return "reward" + id
	}
	if isKeyword(id) {
		return id + "reward"
	}
	return id
}

func isKeyword(s string) bool { return token.IsKeyword(s) }

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
