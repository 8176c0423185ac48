package algos

// The clipped family: one objective, told apart by token weights, bounds and what a sample is compared with.

var grpo = Info{
	Name:   "grpo",
	Doc:    "group-relative policy optimisation: a sample is judged against the others of its prompt. No KL, as in TRL; the paper has k3 with 0.04",
	Source: "Shao et al. 2024, arXiv:2402.03300",
	New:    onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "group", Reduce: "sequence_mean"}),
}

var drGRPO = Info{
	Name:   "dr_grpo",
	Doc:    "GRPO without its two biases: no division by the deviation, none by the length. Its step shrinks with max_tokens: tune the rate again",
	Source: "Liu et al. 2025, arXiv:2503.20783",
	New:    onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "centred", Reduce: "constant"}),
}

var bnpo = Info{
	Name:   "bnpo",
	Doc:    "GRPO with every token of the step weighing the same; micro-batches change nothing, so it is dapo without clip-higher",
	Source: "Xiao et al. 2025, arXiv:2506.02864, as in TRL",
	New:    onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "group", Reduce: "token_mean"}),
}

var dapo = Info{
	Name:   "dapo",
	Doc:    "clip-higher, the mean over all tokens of the step, and only prompts whose samples are scored differently; overlong_buffer adds its cost on long answers",
	Source: "Yu et al. 2025, arXiv:2503.14476",
	New:    onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.28, Advantage: "group", Reduce: "token_mean", DynamicSampling: 10}),
}

var maxRL = Info{
	Name:   "maxrl",
	Doc:    "advantages divided by the prompt's mean reward: rarely solved prompts weigh more. Rewards must not be negative",
	Source: "arXiv:2602.02710",
	New:    onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "maxrl", Reduce: "token_mean"}),
}

var passAtK = Info{
	Name:   "pass_at_k",
	Doc:    "trains for one right answer among pass_k; rewards must be 0 or 1",
	Source: "Chen et al. 2025, arXiv:2508.10751",
	New:    onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "pass_at_k", PassK: 2, Reduce: "token_mean"}),
}

var bestMinusSecond = Info{
	Name:   "best_minus_second",
	Doc:    "only the best sample of a prompt is pushed, by how far it is ahead",
	Source: "Tang et al. 2025, arXiv:2503.19595, as in verl",
	New:    onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "best_minus_second", Reduce: "token_mean"}),
}

var gdpo = Info{
	Name:   "gdpo",
	Doc:    "GRPO with each part of the reward scaled on its own before they are added",
	Source: "TRL's normalize_then_sum, verl's gdpo",
	New:    onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "gdpo", Reduce: "sequence_mean"}),
}

var optimalToken = Info{
	Name:   "optimal_token",
	Doc:    "a baseline for each position of an answer, weighted by the energy of its gradient so far",
	Source: "verl's optimal_token_baseline",
	New:    onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "optimal_token", Reduce: "token_mean"}),
}
