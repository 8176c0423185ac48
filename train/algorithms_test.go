package train

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/burnish-rl/burnish/algos"
)

var update = flag.Bool("update", false, "write docs/algorithms.md anew")

// TestAlgorithmsPage: docs/algorithms.md says what the registry says.
func TestAlgorithmsPage(t *testing.T) {
	const page = "../docs/algorithms.md"
	var b strings.Builder
	b.WriteString(`# Algorithms

A kind is a setting of the options below its name in ` + "`burnish recipes schema`" + `; each may be overridden:
` + "`algo: {kind: grpo, advantage: rloo, kl_coef: 0.02}`" + `. The objectives and estimators behind them are in ` + "`algos/loss`" + ` and
` + "`algos/advantage`" + `, each with its formula and source. This page is written by ` + "`go test ./train -run AlgorithmsPage -update`" + `.

| kind | what it is | source |
| --- | --- | --- |
`)
	for _, info := range algos.All() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", info.Name, info.Doc, info.Source)
	}
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != b.String() {
		t.Error("docs/algorithms.md is not what the registry says: go test ./train -run AlgorithmsPage -update")
	}
}
