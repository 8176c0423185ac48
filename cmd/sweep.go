package cmd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/burnish-rl/burnish/internal/bench"
	"github.com/burnish-rl/burnish/internal/compute"
	"github.com/burnish-rl/burnish/policy"
	"github.com/burnish-rl/burnish/sweep"
	"github.com/burnish-rl/burnish/train/run"
	"github.com/urfave/cli/v2"
)

// sweepsDir is where experiments go that are not told where.
const sweepsDir = "sweeps"

// allowTest lets a run see what is kept for the end.
var allowTest = &cli.BoolFlag{Name: "allow-test", Usage: "let env or eval_env name the split test, which is kept for the end"}

func sweepCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "sweep", Usage: "run an experiment: arms of a recipe over seeds, compared in pairs",
		UsageText: "burnish sweep FILE [--out DIR] [-j N] [--set k=v]... [--plan] [--time N] [--allow-test] | burnish sweep FILE... --page PAGE",
		Description: "FILE names a recipe or stages, arms, seeds and measures (bench/experiments has examples). A sweep that was stopped goes on\n" +
			"where it stood; runs that are over are not run again. The folder gets results.json, results.md and results.svg.\n" +
			"--page writes a document from the results/NAME.json beside each FILE.\n\nExamples:\n" +
			"  burnish sweep bench/experiments/2-oblr-po.yaml -j 2\n" +
			"  burnish sweep bench/experiments/*.yaml --page docs/experiments.md",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "`DIR` folder of the experiment; without it sweeps/NAME"},
			&cli.StringSliceFlag{Name: "set", Usage: "`KEY=VALUE` a setting of every arm, such as the model's path; may be given again"},
			&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: 1, Usage: "`N` runs at the same time; they divide threads and memory"},
			&cli.BoolFlag{Name: "plan", Usage: "check everything, print the runs, and stop"},
			&cli.BoolFlag{Name: "keep", Usage: "keep checkpoints and completions of finished runs"},
			&cli.IntFlag{Name: "time", Usage: "`N` when the runs are over, measure N steps of each arm alone: what seconds are made of"},
			&cli.StringFlag{Name: "page", Usage: "`PAGE` write results that are there as one Markdown document, and run nothing"},
			allowTest,
		},
		Action: func(c *cli.Context) error {
			if c.String("page") != "" {
				return sweepPage(t, c)
			}
			return sweepRun(t, c)
		},
	}
}

func sweepRun(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1); err != nil {
		return err
	}
	if err := within(c, 1024, "jobs"); err != nil {
		return err
	}
	if err := wantAtLeast(c, "time", 0); err != nil {
		return err
	}
	d, err := sweep.Load(c.Args().First(), c.StringSlice("set")...)
	if err != nil {
		return err
	}
	dir := c.String("out")
	if dir == "" {
		dir = filepath.Join(sweepsDir, d.Name)
	}
	if c.Bool("plan") {
		t.sweepPlan(d)
		return nil
	}
	jobs := c.Int("jobs")
	threads := t.threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	soft, hard := stopSignals(t, c.Context)
	start := time.Now()
	o := sweep.Options{
		Dir: dir, Jobs: jobs, AllowTest: c.Bool("allow-test"), Keep: c.Bool("keep"),
		Backend: func(precision string) (compute.Backend, error) {
			return policy.CPU(policy.CPUOptions{Threads: max(threads/jobs, 1), Precision: precision})
		},
		Tell: func(e sweep.Event) { t.sweepEvent(e, start) },
	}
	if err = d.Run(soft, hard, o); err == nil && c.Int("time") > 0 {
		o.Backend = t.backend
		err = d.Time(soft, o, c.Int("time"), func() func() float64 { return bench.StartMeter().Foreign })
	}
	results, collected := d.Collect(dir, Version)
	if collected != nil {
		return errors.Join(err, collected)
	}
	table := results.Table()
	for name, text := range map[string]string{"results.md": table, "results.svg": results.Picture()} {
		if werr := run.Replace(filepath.Join(dir, name), []byte(text)); werr != nil {
			return errors.Join(err, werr)
		}
	}
	if werr := results.Write(filepath.Join(dir, "results.json")); werr != nil {
		return errors.Join(err, werr)
	}
	t.sweepResults(results, table)
	return err
}

// sweepEvent tells of a run that began or ended.
func (t *term) sweepEvent(e sweep.Event, start time.Time) {
	what := map[sweep.State]string{sweep.Begun: "begun", sweep.Finished: "finished", sweep.Diverged: "diverged: " + e.Text, sweep.Found: "was finished"}[e.State]
	t.note("%d/%d  %s  %s: %s", e.Done, e.Total, time.Since(start).Round(time.Second), e.Run, what)
}

// sweepPlan prints the arms.
func (t *term) sweepPlan(d *sweep.Design) {
	var rows [][]field
	for _, a := range d.Arms {
		against := any(nil)
		if a.Against != "" {
			against = a.Against
		}
		rows = append(rows, []field{{"arm", a.Name}, {"against", against}, {"runs", len(d.Seeds)}})
	}
	t.records(rows)
}

// sweepResults prints the tables for people, the comparisons for machines.
func (t *term) sweepResults(r *sweep.Results, table string) {
	if !t.json {
		t.print(table)
		return
	}
	for _, c := range r.Comparisons {
		t.object([]field{{"measure", c.Measure}, {"arm", c.Arm}, {"against", c.Against}, {"n", c.N}, {"mean", c.Mean}, {"low", c.Low}, {"high", c.High},
			{"p", c.P}, {"holm", c.Holm}, {"detectable", c.Detectable}, {"shown", c.Shown}, {"note", c.Note}})
	}
}

// sweepPage writes the document of several experiments.
func sweepPage(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1000); err != nil {
		return err
	}
	page := c.String("page")
	var sections []sweep.Section
	for _, path := range c.Args().Slice() {
		s, err := sectionOf(path, page)
		if err != nil {
			return err
		}
		sections = append(sections, s)
	}
	if err := run.Replace(page, []byte(sweep.Page(sections)+"\n## How to read the tables\n\n"+sweep.Reading)); err != nil {
		return fmt.Errorf("--page: %w", err)
	}
	return nil
}

// sectionOf is an experiment's part of the page, whichever kind it is.
func sectionOf(path, page string) (sweep.Section, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return sweep.Section{}, err
	}
	if bench.IsVariance(data) {
		return bench.VarianceSection(path)
	}
	d, err := sweep.Describe(path)
	if err != nil {
		return sweep.Section{}, err
	}
	return d.Section(page)
}
