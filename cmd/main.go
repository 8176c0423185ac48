// Package cmd is the command line: [Main] and one verb a file. term.go holds all printing. A program that adds its own
// rewards, environments or algorithms registers them and calls Main (see cmd/burnish/main.go).
package cmd

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/burnish-rl/burnish/rewards/runner"
	"github.com/urfave/cli/v2"
)

// Exit codes.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// Main runs the command line of os.Args and exits. When the program was started as a reward worker it serves instead.
func Main() {
	if runner.IsWorker() {
		os.Exit(runner.WorkerMain())
	}
	ignoreFileSizeSignal()
	os.Exit(execute(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// execute is Main without the process around it.
func execute(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	t := newTerm(stdin, stdout, stderr)
	app := newApp(t)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := app.RunContext(ctx, reorder(app, args))
	t.close()
	if err == nil {
		return exitOK
	}
	return t.fail(err)
}

func newApp(t *term) *cli.App {
	app := &cli.App{
		Name:      "burnish",
		Usage:     "post-training for language models: SFT, GRPO, rewards, evaluation",
		UsageText: "burnish VERB [ARGUMENTS] [FLAGS]",
		Description: "Two examples:\n\n" +
			"  burnish train quickstart\n" +
			"  burnish eval arith-json --model builtin:tiny --limit 50",
		Commands: []*cli.Command{
			trainCommand(t), evalCommand(t), sampleCommand(t), chatCommand(t), recipesCommand(t), modelCommand(t),
			rewardCommand(t), envCommand(t), benchCommand(t), versionCommand(t),
		},
		Reader: t.in, Writer: t.out, ErrWriter: t.err,
		Suggest: true, DisableSliceFlagSeparator: true, HideVersion: true, HideHelpCommand: true,
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return unknownVerb(c, c.App.Commands, "burnish")
			}
			return cli.ShowAppHelp(c)
		},
		OnUsageError:   usageError,
		ExitErrHandler: func(*cli.Context, error) {}, // execute prints errors
	}
	finish(t, app.Commands)
	return app
}

// finish gives every verb the flags that all have, and the same manners.
func finish(t *term, commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = usageError
		c.HideHelpCommand = true
		if len(c.Subcommands) > 0 {
			finish(t, c.Subcommands)
			group := c
			c.Action = func(ctx *cli.Context) error {
				if ctx.NArg() > 0 {
					return unknownVerb(ctx, group.Subcommands, "burnish "+group.Name)
				}
				return cli.ShowSubcommandHelp(ctx)
			}
			continue
		}
		c.Flags = append(c.Flags, commonFlags()...)
		before := c.Before
		c.Before = func(ctx *cli.Context) error {
			if err := t.configure(ctx); err != nil {
				return err
			}
			if before != nil {
				return before(ctx)
			}
			return nil
		}
	}
}

func commonFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "print JSON lines"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print results and errors only"},
		&cli.IntFlag{Name: "threads", Usage: "threads to compute with; 0 means all cores"},
	}
}

// usage is a mistake in how the program was called.
type usage struct {
	error
	hint string
}

func (u usage) Hint() string  { return u.hint }
func (u usage) Unwrap() error { return u.error }

func usagef(hint, text string) error { return usage{errors.New(text), hint} }

func usageError(c *cli.Context, err error, _ bool) error {
	hint := "see '" + commandPath(c) + " --help'"
	if s := suggestFlag(c, err.Error()); s != "" {
		hint = "did you mean " + s + "?"
	}
	return usage{err, hint}
}

// wantArgs checks the number of arguments.
func wantArgs(c *cli.Context, least, most int) error {
	if n := c.NArg(); n < least || n > most {
		text := "missing argument"
		if n > most {
			text = "unexpected argument " + quote(c.Args().Get(most))
		}
		return usagef("usage: "+c.Command.UsageText, text)
	}
	return nil
}
