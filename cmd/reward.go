package cmd

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/burnish-rl/burnish/recipes"
	"github.com/burnish-rl/burnish/recipes/resolve"
	"github.com/burnish-rl/burnish/rewards"
	"github.com/urfave/cli/v2"
)

func rewardCommand(t *term) *cli.Command {
	return &cli.Command{
		Name: "reward", Usage: "list, write and try rewards", UsageText: "burnish reward list | show NAME | new NAME | run NAME --in FILE",
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "the rewards of this program", UsageText: "burnish reward list",
				Description: "Examples:\n  burnish reward list\n  burnish reward list --json",
				Action:      func(c *cli.Context) error { return listRewards(t, c) },
			},
			{
				Name: "show", Usage: "a reward's options with their defaults", UsageText: "burnish reward show NAME",
				Description: "Examples:\n  burnish reward show answer\n  burnish reward show json-structure --json",
				Action:      func(c *cli.Context) error { return showReward(t, c) },
			},
			{
				Name: "new", Usage: "write the start of a reward in Go", UsageText: "burnish reward new NAME",
				Description: "Writes NAME.go, a commented reward that works as it is.\n\nExamples:\n  burnish reward new brevity\n  burnish train quickstart --reward brevity.go --set train.steps=5",
				Action:      func(c *cli.Context) error { return newReward(t, c) },
			},
			{
				Name: "run", Usage: "score the lines of a completions.jsonl", UsageText: "burnish reward run NAME|FILE.go --in completions.jsonl",
				Description: "A line needs \"text\"; \"reference\", \"stop\", \"prompt_ids\" and \"completion_ids\" are used where they are there.\n\nExamples:\n" +
					"  burnish reward run answer --in runs/quickstart/completions.jsonl\n  burnish reward run brevity.go --in runs/quickstart/completions.jsonl --json\n" +
					"  burnish reward run implicit-reward --set policy=runs/quickstart --set reference=builtin:tiny --in runs/quickstart/completions.jsonl",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "in", Usage: "`FILE` read these JSON Lines instead of standard input"},
					&cli.StringSliceFlag{Name: "set", Usage: "`KEY=VALUE` set an option of the reward; may be given again"},
					&cli.DurationFlag{Name: "timeout", Usage: "`TIME` deadline of one completion, for rewards in child processes", Value: 10 * time.Second},
				},
				Action: func(c *cli.Context) error { return runReward(t, c) },
			},
		},
	}
}

func listRewards(t *term, c *cli.Context) error {
	if err := wantArgs(c, 0, 0); err != nil {
		return err
	}
	var rows [][]field
	for _, i := range rewards.All() {
		rows = append(rows, []field{{"name", i.Name}, {"doc", i.Doc}, {"source", i.Source}})
	}
	t.records(rows)
	return nil
}

func showReward(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1); err != nil {
		return err
	}
	name := c.Args().First()
	info, ok := rewards.Lookup(name)
	if !ok {
		return unknownReward(name)
	}
	rows := []field{{"name", info.Name}, {"doc", info.Doc}, {"source", info.Source}}
	for _, o := range recipes.OptionsOf(info.New()) {
		text := o.Default
		if !t.json && o.Doc != "" {
			text += "   " + o.Doc
		}
		rows = append(rows, field{"option " + o.Key, text})
	}
	t.fields(rows)
	return nil
}

func unknownReward(name string) error {
	var names []string
	for _, i := range rewards.All() {
		names = append(names, i.Name)
	}
	hint := "rewards: " + strings.Join(names, ", ") + ", or a .go file"
	if near := nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usagef(hint, fmt.Sprintf("unknown reward %q", name))
}

func newReward(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1); err != nil {
		return err
	}
	name := strings.TrimSuffix(c.Args().First(), ".go")
	file := rewards.StarterFile(name)
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) // never over a file that is there
	if err != nil {
		return err
	}
	if _, err := f.Write(rewards.Starter(name)); err != nil {
		f.Close()
		os.Remove(file)
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	t.fields([]field{{"wrote", file}})
	t.note("try it: burnish reward run %s --in completions.jsonl, or burnish train quickstart --reward %s", file, file)
	return nil
}

// scoredLine is what a reward needs of a line of completions.jsonl.
type scoredLine struct {
	Text          *string `json:"text"`
	Stop          string  `json:"stop"`
	Reference     string  `json:"reference"`
	PromptIDs     []int32 `json:"prompt_ids"`
	CompletionIDs []int32 `json:"completion_ids"`
	Tokens        int     `json:"tokens"`
}

func runReward(t *term, c *cli.Context) error {
	if err := wantArgs(c, 1, 1); err != nil {
		return err
	}
	if d := c.Duration("timeout"); d <= 0 {
		return usagef("", fmt.Sprintf("--timeout %v, want more than 0", d))
	}
	reward, closer, err := openReward(t, c)
	if err != nil {
		return err
	}
	defer closer()
	list, err := rewards.NewComposite([]rewards.Weighted{{Name: c.Args().First(), Weight: 1, Reward: reward}})
	if err != nil {
		return err
	}
	var sum float64
	scored, missing := 0, 0
	err = t.eachLine(c, func(line []byte) error {
		var q scoredLine
		if err := decodeLine(line, &q); err != nil {
			return err
		}
		if q.Text == nil {
			return fmt.Errorf("no \"text\" in it")
		}
		a := rewards.Attempt{Text: *q.Text, Stop: q.Stop, Tokens: max(len(q.CompletionIDs), q.Tokens), Task: rewards.Task{Reference: q.Reference},
			PromptIDs: q.PromptIDs, IDs: q.CompletionIDs}
		r, err := list.Score(c.Context, a)
		if err != nil {
			return err
		}
		if r.Missing != "" {
			missing++
		} else {
			scored++
			sum += r.Score
		}
		t.showResult(q, r)
		return nil
	})
	if err != nil {
		return err
	}
	mean := math.NaN()
	if scored > 0 {
		mean = sum / float64(scored)
	}
	t.note("%d scored, mean %s; %d missing", scored, short(mean), missing)
	return nil
}

// openReward makes the reward that the argument names.
func openReward(t *term, c *cli.Context) (rewards.Reward, func(), error) {
	name := c.Args().First()
	w := recipes.Reward{File: name, Timeout: c.Duration("timeout")}
	if !strings.HasSuffix(name, ".go") {
		if _, ok := rewards.Lookup(name); !ok {
			return nil, nil, unknownReward(name)
		}
		options, err := recipes.RewardOptions(name, c.StringSlice("set"))
		if err != nil {
			return nil, nil, err
		}
		w = recipes.Reward{Kind: name, Options: options, Timeout: c.Duration("timeout")}
	}
	b, err := t.backend("")
	if err != nil {
		return nil, nil, err
	}
	return resolve.Reward(w, b, func(line string) { t.note("reward: %s", flat(line)) })
}

func (t *term) showResult(q scoredLine, r rewards.Result) {
	var score any = r.Score
	if r.Missing != "" {
		score = nil
	}
	if t.json {
		t.object([]field{{"score", score}, {"missing", r.Missing}, {"parts", r.Parts}, {"notes", r.Notes}})
		return
	}
	line := "missing: " + r.Missing
	if r.Missing == "" {
		line = fmt.Sprintf("%.4f", r.Score)
	}
	t.print(line + "\t" + clip(flat(*q.Text), 100) + "\n")
}
