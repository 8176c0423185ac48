// Package cmd is the command line: [Main] and one verb a file. term.go and screen.go hold all printing. A program that
// adds its own rewards, environments or algorithms registers them and calls Main (see cmd/burnish/main.go).
package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/burnish-rl/burnish/internal/compute/cpu"
	"github.com/burnish-rl/burnish/rewards/runner"
	"github.com/urfave/cli/v2"
)

// program is what messages call us.
const program = "burnish"

// Exit codes.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// gcPercent lets the heap grow by this share before it is collected. Nearly all of it is tensors, which cost the
// collector nothing to look at; at Go's 100 garbage would take as much memory as the model (SmolLM2, SFT of all
// weights: 5.1 GB at the peak, 4.5 GB at 20, the same speed).
const gcPercent = 20

// Main runs the command line of os.Args and exits. When the program was started as a reward worker it serves instead.
func Main() {
	if runner.IsWorker() {
		os.Exit(runner.WorkerMain())
	}
	ignoreFileSizeSignal()
	debug.SetGCPercent(gcPercent)
	os.Exit(execute(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// execute is Main without the process around it.
func execute(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	t := newTerm(stdin, stdout, stderr)
	defer func() {
		if p := recover(); p != nil {
			code = t.fail(internal(p, debug.Stack()))
		}
	}()
	app := newApp(t)
	line := parse(app, args)
	err := t.run(app, line)
	if err == nil {
		err = t.broken
	}
	if err != nil {
		return t.fail(err)
	}
	return exitOK
}

func (t *term) run(app *cli.App, line call) error {
	if line.help {
		t.print(helpText(app, line.path))
		return nil
	}
	if err := line.check(app); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return app.RunContext(ctx, line.words(program))
}

// internal is a bug of ours. The stack is for us, so it goes to a file.
func internal(p any, stack []byte) error {
	if worker, ok := p.(*cpu.Panic); ok {
		stack = append(append(worker.Stack, '\n'), stack...)
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("%s-crash-%d.txt", program, os.Getpid()))
	hint := "this is a bug in burnish, please report it"
	if os.WriteFile(path, fmt.Appendf(nil, "panic: %v\n\n%s", p, stack), 0o600) == nil {
		hint += " with " + path
	}
	return hinted{fmt.Errorf("internal: %v", p), hint}
}

// hinted is an error with a remedy.
type hinted struct {
	error
	hint string
}

func (h hinted) Hint() string  { return h.hint }
func (h hinted) Unwrap() error { return h.error }

func newApp(t *term) *cli.App {
	app := &cli.App{
		Name:      program,
		Usage:     "post-training for language models: SFT, GRPO, rewards, evaluation",
		UsageText: "burnish VERB [ARGUMENTS] [FLAGS]",
		Description: "Examples:\n" +
			"  burnish train quickstart\n" +
			"  burnish eval arith-json --model builtin:tiny --limit 50",
		Commands: []*cli.Command{
			trainCommand(t), sweepCommand(t), evalCommand(t), sampleCommand(t), chatCommand(t), recipesCommand(t), modelCommand(t),
			rewardCommand(t), envCommand(t), pairsCommand(t), forecastCommand(t), benchCommand(t), doctorCommand(t), versionCommand(t),
		},
		Reader: t.in, Writer: t.out, ErrWriter: t.err,
		DisableSliceFlagSeparator: true, HideVersion: true, HideHelp: true,
		OnUsageError:   usageError,
		ExitErrHandler: func(*cli.Context, error) {}, // execute prints errors
	}
	app.Action = func(*cli.Context) error {
		t.print(helpText(app, nil))
		return nil
	}
	finish(t, app, nil, app.Commands)
	return app
}

// finish gives every verb the flags that all have, and the same manners.
func finish(t *term, app *cli.App, above, commands []*cli.Command) {
	for _, c := range commands {
		path := append(above[:len(above):len(above)], c)
		c.OnUsageError = usageError
		c.HideHelp = true
		if len(c.Subcommands) > 0 {
			finish(t, app, path, c.Subcommands)
			c.Action = func(*cli.Context) error {
				t.print(helpText(app, path))
				return nil
			}
			continue
		}
		c.Flags = append(c.Flags, commonFlags()...)
		c.Before = t.configure
	}
}

func commonFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "print JSON lines"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print results and errors only"},
		&cli.IntFlag{Name: "threads", Usage: "`N` threads to compute with; 0 is one a core"},
	}
}
