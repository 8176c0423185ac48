"""transformers as the reference: float32, eager attention, CPU. A warning while loading counts as a failure."""

import logging
import warnings

import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer


class _Collect(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.seen = []

    def emit(self, record):
        self.seen.append(record.getMessage())


def load(folder, adapter=None):
    """The model and its tokenizer in float32; stops if transformers warns about the folder."""
    collect = _Collect()
    logger = logging.getLogger("transformers")
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_warning()
    logger.addHandler(collect)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
        if adapter is not None:
            from peft import PeftModel
            model = PeftModel.from_pretrained(model, adapter)
    logger.removeHandler(collect)
    # "X is deprecated, use Y" speaks to the caller (PEFT calls an old name of transformers'), not of the folder.
    problems = [m for m in collect.seen + [str(w.message) for w in caught] if "is deprecated" not in m]
    problems += [f"{kind}: {sorted(names)}" for kind, names in report.items() if names]
    if problems:
        raise SystemExit(f"{folder}: transformers says: " + "; ".join(problems))
    model.eval()
    return model, tokenizer


@torch.no_grad()
def token_stats(model, prompt, completion):
    """Log-prob of each completion token, entropy and sum of squared probabilities before it (float64 softmax of float32 logits)."""
    ids = torch.tensor([list(prompt) + list(completion)])
    logits = model(ids).logits[0, len(prompt) - 1:-1].double()
    logp = torch.log_softmax(logits, -1)
    p = logp.exp()
    picked = logp.gather(1, torch.tensor(completion)[:, None])[:, 0]
    return picked, -(p * logp).sum(-1), (p * p).sum(-1), logits


def versions():
    """What a table of results has to name."""
    import peft
    import tokenizers
    return (f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}, "
            f"tokenizers {tokenizers.__version__}")
