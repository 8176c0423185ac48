package algos

// Kinds whose ratio of new to old policy is that of a whole answer.

var gspo = Info{
	Name:   "gspo",
	Doc:    "one clipped ratio an answer, the geometric mean of its tokens'",
	Source: "Zheng et al. 2025, arXiv:2507.18071",
	New:    onPolicy(OnPolicy{Term: "gspo", ClipLow: 3e-4, ClipHigh: 4e-4, Advantage: "group", Reduce: "sequence_mean"}),
}

var gspoToken = Info{
	Name:   "gspo_token",
	Doc:    "gspo with each token's own gradient, for advantages that differ within an answer",
	Source: "Zheng et al. 2025, arXiv:2507.18071",
	New:    onPolicy(OnPolicy{Term: "gspo_token", ClipLow: 3e-4, ClipHigh: 4e-4, Advantage: "group", Reduce: "sequence_mean"}),
}

var luspo = Info{
	Name:   "luspo",
	Doc:    "gspo with each answer weighing its length, so that long ones aren't discounted; the bounds are gspo's",
	Source: "arXiv:2602.05261",
	New:    onPolicy(OnPolicy{Term: "gspo", ClipLow: 3e-4, ClipHigh: 4e-4, Advantage: "group", Reduce: "sequence_sum"}),
}

var gmpo = Info{
	Name:   "gmpo",
	Doc:    "geometric mean of an answer's ratios, each clipped in the log",
	Source: "Zhao et al. 2025, arXiv:2507.20673",
	New:    onPolicy(OnPolicy{Term: "gmpo", ClipLow: 0.4, ClipHigh: 0.4, Advantage: "group", Reduce: "sequence_mean"}),
}

var vespo = Info{
	Name:   "vespo",
	Doc:    "each answer weighed by a smooth function of its whole ratio, held constant",
	Source: "arXiv:2602.10693",
	New:    onPolicy(OnPolicy{Term: "vespo", KPos: 2, LambdaPos: 3, KNeg: 3, LambdaNeg: 2, Advantage: "group", Reduce: "token_mean"}),
}

var rloo = Info{
	Name:   "rloo",
	Doc:    "reinforce leave-one-out: the mean of the other samples is the baseline, the KL is part of the reward, the ratio is that of the whole answer",
	Source: "Ahmadian et al. 2024, arXiv:2402.14740, as in TRL",
	New: onPolicy(OnPolicy{Term: "sequence_clip", ClipLow: 0.2, ClipHigh: 0.2, Advantage: "rloo", Reduce: "sequence_mean",
		KL: "k1", KLIn: "reward", KLCoef: 0.05}),
}
