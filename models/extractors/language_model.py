"""A text encoder's language model as plain weights, for fusion methods that run it themselves."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from peft.tuners import lora
from torch import Tensor

from models.extractors.text import TextEncoder

# the maps of a layer that MPNet names otherwise than BERT
MPNET_NAMES = {
    "attention.attn.q": "attention.self.query",
    "attention.attn.k": "attention.self.key",
    "attention.attn.v": "attention.self.value",
    "attention.attn.o": "attention.output.dense",
    "attention.LayerNorm": "attention.output.LayerNorm",
}
POSITIONS = "embeddings.position_embeddings.weight"
UNUSED_POSITIONS = 2  # MPNet's rows for padding, before the first token's


@torch.no_grad()
def merged_language_model(encoder: TextEncoder) -> dict[str, Tensor]:
    """{name in transformers' BertModel: tensor}, each adapter added to the map that carries it.

    The encoder stays as it is; tensors without an adapter are shared with it. MPNet's relative positions are
    `encoder.relative_attention_bias.weight`.
    """
    weights = {}
    for path, module in encoder.backbone.get_base_model().named_modules():
        if isinstance(module, lora.Linear):
            weight, bias = module.base_layer.parameters()
            weights[f"{path}.weight"] = weight + module.get_delta_weight("default")
            weights[f"{path}.bias"] = bias.detach()
        elif "lora_" not in path and not path.endswith(".base_layer"):
            own = module.named_parameters(recurse=False)
            weights.update({f"{path}.{name}": tensor.detach() for name, tensor in own})
    return as_bert(weights) if "encoder.relative_attention_bias.weight" in weights else weights


def as_bert(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of transformers' MPNetModel by the names of BertModel, their positions from the first token."""
    renamed = {}
    for name, tensor in weights.items():
        for theirs, own in MPNET_NAMES.items():
            name = name.replace(f"{theirs}.", f"{own}.")
        renamed[name] = tensor[UNUSED_POSITIONS:] if name == POSITIONS else tensor
    return renamed
