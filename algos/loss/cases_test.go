package loss

// objectiveCase is one objective at the setting of its golden row; a new objective is one line and one row.
type objectiveCase struct {
	name    string
	obj     Objective
	reduce  Reduction
	couples Coupling
	wide    bool // the reference that lies beyond the guards
	factor  func(g golden, in Inputs) ([]float64, error)
}

func token(name string, obj Objective, reduce Reduction) objectiveCase {
	return objectiveCase{name: name, obj: obj, reduce: reduce}
}

func sequence(name string, obj Objective, reduce Reduction) objectiveCase {
	return objectiveCase{name: name, obj: obj, reduce: reduce, couples: BySequence}
}

func pair(name string, obj Objective) objectiveCase {
	return objectiveCase{name: name, obj: obj, reduce: SequenceMean, couples: ByPair}
}

func dpo(name string, loss PairLoss) objectiveCase { return pair(name, DPO{Loss: loss}.Objective()) }

func batch(name string, obj Objective) objectiveCase {
	return objectiveCase{name: name, obj: obj, reduce: SequenceMean, couples: ByBatch}
}

func wide(name string, phi Divergence, beta float64, guard bool) objectiveCase {
	return objectiveCase{name: name, obj: Implicit(phi, beta, guard), reduce: TokenMean, wide: true}
}

func masked(name string, o Objective, reduce Reduction, f func(g golden, in Inputs) ([]float64, error)) objectiveCase {
	return objectiveCase{name: name, obj: Multiplied(o), reduce: reduce, factor: f}
}

func importance(kind string) func(g golden, in Inputs) ([]float64, error) {
	return func(g golden, in Inputs) ([]float64, error) {
		return Importance(kind, in.Old, g.trained(g.Inputs.Sampler), in.Lengths, 3)
	}
}

var half = 0.5

// cases is every objective.
var cases = []objectiveCase{
	token("sft_token_mean", NLL(), TokenMean),
	token("sft_seq_mean", NLL(), SequenceMean),
	token("sft_seq_sum", NLL(), SequenceSum),
	token("dft", DFT(), TokenMean),
	token("fsft_tv", Implicit(TotalVariation, 1, true), TokenMean),
	token("fsft_chi2", Implicit(ChiSquare, 1, false), TokenMean),
	token("fsft_chi2_sat", Implicit(ChiSquare, 1, true), TokenMean),
	token("fsft_hellinger_safe", Implicit(Hellinger, 1, true), TokenMean),
	token("fsft_hellinger_beta0.5", Implicit(Hellinger, 0.5, false), TokenMean),
	token("fsft_js", Implicit(JensenShannon, 1, false), TokenMean),
	token("fsft_forward_kl_beta0.5", Implicit(ForwardKL, 0.5, false), TokenMean),
	token("fsft_reverse_kl", Implicit(ReverseKL, 1, false), TokenMean),
	sequence("fsft_chi2_seq_norm", ImplicitSequence(ChiSquare, 0.5, false), SequenceMean),
	wide("fsft_chi2_guard_wide", ChiSquare, 1, true),
	wide("fsft_hellinger_guard_wide", Hellinger, 1, true),
	wide("fsft_js_guard_wide", JensenShannon, 1, true),
	wide("fsft_forward_kl_guard_wide", ForwardKL, 1, true),
	wide("fsft_reverse_kl_guard_wide", ReverseKL, 2, true),
	wide("fsft_chi2_wide", ChiSquare, 1, false),
	wide("fsft_reverse_kl_wide", ReverseKL, 2, false),

	dpo("dpo_sigmoid", Logistic(0.1)),
	dpo("dpo_cdpo", Conservative(0.1, 0.1)),
	dpo("dpo_robust", Robust(0.1, 0.1)),
	dpo("dpo_hinge", Hinge(0.1)),
	pair("dpo_ipo_len_norm", DPO{Loss: IPO(0.1), PerToken: true}.Objective()),
	dpo("dpo_ipo_sum", IPO(0.1)),
	pair("dpo_sigmoid_norm", DPO{Loss: Logistic(0.1), PerToken: true}.Objective()),
	dpo("dpo_exo_pair", EXO(0.1, 1e-3)),
	dpo("dpo_nca_pair", NCA(0.1)),
	dpo("dpo_bco_pair", BCO(0.1)),
	dpo("dpo_sppo_hard", SPPO(0.1)),
	batch("dpo_aot", AOT(0.1)),
	batch("dpo_aot_unpaired", AOTUnpaired(0.1)),
	dpo("dpo_apo_zero", APOZero(0.1)),
	dpo("dpo_apo_down", APODown(0.1)),
	dpo("dpo_discopop", DiscoPOP(0.1, 0.05)),
	dpo("dpo_dpop", DPOP(0.1, 5)),
	pair("dpo_rdpo", DPO{Loss: Logistic(0.1), LengthCost: 0.01 / 0.1}.Objective()),
	pair("dpo_rpo", DPO{Loss: Logistic(0.1), Likelihood: 1}.Objective()),
	pair("dpo_ld", DPO{Loss: Logistic(0.1), TailWeight: &half}.Objective()),
	pair("dpo_wpo", DPO{Loss: Logistic(0.1), Weighted: true}.Objective()),
	pair("dpo_f_forward_kl", DPO{Loss: Logistic(0.1), Divergence: ForwardKLRatio}.Objective()),
	pair("dpo_f_js", DPO{Loss: Logistic(0.1), Divergence: JensenShannonRatio}.Objective()),
	pair("dpo_f_alpha0.5", DPO{Loss: Logistic(0.1), Divergence: AlphaRatio(0.5)}.Objective()),
	pair("simpo", SimPO(2, 1)),
	pair("alphapo", AlphaPO(2, 1, 0.25)),
	pair("cpo_sigmoid", CPO(Logistic(0.1), false, 1)),
	pair("cpo_hinge", CPO(Hinge(0.1), false, 1)),
	pair("cpo_ipo", CPO(IPO(0.1), true, 1)),
	pair("cpo_smoothed", CPO(Conservative(0.1, 0.1), false, 1)),
	pair("orpo", ORPO(0.1)),
	sequence("kto", KTO(0.1, 1, 1), SequenceMean),
	sequence("kto_weighted", KTO(0.1, 1.33, 1), SequenceMean),
	sequence("kto_apo_zero_unpaired", KTOZero(0.1, 1, 1), SequenceMean),
	batch("bco_shifted", BCOShifted(0.1)),
	{name: "sami_sum", obj: SAMI(false), reduce: SequenceMean, couples: ByGroup},
	{name: "sami_mean", obj: SAMI(true), reduce: SequenceMean, couples: ByGroup},

	token("reinforce_token_mean", Reinforce(), TokenMean),
	token("grpo", Clip(0.2, 0.2), SequenceMean),
	token("bnpo_or_dapo_norm", Clip(0.2, 0.2), TokenMean),
	token("dapo", Clip(0.2, 0.28), TokenMean),
	token("dr_grpo_loss", Clip(0.2, 0.2), Constant),
	token("seq_sum_mean", Clip(0.2, 0.2), SequenceSum),
	token("grpo_two_sided", TwoSided(0.2, 0.2, 4), SequenceMean),
	token("dual_clip_token_mean", DualClip(0.2, 0.2, 3), TokenMean),
	sequence("gspo", GSPO(0.2, 0.2), SequenceMean),
	sequence("gspo_paper_eps", GSPO(3e-4, 4e-4), SequenceMean),
	sequence("gspo_token", GSPOToken(0.2, 0.2), SequenceMean),
	sequence("luspo", GSPO(0.2, 0.2), SequenceSum),
	token("cispo_cap5", CISPO(0, 5), TokenMean),
	token("cispo_cap1.28", CISPO(0, 1.28), TokenMean),
	token("cispo_cap1.28_floor0.8", CISPO(0.8, 1.28), TokenMean),
	token("sapo", SAPO(1, 1.05), SequenceMean),
	sequence("vespo", VESPO(2, 3, 3, 2), TokenMean),
	sequence("gmpo", GMPO(0.4, 0.4), SequenceMean),
	token("dppo_tv", DPPOTV(0.1, 0.1, 3), TokenMean),
	token("dro", DRO(0.1), TokenMean),
	sequence("rloo_sequence_ratio", SequenceClip(0.2, 0.2), SequenceMean),
	token("grpo_kl_k1", Sum(Clip(0.2, 0.2), klTrap(0.05)), SequenceMean),
	token("grpo_kl_k2", Sum(Clip(0.2, 0.2), KLSquared(0.05)), SequenceMean),
	token("grpo_kl_k3", Sum(Clip(0.2, 0.2), KL(0.05)), SequenceMean),
	token("grpo_kl_k3_biascorr", Sum(Clip(0.2, 0.2), KLCorrected(0.05)), SequenceMean),
	masked("dapo_tis_token_truncate", Clip(0.2, 0.28), TokenMean, importance("token_truncate")),
	masked("dapo_tis_token_mask", Clip(0.2, 0.28), TokenMean, importance("token_mask")),
	masked("dapo_tis_seq_truncate", Clip(0.2, 0.28), TokenMean, importance("sequence_truncate")),
	masked("dapo_tis_seq_mask", Clip(0.2, 0.28), TokenMean, importance("sequence_mask")),
	masked("dapo_entropy_mask_top20", Clip(0.2, 0.28), TokenMean, func(_ golden, in Inputs) ([]float64, error) {
		return EntropyMask(in.Entropy, 0.2), nil
	}),
	masked("grpo_off_policy_mask", Clip(0.2, 0.2), SequenceMean, func(g golden, in Inputs) ([]float64, error) {
		return OffPolicyMask(in.LogP, g.trained(g.Inputs.Sampler), g.Advantages.GRPO, in.Lengths, 0.05), nil
	}),
}
