package serve

import "embed"

// Sources are this package's files, which are compiled together with a user's .go file.
//
//go:embed protocol.go serve.go descriptors_unix.go descriptors_other.go
var Sources embed.FS
