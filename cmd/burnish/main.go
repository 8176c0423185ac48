// Command burnish is the command line of package cmd. Copy this file to add rewards, environments or algorithms of
// your own: register them here, before Main.
package main

import "github.com/burnish-rl/burnish/cmd"

func main() { cmd.Main() }
