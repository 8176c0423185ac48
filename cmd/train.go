package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/recipes/resolve"
	"github.com/burnish-rl/burnish/sweep"
	"github.com/burnish-rl/burnish/train"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/urfave/cli/v2"
)

// runsDir is where runs go that are not told where.
const runsDir = "runs"

func trainCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "train", Usage: "run a recipe",
		UsageText: "burnish train RECIPE [--set k=v]... [--out DIR] [--resume [DIR]] [--reward FILE] [--dry-run] [--allow-test]",
		Description: "RECIPE is a file or the name of a builtin recipe (burnish recipes list). Ctrl-C finishes the step and saves;\n" +
			"a second one quits at once. --resume goes on from the latest checkpoint.\n\nExamples:\n" +
			"  burnish train quickstart\n" +
			"  burnish train gsm8k-json-grpo --set model.from=SmolLM2.gguf --set env.path=data/gsm8k --dry-run\n" +
			"  burnish train --resume runs/quickstart-20260101-120000",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "set", Usage: "`KEY=VALUE` replace a key, such as train.steps=20; may be given again"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` run folder to write; without it runs/NAME-TIME"},
			&cli.StringFlag{Name: resumeFlag, Usage: "`[DIR]` go on with the run in this folder, or with the latest run of the recipe"},
			&cli.StringFlag{Name: "reward", Usage: "`FILE.go` one more reward, beside the recipe's"},
			&cli.BoolFlag{Name: "dry-run", Usage: "check everything, print data audit, memory and steps, and stop"},
			allowTest,
			&cli.IntFlag{Name: "stop-after", Usage: "`N` save and stop after this step"},
		},
		Action: func(c *cli.Context) error { return trainRecipe(t, c) },
	}
}

func trainRecipe(t *term, c *cli.Context) error {
	if err := wantArgs(c, 0, 1); err != nil {
		return err
	}
	if err := wantAtLeast(c, "stop-after", 0); err != nil {
		return err
	}
	recipe, dir, resume, err := planRun(c)
	if err != nil {
		return err
	}
	if where := recipe.TestSplit(); where != "" && !c.Bool("allow-test") {
		return sweep.TestSplitError(where)
	}
	backend, err := t.backend(recipe.Model.Precision)
	if err != nil {
		return err
	}
	opened, err := resolve.Open(c.Context, recipe, resolve.Options{Backend: backend, Log: func(line string) { t.note("reward: %s", flat(line)) }})
	if err != nil {
		return err
	}
	defer opened.Close()
	for _, n := range opened.Notes {
		t.note("%s", n)
	}
	if c.Bool("dry-run") {
		t.plan(opened)
		return nil
	}
	opened.In(dir, resume)
	opened.Config.StopAfter = c.Int("stop-after")
	progress := newProgress(t, filepath.Base(dir))
	defer progress.close()
	opened.Config.Observer = progress
	trainer, err := train.New(opened.Config)
	if err != nil {
		return err
	}
	t.note("%s", planLine(opened))
	if s := opened.EvalSetting(); s.Env != "" {
		t.note("evaluation: %s", s)
	}
	soft, hard := stopSignals(t, c.Context)
	return errors.Join(trainer.Run(soft, hard), trainer.Close())
}

// stopSignals gives a context that the first Ctrl-C or SIGTERM ends; the second ends the program at once.
func stopSignals(t *term, parent context.Context) (soft, hard context.Context) {
	soft, cancel := context.WithCancel(context.Background())
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	go func() {
		if parent.Err() == nil {
			<-ch
		}
		t.note("stopping after this step; once more to quit at once")
		cancel()
		<-ch
		t.note("quit; the last checkpoint is whole")
		os.Exit(exitInterrupted)
	}()
	return soft, context.Background()
}

// planRun finds the recipe and the folder: a new run, or an earlier one to go on with.
func planRun(c *cli.Context) (r *recipes.Recipe, dir string, resume bool, err error) {
	name := c.Args().First()
	resume = c.IsSet(resumeFlag)
	dir = c.String("out")
	if resume {
		if dir, err = resumeDir(c.String(resumeFlag), dir, name); err != nil {
			return nil, "", false, err
		}
	}
	switch {
	case name != "":
		r, err = recipes.Load(name, c.StringSlice("set")...)
	case resume:
		r, err = recipes.Load(filepath.Join(dir, run.RecipeFile), c.StringSlice("set")...)
	default:
		return nil, "", false, usagef("burnish recipes list", "no recipe given")
	}
	if err != nil {
		return nil, "", false, err
	}
	if file := c.String("reward"); file != "" && !(resume && name == "" && hasRewardFile(r, file)) {
		if r, err = r.WithRewardFile(file); err != nil {
			return nil, "", false, err
		}
	}
	if resume {
		return r, dir, true, sameRecipe(r, dir)
	}
	if dir == "" {
		dir = filepath.Join(runsDir, r.Name+"-"+time.Now().Format("20060102-150405"))
	} else if run.IsRun(dir) {
		return nil, "", false, usagef("go on with it by --resume, or choose another folder", dir+" already holds a run")
	}
	return r, dir, false, nil
}

// hasRewardFile says whether a saved recipe has the reward that --reward gave when the run began.
func hasRewardFile(r *recipes.Recipe, file string) bool {
	return slices.ContainsFunc(r.Rewards, func(w recipes.Reward) bool { return w.File == file })
}

// resumeDir is the folder to go on with: the one given, or the latest run of the recipe.
func resumeDir(given, out, recipe string) (string, error) {
	if given == "" {
		given = out
	}
	if given != "" {
		if !run.IsRun(given) {
			return "", usagef("a run folder holds "+run.RecipeFile, given+" is not a run folder")
		}
		return given, nil
	}
	if recipe == "" {
		return "", usagef("for example --resume runs/quickstart-20260101-120000", "--resume needs a folder or a recipe")
	}
	base := strings.TrimSuffix(filepath.Base(recipe), filepath.Ext(recipe))
	found, err := filepath.Glob(filepath.Join(runsDir, base+"-*"))
	if err != nil {
		return "", err
	}
	found = slices.DeleteFunc(found, func(d string) bool { return !run.IsRun(d) })
	if len(found) == 0 {
		return "", usagef("start it without --resume", fmt.Sprintf("no run of %s in %s", base, runsDir))
	}
	return slices.Max(found), nil
}

// sameRecipe refuses to go on with other settings than the run began with. The saved plan is used.
func sameRecipe(r *recipes.Recipe, dir string) error {
	saved, err := recipes.Load(filepath.Join(dir, run.RecipeFile))
	if err != nil {
		return err
	}
	for _, choice := range []struct {
		ours, theirs *int
		open         int // the value that leaves it to the plan
	}{
		{&r.Train.MicroBatchTokens, &saved.Train.MicroBatchTokens, 0}, {&r.Train.KeptLayers, &saved.Train.KeptLayers, 0},
		{&r.Train.RecordedLayers, &saved.Train.RecordedLayers, -1}, {&r.Train.MaxRunning, &saved.Train.MaxRunning, 0},
	} {
		if *choice.ours == choice.open {
			*choice.ours = *choice.theirs
		}
	}
	changed := recipes.Diff(saved, r)
	if len(changed) == 0 {
		return nil
	}
	return usagef("a run goes on with the recipe it began with; start a new run for other settings", "resume: the recipe has changed: "+strings.Join(changed, "; "))
}
