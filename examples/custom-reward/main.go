// Command custom-reward is burnish with one more reward, few-words: everything of the command line works, and recipes
// may say {kind: few-words, limit: 40}. See README.md.
package main

import (
	"github.com/burnish-rl/burnish/cmd"
	"github.com/burnish-rl/burnish/rewards"
)

func main() {
	rewards.Register(fewWords)
	cmd.Main()
}
