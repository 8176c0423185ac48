package recipes

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/burnish-rl/burnish/algos"
	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/rewards"
)

// EnvOptions makes an environment's options outside a recipe: kind by name, settings as "key=value".
func EnvOptions(kind string, settings []string) (envs.Options, error) {
	return optionsOf[envs.Options]("env", "environment", kind, settings, envTable())
}

// RewardOptions makes a registered reward's options in the same way.
func RewardOptions(kind string, settings []string) (rewards.Options, error) {
	return optionsOf[rewards.Options]("reward", "reward", kind, settings, rewardTable())
}

// AlgoOptions makes an algorithm's options in the same way.
func AlgoOptions(kind string, settings []string) (algos.Options, error) {
	return optionsOf[algos.Options]("algo", "algorithm", kind, settings, algoTable())
}

// optionsOf decodes settings as if they stood in a recipe's section; problems name the flags they came from.
func optionsOf[T validator](section, what, kind string, settings []string, in table) (none T, err error) {
	name := what + " " + show(kind)
	t := parseTree(name, []byte(section+": {}"))
	t.set(section + ".kind=" + kind)
	for _, s := range settings {
		t.set(section + "." + s)
	}
	d := &decoder{tree: t, at: map[string]*yaml.Node{}, bad: map[string]bool{}}
	c := choose[T](d, child(t.root, section), section, what, "", in, nil)
	if len(d.problems) == 0 {
		return c.Options, nil
	}
	for i := range d.problems {
		p := &d.problems[i]
		p.Line, p.Where = 0, strings.Replace(p.Where, "--set "+section+".kind="+kind, section, 1)
		p.Where = strings.Replace(p.Where, "--set "+section+".", "--set ", 1)
	}
	d.problems.sort()
	return none, d.problems
}

// Option is one key of a plug-in.
type Option struct{ Key, Default, Doc string }

// OptionsOf lists a plug-in's options with their defaults.
func OptionsOf(options any) []Option {
	v := reflect.Indirect(reflect.ValueOf(options))
	if !v.IsValid() || v.Kind() != reflect.Struct {
		return nil
	}
	var out []Option
	for i := range v.NumField() {
		if key := keyOf(v.Type().Field(i)); key != "" {
			n := nodeOf(v.Field(i))
			value := n.Value
			if n.Kind != yaml.ScalarNode {
				data, _ := yaml.Dump(n)
				value = strings.TrimSpace(string(data))
			}
			out = append(out, Option{key, value, docOf(v.Type(), key)})
		}
	}
	return out
}
