package train

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"github.com/burnish-rl/burnish/rewards"
	"github.com/burnish-rl/burnish/rewards/runner"
	"github.com/burnish-rl/burnish/train/run"
)

// deadlinesFile lists the completions that a reward's deadline struck. A wall clock would strike others the next time,
// so the list is never cut back, and a resumed run misses the same scores without waiting.
const deadlinesFile = "deadlines.jsonl"

// deadlineLine is one line of it.
type deadlineLine struct {
	rewards.Place
	Reward string `json:"reward"`
	Reason string `json:"reason"`
}

// struckReward is a reward whose deadlines are recorded and replayed: one in a child process.
type struckReward interface {
	Struck() []runner.Strike
	Replay([]runner.Strike)
}

// deadlines is the record of a run.
type deadlines struct {
	folder *run.Folder
	known  map[deadlineLine]bool
	log    *run.Log // nil until something is struck
}

// openDeadlines reads the record of an earlier process, if there is one, and tells the rewards.
func openDeadlines(f *run.Folder, list *rewards.Composite) (*deadlines, error) {
	d := &deadlines{folder: f, known: map[deadlineLine]bool{}}
	file, err := os.Open(f.Path(deadlinesFile))
	if errors.Is(err, fs.ErrNotExist) || list == nil {
		return d, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	byReward := map[string][]runner.Strike{}
	for sc := bufio.NewScanner(file); sc.Scan(); {
		var l deadlineLine
		if json.Unmarshal(sc.Bytes(), &l) != nil { // torn by a crash
			continue
		}
		d.known[l] = true
		byReward[l.Reward] = append(byReward[l.Reward], runner.Strike{Place: l.Place, Reason: l.Reason})
	}
	for _, w := range list.List {
		if s, ok := w.Reward.(struckReward); ok && len(byReward[w.Name]) > 0 {
			s.Replay(byReward[w.Name])
		}
	}
	return d, nil
}

// record appends what was struck since the last call, and makes it durable.
func (d *deadlines) record(list *rewards.Composite) error {
	var lines []any
	for _, w := range list.List {
		s, ok := w.Reward.(struckReward)
		if !ok {
			continue
		}
		for _, x := range s.Struck() {
			l := deadlineLine{x.Place, w.Name, x.Reason}
			if !d.known[l] {
				d.known[l] = true
				lines = append(lines, l)
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if d.log == nil {
		var err error
		if d.log, err = d.folder.OpenLog(deadlinesFile, math.MaxInt); err != nil {
			return fmt.Errorf("deadlines: %w", err)
		}
	}
	if err := d.log.Append(lines...); err != nil {
		return err
	}
	return d.log.Sync()
}

func (d *deadlines) close() error {
	if d == nil || d.log == nil {
		return nil
	}
	return d.log.Close()
}
