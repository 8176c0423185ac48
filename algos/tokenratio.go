package algos

// Kinds that bound each token's ratio in another way than by PPO's clip.

var cispo = Info{
	Name:   "cispo",
	Doc:    "the importance weight is bounded and held constant, so no token is ever dropped",
	Source: "MiniMax-M1, arXiv:2506.13585",
	New:    onPolicy(OnPolicy{Term: "cispo", Limit: 5, Advantage: "group", Reduce: "token_mean"}),
}

var sapo = Info{
	Name:   "sapo",
	Doc:    "a soft gate in place of the clip",
	Source: "Gao et al. 2025, arXiv:2511.20347",
	New:    onPolicy(OnPolicy{Term: "sapo", TauPos: 1, TauNeg: 1.05, Advantage: "group", Reduce: "sequence_mean"}),
}

var dppoTV = Info{
	Name:   "dppo_tv",
	Doc:    "a trust region in probability, not in ratio",
	Source: "verl's dppo_tv",
	New:    onPolicy(OnPolicy{Term: "dppo_tv", ClipLow: 0.2, ClipHigh: 0.2, Limit: 20, Advantage: "group", Reduce: "token_mean"}),
}

var dro = Info{
	Name:   "dro",
	Doc:    "no clip: a square holds the policy near the one that sampled",
	Source: "Richemond et al. 2024, arXiv:2405.19107, as in verl",
	New:    onPolicy(OnPolicy{Term: "dro", Pull: 0.1, Advantage: "group", Reduce: "token_mean"}),
}
