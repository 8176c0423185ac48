package rewards

import _ "embed"

// Contract is the text of reward.go, the types that a reward is written against. Compiled beside a user's .go file it
// stands for this package, so that such a file needs no module but the Go toolchain alone.
//
//go:embed reward.go
var Contract string
