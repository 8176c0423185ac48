#!/usr/bin/env python3
"""Compares our losses with TRL's own code on random batches: values and gradients, in float64.

    trl_losses.py [--batches 20] [--seed 1]

Needs trl (checked with 1.16.0) and torch, and Go to build ./bench/verify/losses, from the module's root. TRL's trainers
are not run: their loss methods are called on stand-ins that return the batch's log-probs, and autograd differentiates.
Advantages are TRL's formula here and our estimators there, from the same rewards. Where TRL drops to float32 inside, the
row's bound says so. Differences of values are relative to the larger of 1 and the value, those of gradients to the
largest gradient of the batch. trl_losses.txt beside it is its output.
"""
import argparse
import json
import subprocess
import types
from collections import defaultdict
from contextlib import nullcontext

import numpy as np
import torch
import trl
import trl.trainer.dpo_trainer
import trl.trainer.kto_trainer
from trl.experimental.cpo import CPOTrainer
from trl.experimental.gmpo.gmpo_trainer import GMPOTrainer
from trl.experimental.orpo import ORPOTrainer
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.kto_trainer import KTOTrainer
from trl.trainer.rloo_trainer import RLOOTrainer

F = torch.float64
NS = types.SimpleNamespace
B, G = 8, 4
CH, RJ = list(range(0, B, 2)), list(range(1, B, 2))
ORDER = CH + RJ
EXACT = 1e-12


class Accelerator:
    device = torch.device("cpu")
    num_processes = 1
    sync_gradients = True

    def gather(self, x):
        return x

    gather_for_metrics = gather

    def reduce(self, x, reduction=None):
        return x

    def pad_across_processes(self, x, dim=0, pad_index=0):
        return x


for module in (trl.trainer.dpo_trainer, trl.trainer.kto_trainer):
    module.disable_gradient_checkpointing = lambda *a, **k: nullcontext()
    module.is_peft_model = lambda m: False


class Batch:
    """Random log-probs of B answers in groups of G; padding holds junk."""

    def __init__(self, rng):
        self.lengths = rng.integers(1, 13, B)
        self.T = int(self.lengths.max())
        self.mask = (np.arange(self.T)[None] < self.lengths[:, None]).astype(float)

        def near(a, by):
            return np.minimum(a + rng.normal(0, by, a.shape), -1e-3)

        self.logp = -rng.exponential(1.2, (B, self.T)) - 0.02
        self.old, self.ref = near(self.logp, 0.25), near(self.logp, 0.5)
        self.sampled = near(self.old, 0.4)
        # TRL's threshold on the entropy is a float32: so are these, or a token that stands on it would be above or below
        self.entropy = rng.uniform(0.01, 2.5, (B, self.T)).astype(np.float32).astype(np.float64)
        p = np.exp(self.logp)
        self.sum_p2 = p * p + (1 - p) ** 2 * rng.uniform(0.02, 0.9, p.shape)
        self.rewards = rng.choice([0.0, 0.2, 0.5, 1.0], B) + rng.uniform(0, 0.1, B)
        self.desirable = rng.permutation([True] * 4 + [False] * 4)
        self.kl_logp = -rng.uniform(2, 12, B)
        self.kl_ref = self.kl_logp + rng.normal(0, 0.5, B)
        self.max_tokens = 16
        for name in ("mask", "old", "ref", "sampled", "entropy", "sum_p2", "rewards"):
            setattr(self, "t_" + name, torch.tensor(getattr(self, name), dtype=F))

    def live(self):
        return torch.tensor(self.logp, dtype=F, requires_grad=True)

    def flat(self, a):
        return np.asarray(a)[self.mask > 0].tolist()

    def grouped(self):
        r = self.t_rewards.view(-1, G)
        return ((r - r.mean(1, keepdim=True)) / (r.std(1, keepdim=True) + 1e-4)).flatten()

    def leave_one_out(self):
        r = self.t_rewards.view(-1, G)
        return (r - (r.sum(1, keepdim=True) - r) / (G - 1)).flatten()

    def json(self, rows):
        return json.dumps(dict(
            lengths=self.lengths.tolist(), group=G, max_tokens=self.max_tokens, logp=self.flat(self.logp), old=self.flat(self.old),
            ref=self.flat(self.ref), sampled=self.flat(self.sampled), entropy=self.flat(self.entropy), sum_p2=self.flat(self.sum_p2),
            rewards=self.rewards.tolist(), desirable=self.desirable.tolist(), mismatched=(self.kl_logp - self.kl_ref).tolist(),
            rows=[dict(name=r.name, kind=r.kind, set=r.set) for r in rows]))


def grpo(cls=GRPOTrainer, ratio=None, **kw):
    def f(b, x):
        a = dict(loss_type="grpo", importance_sampling_level="token", epsilon_low=0.2, epsilon_high=0.2, delta=None, beta=0.0,
                 top_entropy_quantile=1.0, off_policy_mask_threshold=None, use_bias_correction_kl=False)
        a.update(kw)
        me = NS(beta=a["beta"], epsilon_low=a["epsilon_low"], epsilon_high=a["epsilon_high"], loss_type=a["loss_type"],
                importance_sampling_level=a["importance_sampling_level"], top_entropy_quantile=a["top_entropy_quantile"],
                off_policy_mask_threshold=a["off_policy_mask_threshold"], use_vllm=ratio is not None,
                vllm_importance_sampling_correction=ratio is not None, max_completion_length=b.max_tokens,
                current_gradient_accumulation_steps=1, _entropy_bonus_enabled=False, aux_loss_enabled=False, accelerator=Accelerator(),
                _metrics=defaultdict(lambda: defaultdict(list)), model=NS(training=True),
                args=NS(delta=a["delta"], use_bias_correction_kl=a["use_bias_correction_kl"], sapo_temperature_pos=1.0,
                        sapo_temperature_neg=1.05, vespo_k_pos=2.0, vespo_lambda_pos=3.0, vespo_k_neg=3.0, vespo_lambda_neg=2.0,
                        steps_per_generation=1))
        me._get_per_token_logps_and_entropies = lambda *p, **k: (x, b.t_entropy, None)
        me.get_high_entropy_mask = types.MethodType(GRPOTrainer.get_high_entropy_mask, me)
        me.get_off_policy_mask = GRPOTrainer.get_off_policy_mask
        me.get_gamma_weights = GRPOTrainer.get_gamma_weights
        ids = torch.zeros(B, b.T, dtype=torch.long)
        inputs = dict(prompt_ids=ids[:, :1], prompt_mask=ids[:, :1] + 1, completion_ids=ids, completion_mask=b.t_mask,
                      advantages=b.grouped(), old_per_token_logps=b.t_old, ref_per_token_logps=b.t_ref, num_items_in_batch=b.t_mask.sum())
        if a["off_policy_mask_threshold"] is not None:
            inputs["sampling_per_token_logps"] = b.t_sampled
        if ratio is not None:
            inputs["importance_sampling_ratio"] = importance(b, ratio)
        return cls._compute_loss(me, None, inputs)

    return f


def importance(b, kind):
    d = (b.t_old - b.t_sampled) * b.t_mask
    w = (d.sum(1, keepdim=True) if kind.startswith("sequence") else d).exp()
    return w.clamp(max=3.0) if kind.endswith("truncate") else w.masked_fill(w > 3.0, 0.0)


def rloo(b, x):
    ids = torch.zeros(B, b.T, dtype=torch.long)
    me = NS(epsilon_low=0.2, epsilon_high=0.2, aux_loss_enabled=False, accelerator=Accelerator(), model=NS(training=True),
            _metrics=defaultdict(lambda: defaultdict(list)), _get_per_token_logps_and_entropies=lambda *p, **k: (x, b.t_entropy, None))
    return RLOOTrainer._compute_loss(me, None, dict(
        prompt_ids=ids[:, :1], prompt_mask=ids[:, :1] + 1, completion_ids=ids, completion_mask=b.t_mask, advantages=b.leave_one_out(),
        old_logps=(b.t_old * b.t_mask).sum(1)))


def dpo(loss_type, dtype=F, **kw):
    def f(b, x):
        zero = torch.zeros(B, b.T, dtype=F)
        out = NS(log_probs=(x * b.t_mask)[ORDER].to(dtype), log_sum_sq_probs=b.t_sum_p2.log()[ORDER].to(dtype), entropy=zero,
                 mean_logits=zero, is_top1=zero.bool(), label_mask=b.t_mask[ORDER])
        me = NS(accelerator=Accelerator(), model=NS(training=True), aux_loss_enabled=False, ld_alpha=kw.get("ld_alpha"),
                precompute_ref_logps=False, ref_model=lambda **k: NS(log_probs=(b.t_ref * b.t_mask)[ORDER].to(dtype)),
                args=NS(gradient_checkpointing_kwargs=None, gradient_checkpointing=False, discopop_tau=0.05),
                f_divergence_type=kw.get("f", "reverse_kl"), f_alpha_divergence_coef=0.5, loss_types=kw.get("types", [loss_type]),
                loss_weights=kw.get("weights", [1.0]), beta=kw.get("beta", 0.1), label_smoothing=kw.get("eps", 0.0),
                use_weighting=kw.get("wpo", False), _metrics=defaultdict(lambda: defaultdict(list)), _total_train_tokens=0, _tp_size=1)
        mask = torch.cat([torch.zeros(B, 1), b.t_mask[ORDER].float()], 1).long()
        inputs = dict(input_ids=torch.zeros(B, b.T + 1, dtype=torch.long), attention_mask=torch.ones(B, b.T + 1), completion_mask=mask)
        return DPOTrainer._compute_loss(me, lambda **k: out, inputs, False)

    return f


def kto(loss_type="kto", desirable=1.0):
    def f(b, x):
        zero = torch.zeros(B, b.T)
        out = NS(log_probs=x * b.t_mask, entropy=zero, mean_logits=zero, is_top1=zero.bool())
        model = lambda **k: out  # noqa: E731
        me = NS(accelerator=Accelerator(), model=NS(training=True), aux_loss_enabled=False, precompute_ref_logps=False,
                ref_model=lambda **k: NS(log_probs=b.t_ref * b.t_mask), calculate_KL=loss_type == "kto", loss_type=loss_type, beta=0.1,
                args=NS(gradient_checkpointing_kwargs=None, gradient_checkpointing=False), desirable_weight=desirable,
                undesirable_weight=1.0, _metrics=defaultdict(lambda: defaultdict(list)), _total_train_tokens=0, _tp_size=1)
        me._compute_kl_logps = lambda m, _: torch.tensor(b.kl_logp if m is model else b.kl_ref, dtype=F)
        mask = torch.cat([torch.zeros(B, 1), b.t_mask], 1).long()
        return KTOTrainer._compute_loss(me, model, dict(
            input_ids=torch.zeros(B, b.T + 1, dtype=torch.long), attention_mask=torch.ones(B, b.T + 1), completion_mask=mask,
            label=torch.tensor(b.desirable)), False)

    return f


def chosen_nll(b, x):
    return -(x * b.t_mask)[CH].sum() / b.t_mask[CH].sum()


def cpo(loss_type, mean=False, nll=False, **kw):
    def f(b, x):
        s = (x * b.t_mask).sum(1)
        if mean:
            s = s / b.t_mask.sum(1)
        me = NS(alpha=kw.get("alpha", 0.0), beta=kw.get("beta", 0.1), simpo_gamma=kw.get("gamma", 0.5), loss_type=loss_type,
                label_smoothing=kw.get("eps", 0.0), accelerator=Accelerator())
        loss = CPOTrainer.cpo_loss(me, s[CH], s[RJ])[0].mean()
        return loss + chosen_nll(b, x) if nll else loss

    return f


def orpo(b, x):  # TRL's likelihood includes the prompt: only its odds part is compared, beside the answer's likelihood
    s = (x * b.t_mask).sum(1) / b.t_mask.sum(1)
    return chosen_nll(b, x) - ORPOTrainer.odds_ratio_loss(NS(beta=0.1, accelerator=Accelerator()), s[CH], s[RJ])[0].mean().to(F)


class Row:
    def __init__(self, name, kind, theirs, *settings, bound=EXACT):
        self.name, self.kind, self.theirs, self.set, self.bound = name, kind, theirs, list(settings), bound


def tis(kind):
    return Row("dapo, importance " + kind, "dapo", grpo(loss_type="dapo", epsilon_high=0.28, ratio=kind),
               "importance=" + kind, "importance_limit=3")


ROWS = [
    Row("grpo", "grpo", grpo()),
    Row("grpo, k3", "grpo", grpo(beta=0.05), "kl_coef=0.05"),
    Row("grpo, k3 corrected", "grpo", grpo(beta=0.05, use_bias_correction_kl=True), "kl_coef=0.05", "kl=k3_corrected"),
    Row("grpo, two-sided", "grpo", grpo(delta=1.5), "objective=two_sided", "limit=1.5"),
    Row("grpo, off-policy mask", "grpo", grpo(off_policy_mask_threshold=0.05), "off_policy_limit=0.05"),
    Row("bnpo", "bnpo", grpo(loss_type="bnpo")),
    Row("dapo", "dapo", grpo(loss_type="dapo", epsilon_high=0.28)),
    Row("dapo, top entropy", "dapo", grpo(loss_type="dapo", epsilon_high=0.28, top_entropy_quantile=0.2), "top_entropy=0.2", bound=2e-7),
    tis("token_truncate"), tis("token_mask"), tis("sequence_truncate"), tis("sequence_mask"),
    Row("dr_grpo, scaled", "dr_grpo", grpo(loss_type="dr_grpo"), "advantage=group"),
    Row("gspo", "gspo", grpo(importance_sampling_level="sequence", epsilon_low=3e-4, epsilon_high=4e-4)),
    Row("luspo", "luspo", grpo(loss_type="luspo", importance_sampling_level="sequence", epsilon_low=3e-4, epsilon_high=4e-4)),
    Row("cispo", "cispo", grpo(loss_type="cispo", epsilon_high=5.0)),
    Row("cispo, limit 1.28", "cispo", grpo(loss_type="cispo", epsilon_high=1.28), "limit=1.28"),
    Row("sapo", "sapo", grpo(loss_type="sapo"), bound=1e-6),
    Row("vespo", "vespo", grpo(loss_type="vespo")),
    Row("gmpo", "gmpo", grpo(cls=GMPOTrainer, epsilon_low=0.4, epsilon_high=0.4)),
    Row("rloo", "rloo", rloo, "kl_coef=0"),
    Row("dpo", "dpo", dpo("sigmoid")),
    Row("dpo, robust", "dpo", dpo("robust", eps=0.1), "loss=robust", "label_smoothing=0.1"),
    Row("dpo, hinge", "dpo", dpo("hinge"), "loss=hinge"),
    Row("ipo", "ipo", dpo("ipo")),
    Row("dpo, sigmoid_norm", "dpo", dpo("sigmoid_norm", beta=2.0), "loss=sigmoid_norm", "beta=2"),
    Row("dpo, exo", "dpo", dpo("exo_pair", eps=1e-3), "loss=exo", "label_smoothing=1e-3", bound=5e-7),
    Row("dpo, nca", "dpo", dpo("nca_pair"), "loss=nca"),
    Row("dpo, bco", "dpo", dpo("bco_pair"), "loss=bco"),
    Row("dpo, sppo", "dpo", dpo("sppo_hard"), "loss=sppo"),
    Row("dpo, aot", "dpo", dpo("aot"), "loss=aot"),
    Row("dpo, aot_unpaired", "dpo", dpo("aot_unpaired"), "loss=aot_unpaired"),
    Row("dpo, apo_zero", "dpo", dpo("apo_zero"), "loss=apo_zero"),
    Row("dpo, apo_down", "dpo", dpo("apo_down"), "loss=apo_down"),
    Row("dpo, discopop", "dpo", dpo("discopop"), "loss=discopop", "tau=0.05"),
    Row("dpo, weighted (wpo)", "dpo", dpo("sigmoid", wpo=True), "weighted=true"),
    Row("dpo, tail_weight (ld)", "dpo", dpo("sigmoid", ld_alpha=0.5), "tail_weight=0.5"),
    Row("dpo, nll_coef (rpo)", "dpo", dpo("", types=["sigmoid", "sft"], weights=[1.0, 1.0]), "nll_coef=1"),
    Row("dpo, forward_kl", "dpo", dpo("sigmoid", f="forward_kl"), "f_divergence=forward_kl"),
    Row("dpo, js", "dpo", dpo("sigmoid", f="js_divergence"), "f_divergence=js"),
    Row("dpo, alpha", "dpo", dpo("sigmoid", f="alpha_divergence", dtype=torch.float32), "f_divergence=alpha", "alpha=0.5", bound=1e-5),
    Row("kto", "kto", kto()),
    Row("kto, weighted", "kto", kto(desirable=1.33), "desirable_weight=1.33"),
    Row("kto, zero point", "kto", kto("apo_zero_unpaired"), "reference_point=zero"),
    Row("simpo", "simpo", cpo("simpo", mean=True, beta=2.0, gamma=1.0)),
    Row("alphapo", "alphapo", cpo("simpo", mean=True, beta=2.0, gamma=1.0, alpha=0.25)),
    Row("cpo", "cpo", cpo("sigmoid", nll=True)),
    Row("cpo, smoothed", "cpo", cpo("sigmoid", nll=True, eps=0.1), "label_smoothing=0.1"),
    Row("cpo, hinge", "cpo", cpo("hinge", nll=True), "loss=hinge"),
    Row("cpo, ipo", "cpo", cpo("ipo", mean=True, nll=True), "loss=ipo"),
    Row("orpo", "orpo", orpo, bound=1e-6),
]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--batches", type=int, default=20)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(a.seed)
    worst = {r.name: [0.0, 0.0] for r in ROWS}
    for _ in range(a.batches):
        b = Batch(rng)
        done = subprocess.run(["go", "run", "./bench/verify/losses"], input=b.json(ROWS), capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        for row, got in zip(ROWS, json.loads(done.stdout), strict=True):
            x = b.live()
            loss = row.theirs(b, x)
            grad = b.flat(torch.autograd.grad(loss, x)[0].numpy())
            value = abs(loss.item() - got["loss"]) / max(1.0, abs(loss.item()))
            slope = np.abs(np.array(grad) - got["grad"]).max() / max(1e-3, np.abs(grad).max())
            w = worst[row.name]
            w[0], w[1] = max(w[0], value), max(w[1], slope)
    print(f"trl {trl.__version__}, {a.batches} random batches of {B} answers, seed {a.seed}; largest relative differences")
    print("%-35s %9s %9s %7s" % ("", "value", "gradient", "bound"))
    agree = 0
    for row in ROWS:
        value, slope = worst[row.name]
        ok = max(value, slope) <= row.bound
        agree += ok
        print("%-35s %9.1e %9.1e %7.0e%s" % (row.name, value, slope, row.bound, "" if ok else "  DIFFERENT"))
    print(f"{agree} of {len(ROWS)} agree")
    raise SystemExit(int(agree != len(ROWS)))


if __name__ == "__main__":
    main()
