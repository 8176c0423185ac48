package algos

// The plain policy gradient, told apart by its baseline.

var reinforce = Info{
	Name:   "reinforce",
	Doc:    "the plain policy gradient with the prompt's mean reward as its baseline; advantage none takes that away",
	Source: "Williams 1992",
	New:    onPolicy(OnPolicy{Term: "reinforce", Advantage: "centred", Reduce: "token_mean"}),
}

var gpg = Info{
	Name:   "gpg",
	Doc:    "the plain policy gradient, scaled up for the samples that have no reward",
	Source: "Chu et al. 2025, arXiv:2504.02546, as in verl",
	New:    onPolicy(OnPolicy{Term: "reinforce", Advantage: "gpg", Reduce: "token_mean"}),
}

var opo = Info{
	Name:   "opo",
	Doc:    "the plain policy gradient with the baseline of least variance when gradients grow with length; strictly on policy",
	Source: "Hao et al. 2025, arXiv:2505.23585",
	New:    onPolicy(OnPolicy{Term: "reinforce", Advantage: "opo", Reduce: "token_mean"}),
}

var reMax = Info{
	Name:   "remax",
	Doc:    "the plain policy gradient with the greedy completion's reward as its baseline",
	Source: "Li et al. 2023, arXiv:2310.10505",
	New:    onPolicy(OnPolicy{Term: "reinforce", Advantage: "remax", Reduce: "sequence_sum"}),
}

var reinforcePP = Info{
	Name:   "reinforce_pp",
	Doc:    "no groups: returns whitened over all tokens of the step; kl_coef makes the KL a cost along the answer",
	Source: "Hu et al. 2025, arXiv:2501.03262",
	New: onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "reinforce_pp", Reduce: "token_mean",
		KL: "k1", KLIn: "reward"}),
}

var reinforcePPBaseline = Info{
	Name:   "reinforce_pp_baseline",
	Doc:    "reinforce_pp with the prompt's mean reward taken out first; its KL is k2 in the loss",
	Source: "Hu et al. 2025, arXiv:2501.03262",
	New: onPolicy(OnPolicy{Term: "clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "reinforce_pp_baseline", Reduce: "token_mean",
		KL: "k2"}),
}
