package resolve

import "github.com/burnish-rl/burnish/train/eval"

// EvalSetting describes the run's evaluations; it is empty when there are none.
func (r *Run) EvalSetting() eval.Setting {
	e := r.Config.Eval
	held, ok := HeldOut(r.Recipe)
	if e.Env == nil || !ok {
		return eval.Setting{}
	}
	name := r.Recipe.EvalEnv.Kind
	if name == "" {
		name = r.Recipe.Env.Kind
	}
	kind := eval.Text
	if task, err := e.Env.Task(0); err == nil {
		kind = eval.KindOf(task.Schema)
	}
	return eval.SettingOf(name, held, kind, e.Limit, e.Decoding)
}
