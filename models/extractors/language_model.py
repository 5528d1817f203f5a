"""The text encoder's language model as plain weights, for fusion methods that run it themselves."""

from __future__ import annotations

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor

from models.extractors.text import TextEncoder


@torch.no_grad()
def merged_language_model(encoder: TextEncoder) -> dict[str, Tensor]:
    """{name in transformers' BertModel: tensor}, each adapter added to the map that carries it.

    The encoder stays as it is; tensors without an adapter are shared with it.
    """
    weights = {}
    for path, module in encoder.backbone.get_base_model().named_modules():
        if isinstance(module, LoraLayer):
            weights[f"{path}.weight"] = module.base_layer.weight + module.get_delta_weight("default")
            weights[f"{path}.bias"] = module.base_layer.bias.detach()
        elif "lora_" not in path and not path.endswith(".base_layer"):
            own = module.named_parameters(recurse=False)
            weights.update({f"{path}.{name}": tensor.detach() for name, tensor in own})
    return weights
