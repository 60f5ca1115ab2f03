"""Random models of many architectures, small enough to be traced in a second."""

from __future__ import annotations

from typing import Any

from tests.compile.transformers.conftest import WORDS

_COMMON = {
    "vocab_size": len(WORDS),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
_RELATIVE = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]}

CONFIGS: dict[str, dict[str, Any]] = {
    "Albert": _COMMON | {"embedding_size": 16},
    "Bert": _COMMON,
    "Camembert": _COMMON,
    "Deberta": _COMMON | _RELATIVE,
    "DebertaV2": _COMMON | _RELATIVE | {"position_buckets": 16, "norm_rel_ebd": "layer_norm"},
    "DistilBert": {
        "vocab_size": len(WORDS), "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64,
        "max_position_embeddings": 64,
    },
    "Electra": _COMMON | {"embedding_size": 16},
    "Ernie": _COMMON,
    "MPNet": _COMMON,
    "ModernBert": _COMMON | {"local_attention": 16, "cls_token_id": 2, "sep_token_id": 3},
    "RemBert": _COMMON | {"input_embedding_size": 16},
    "Roberta": _COMMON,
    "SqueezeBert": _COMMON | {"embedding_size": 32, "q_groups": 1, "k_groups": 1, "v_groups": 1},
    "XLMRoberta": _COMMON,
}  # fmt: skip


def made(name: str, head: str, **more: Any) -> Any:
    """A random model: its weights are large enough for its answers to differ."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**CONFIGS[name] | more)
    model = getattr(transformers, f"{name}{head}")(config).eval()
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.mul_(3)
    return model
