package recipes

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/burnish-rl/burnish/rewards"
)

// defaultTimeout is the deadline of a completion in foreign code.
const defaultTimeout = 10 * time.Second

func rewardTable() table {
	return tableOf(rewards.All(), func(i rewards.Info) string { return i.Name }, func(i rewards.Info) rewards.Options { return i.New() }, laterKinds["rewards"])
}

// rewards decodes the list of judges.
func (d *decoder) rewards(n *yaml.Node) []Reward {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		d.reject(n, "rewards", "a list such as [{kind: json-valid}]")
		return nil
	}
	var out []Reward
	for i, item := range n.Content {
		path := fmt.Sprintf("rewards.%d", i)
		d.at[path] = item
		out = append(out, d.reward(item, path))
	}
	return out
}

func (d *decoder) reward(n *yaml.Node, path string) Reward {
	r := Reward{Weight: Weight{Score: 1}}
	var ways []string
	for _, key := range []string{"kind", "file", "command"} {
		if child(n, key) != nil {
			ways = append(ways, key)
		}
	}
	switch {
	case isNull(n) || n.Kind != yaml.MappingNode:
		d.reject(n, path, "a mapping such as {kind: json-valid}")
	case len(ways) == 0:
		d.report(n, "%s has no kind, want kind, file or command", path)
	case len(ways) > 1:
		d.report(n, "%s has %s, want one of them", path, strings.Join(ways, " and "))
	case ways[0] == "kind":
		common := struct {
			Weight Weight `yaml:"weight"`
		}{Weight{Score: 1}}
		c := choose[rewards.Options](d, n, path, "reward", "", rewardTable(), &common)
		r.Kind, r.Options, r.Weight = c.Kind, c.Options, common.Weight
	default:
		r.Timeout = defaultTimeout
		d.mapping(n, path, &r)
		d.checkForeign(r, ways[0], path)
	}
	return r
}

func (d *decoder) checkForeign(r Reward, way, path string) {
	switch {
	case way == "file" && !strings.HasSuffix(r.File, ".go"):
		d.refuse(path+".file", "%s.file is %s, want a .go file", path, show(r.File))
	case way == "command" && (len(r.Command) == 0 || r.Command[0] == ""):
		d.refuse(path+".command", "%s.command is empty, want a program and its arguments", path)
	}
	if r.Timeout <= 0 {
		d.refuse(path+".timeout", "%s.timeout is %v, want a duration above 0", path, r.Timeout)
	}
}
