package recipes

import (
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/burnish-rl/burnish/envs"
)

// EnvOptions makes an environment's options outside a recipe: kind by name, settings as "key=value".
func EnvOptions(kind string, settings []string) (envs.Options, error) {
	name := "environment " + show(kind)
	t := parseTree(name, []byte("env: {}"))
	t.set("env.kind=" + kind)
	for _, s := range settings {
		t.set("env." + s)
	}
	d := &decoder{tree: t, at: map[string]*yaml.Node{}, bad: map[string]bool{}}
	c := choose[envs.Options](d, child(t.root, "env"), "env", "environment", "", envTable(), nil)
	if len(d.problems) == 0 {
		return c.Options, nil
	}
	for i := range d.problems {
		p := &d.problems[i]
		p.Line, p.Where = 0, strings.Replace(p.Where, "--set env.kind="+kind, name, 1)
		p.Where = strings.Replace(p.Where, "--set env.", "--env ", 1)
	}
	d.problems.sort()
	return nil, d.problems
}
