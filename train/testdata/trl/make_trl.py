#!/usr/bin/env python3
"""Writes what TRL's trainers do on a random two-layer llama: trajectories.json and the safetensors beside this file.

    make_trl.py [FOLDER]

Needs trl 1.16, transformers 5, peft and torch; none of them is needed to run the tests. Runs: SFT and DPO, of all
parameters and of a LoRA adapter, 20 steps each; GRPO, 5 steps on completions that are sampled here and recorded. Data are token
ids in sequential order, so no text is encoded. Every run starts from model.safetensors (and adapter.safetensors), accumulates
over two micro-batches but for dapo, and has eager attention, no dropout, float32 on one thread, torch's own AdamW. Losses are taken in
compute_loss and norms where gradients are clipped, before clipping: what the trainers log is rounded. GRPO's KL is the plain k3,
while TRL's own setting since 1.16 multiplies it by the ratio. NAME.safetensors are the
trained tensors at the end of run NAME.
"""
import copy
import json
import os
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", TRL_EXPERIMENTAL_SILENCE="1")

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = sys.argv[1] if len(sys.argv) > 1 else HERE
EOS, PAD = 2, 0
STEPS, MICRO = 20, 4
CONFIG = dict(model_type="llama", hidden_size=16, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
              head_dim=4, vocab_size=442, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=True,
              bos_token_id=0, eos_token_id=EOS, pad_token_id=PAD)
LORA = dict(r=8, alpha=32)


def write_start():
    """Random weights, with norms that aren't 1: a norm that is left out would not be seen otherwise."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**CONFIG))
    state = {n: 1 + 0.2 * torch.randn_like(p) if p.ndim == 1 else 0.45 * torch.randn_like(p) for n, p in model.named_parameters()}
    save_file(state, path("model"))
    save_file(get_peft_model_state_dict(adapted(base())), path("adapter"))


def path(name):
    return os.path.join(OUT, name + ".safetensors")


def base():
    model = LlamaForCausalLM._from_config(LlamaConfig(**CONFIG), attn_implementation="eager", dtype=torch.float32)
    missing, unexpected = model.load_state_dict(load_file(path("model")), strict=False)
    assert missing == ["lm_head.weight"] and not unexpected, (missing, unexpected)
    model.tie_weights()
    return model


def adapted(model, saved=False):
    torch.manual_seed(1)
    model = get_peft_model(model, LoraConfig(r=LORA["r"], lora_alpha=LORA["alpha"], lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"))
    if saved:
        set_peft_model_state_dict(model, load_file(path("adapter")))
    return model


def draw(rng, low, high, least, most):
    n = int(torch.randint(least, most + 1, (1,), generator=rng))
    return torch.randint(low, high, (n,), generator=rng).tolist()


def examples():
    """Prompts of any ids, chosen answers of few and rejected ones of many, so that there is something to learn."""
    rng = torch.Generator().manual_seed(3)
    out = []
    for _ in range(STEPS * MICRO * 2):
        prompt = draw(rng, 20, 90, 3, 9)
        out.append(dict(prompt=prompt, chosen=draw(rng, 20, 26, 2, 6) + [EOS], rejected=draw(rng, 40, 90, 1, 7) + [EOS]))
    return out


class Recorder:
    """Records each micro-batch's loss, and the norm of the gradient before it is clipped."""

    def watch(self):
        self.losses, self.norms, self.rates = [], [], []
        clip = self.accelerator.clip_grad_norm_

        def clip_and_record(*a, **k):
            norm = clip(*a, **k)
            self.norms.append(norm.item())
            self.rates.append(self.lr_scheduler.get_last_lr()[0])
            return norm

        self.accelerator.clip_grad_norm_ = clip_and_record

    def compute_loss(self, *a, **k):
        loss = super().compute_loss(*a, **k)
        self.losses.append(loss.item())
        return loss

    def per_step(self, n, mean):
        return [sum(self.losses[i:i + n]) / (n if mean else 1) for i in range(0, len(self.losses), n)]


class SFT(Recorder, SFTTrainer):
    pass


class DPO(Recorder, DPOTrainer):
    def _prepare_dataset(self, dataset, *a, **k):
        return dataset  # ids already


class GRPO(Recorder, GRPOTrainer):
    pass


def settings(o, **more):
    return dict(output_dir="/tmp/none", max_steps=o["steps"], per_device_train_batch_size=o["micro"], gradient_accumulation_steps=o["accumulation"],
                learning_rate=o["rate"], lr_scheduler_type=o["schedule"], warmup_steps=o["warmup"], weight_decay=o["weight_decay"],
                max_grad_norm=o["clip"], optim="adamw_torch", adam_epsilon=1e-8, bf16=False, use_cpu=True, report_to="none", save_strategy="no",
                logging_steps=1, disable_tqdm=True, gradient_checkpointing=False, seed=0, **more)


def finish(name, trainer, model, o, mean=False):
    trainer.watch()
    trainer.train()
    state = get_peft_model_state_dict(model) if o.get("lora") else dict(model.named_parameters())
    save_file({n: p.detach().clone().contiguous() for n, p in state.items()}, path(name))
    losses = trainer.per_step(o["accumulation"], mean)
    print(f"{name}: losses {losses[0]:.4f} to {losses[-1]:.4f}, norms {min(trainer.norms):.3f} to {max(trainer.norms):.3f}")
    return dict(o, losses=losses, norms=trainer.norms, rates=trainer.rates)


def sft(name, tok, data, **o):
    model = adapted(base(), saved=True) if o.get("lora") else base()
    rows = [dict(input_ids=e["prompt"] + e["chosen"], labels=[-100] * len(e["prompt"]) + e["chosen"]) for e in data]
    args = SFTConfig(**settings(o, max_length=None, loss_type="nll", train_sampling_strategy="sequential"))
    return finish(name, SFT(model, args, train_dataset=Dataset.from_list(rows), processing_class=tok), model, o)


def dpo(name, tok, data, **o):
    model = adapted(base(), saved=True) if o.get("lora") else base()
    rows = [dict(prompt_ids=e["prompt"], chosen_ids=e["chosen"], rejected_ids=e["rejected"]) for e in data]
    args = DPOConfig(**settings(o, max_length=None, beta=o["beta"], loss_type=["sigmoid"], train_sampling_strategy="sequential"))
    reference = None if o.get("lora") else copy.deepcopy(model)
    trainer = DPO(model, reference, args, train_dataset=Dataset.from_list(rows), processing_class=tok)
    return finish(name, trainer, model, o, mean=True)


def grpo(name, tok, data, **o):
    folder = tempfile.mkdtemp()  # TRL reads its reference from where the model came from
    base().save_pretrained(folder)
    model = LlamaForCausalLM.from_pretrained(folder, attn_implementation="eager")
    rng, recorded = torch.Generator().manual_seed(5), []

    def sample(prompt):
        ids = list(prompt)
        while len(ids) - len(prompt) < o["max_tokens"] and (len(ids) == len(prompt) or ids[-1] != EOS):
            with torch.no_grad():
                logits = model(torch.tensor([ids])).logits[0, -1]
            logits[EOS] += 3  # so that lengths differ
            ids.append(int(torch.multinomial(torch.softmax(logits / o["temperature"], 0), 1, generator=rng)))
        return ids[len(prompt):]

    def rollout(prompts, _):
        prompts = [json.loads(p) for p in prompts]
        completions = [sample(p) for p in prompts]
        recorded.append([dict(prompt=prompts[i], completions=completions[i:i + o["samples"]],
                              rewards=reward(completion_ids=completions[i:i + o["samples"]])) for i in range(0, len(prompts), o["samples"])])
        return dict(prompt_ids=prompts, completion_ids=completions, logprobs=None)

    def reward(completion_ids, **_):
        return [sum(t % 3 == 0 for t in c) / 4 + len(c) / 16 for c in completion_ids]

    args = GRPOConfig(**settings(
        o, beta=o["beta"], use_bias_correction_kl=o["corrected"], loss_type=o["loss"], num_generations=o["samples"], num_iterations=o["epochs"],
        scale_rewards="group", epsilon=0.2, epsilon_high=o["clip_high"], entropy_coef=o["entropy_coef"], max_completion_length=o["max_tokens"], temperature=o["temperature"], shuffle_dataset=False, disable_dropout=True))
    rows = [dict(prompt=json.dumps(e["prompt"])) for e in data]
    trainer = GRPO(model, reward_funcs=reward, args=args, train_dataset=Dataset.from_list(rows), processing_class=tok, rollout_func=rollout)
    trainer.ref_model.set_attn_implementation("eager")
    out = finish(name, trainer, model, o)
    return dict(out, recorded=recorded)


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    write_start()
    tok = PreTrainedTokenizerFast(tokenizer_file=os.path.join(HERE, "../../../policy/builtin/tokenizer.json"), eos_token="<|im_end|>", pad_token="<|endoftext|>")
    data = examples()
    common = dict(steps=STEPS, micro=MICRO, accumulation=2, warmup=4, weight_decay=0.1, clip=1.0)
    rollouts = dict(steps=5, micro=8, warmup=0, samples=4, temperature=0.8, max_tokens=8)
    runs = {
        "sft": sft("sft", tok, data, schedule="linear", rate=1e-2, **common),
        "sft_lora": sft("sft_lora", tok, data, schedule="cosine", rate=2e-2, lora=LORA, **common),
        "dpo": dpo("dpo", tok, data, schedule="linear", rate=5e-3, beta=0.3, **common),
        "dpo_lora": dpo("dpo_lora", tok, data, schedule="cosine", rate=2e-2, beta=0.3, lora=LORA, **common),
        "grpo": grpo("grpo", tok, data, schedule="linear", rate=1e-2, loss="grpo", clip_high=0.2, beta=0.3, corrected=False, entropy_coef=0.0, epochs=1,
                     **dict(common, **rollouts)),
        "dapo": grpo("dapo", tok, data, schedule="constant", rate=2e-2, loss="dapo", clip_high=0.28, beta=0.1, corrected=True, entropy_coef=0.02, epochs=2,
                     **dict(common, **dict(rollouts, steps=6, micro=16, accumulation=1))),
    }
    with open(os.path.join(OUT, "trajectories.json"), "w") as f:
        json.dump(dict(config=CONFIG, examples=data, runs=runs), f)
        f.write("\n")


if __name__ == "__main__":
    main()
