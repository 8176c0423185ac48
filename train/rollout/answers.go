package rollout

import (
	"fmt"

	"github.com/burnish-rl/burnish/envs"
	"github.com/burnish-rl/burnish/policy"
)

// answer is the tokens of an answer with the end-of-sequence token.
func answer(m *policy.Model, text string) []int32 {
	ids := m.Encode(text)
	if eos, ok := m.EOS(); ok {
		ids = append(ids, eos)
	}
	return ids
}

// Pair is the tokens of a task's better and worse answer.
func Pair(m *policy.Model, task envs.Task) (chosen, rejected []int32, err error) {
	p := task.Pair
	if p.IsZero() {
		return nil, nil, fmt.Errorf("task %s has no pair of a chosen and a rejected answer", task.ID)
	}
	if len(p.ChosenIDs) == 0 {
		return answer(m, p.Chosen), answer(m, p.Rejected), nil
	}
	for _, ids := range [][]int32{p.ChosenIDs, p.RejectedIDs} {
		if err := m.CheckIDs(ids); err != nil {
			return nil, nil, fmt.Errorf("task %s: its pair: %w", task.ID, err)
		}
	}
	return p.ChosenIDs, p.RejectedIDs, nil
}

// Answers is the tokens of the answers that a task has under so many principles.
func Answers(m *policy.Model, task envs.Task, principles int) ([][]int32, error) {
	if len(task.Answers) != principles {
		return nil, fmt.Errorf("task %s has %d answers written under principles, want one for each of the %d", task.ID, len(task.Answers), principles)
	}
	out := make([][]int32, len(task.Answers))
	for i, text := range task.Answers {
		out[i] = answer(m, text)
	}
	return out, nil
}

// Under puts a prompt under each of several principles, which become its system message.
func Under(m *policy.Model, p Prompt, principles []string) ([]Prompt, error) {
	if len(p.Task.Messages) == 0 || p.Task.Messages[0].Role == "system" {
		return nil, fmt.Errorf("task %s: principles are system messages: want a prompt of messages without one", p.Task.ID)
	}
	out := make([]Prompt, len(principles))
	for i, principle := range principles {
		out[i] = p
		out[i].Slot = p.Slot*len(principles) + i
		out[i].Task.Messages = append([]envs.Message{{Role: "system", Content: principle}}, p.Task.Messages...)
		var err error
		if out[i].IDs, err = renderTask(m, out[i].Task); err != nil {
			return nil, fmt.Errorf("task %s: %w", p.Task.ID, err)
		}
	}
	return out, nil
}
