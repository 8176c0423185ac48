package cmd

import (
	"runtime"
	"runtime/debug"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/urfave/cli/v2"
)

// Version is the release, set by the linker.
var Version = "0.1.0-dev"

func versionCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version, the Go release and the compute kernels in use",
		UsageText:   "burnish version [--json]",
		Description: "Examples:\n  burnish version\n  burnish version --json",
		Action: func(c *cli.Context) error {
			if err := wantArgs(c, 0, 0); err != nil {
				return err
			}
			rows := []field{{"version", Version}, {"go", runtime.Version()}, {"platform", runtime.GOOS + "/" + runtime.GOARCH}, {"kernels", cpu.New(t.threads).Name()}}
			if info, ok := debug.ReadBuildInfo(); ok {
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						rows = append(rows, field{"revision", s.Value})
					}
				}
			}
			t.fields(rows)
			return nil
		},
	}
}
