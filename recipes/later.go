package recipes

// laterKeys are keys of later versions, refused by name; the text says what to do instead.
var laterKeys = map[string]string{
	"rollout.grammar":      "",
	"rollout.loss_logp":    ", losses use the full vocabulary's log-probs",
	"rollout.greedy":       ", advantage remax brings a greedy completion",
	"algo.scale_rewards":   ", see advantage",
	"algo.loss_correction": "",
	"model.quantize":       "",
	"train.tensorboard":    ", see metrics.jsonl",
	"train.report":         ", see metrics.jsonl",
	"train.ema":            "",
	"eval":                 ", see train.eval_every and eval_env",
	"stages":               ", see burnish sweep, or run one recipe after the other",
}

// laterKinds are plug-ins of later versions that no registry lists.
var laterKinds = map[string][]string{
	"adapter":     {"dora", "vera", "prefix", "ia3"},
	"env":         {"parquet", "math", "gsm-plus"},
	"env.sampler": {"interleave"},
	"rewards":     {"json-schema", "math", "http", "remote", "regex"},
}
