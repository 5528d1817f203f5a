"""An encoder from its folder: from safetensors alone, without code of its author's, and complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from models.tensors import CheckpointError

LOAD = {"local_files_only": True, "trust_remote_code": False}
# Parts that training alone runs, and the head of a text encoder, whose token states are read before it.
UNUSED = ("masked_spec_embed", "pooler")


def load_model(folder: Path, device: str, *, picture: bool = False) -> tuple[Any, bool]:
    """The network (a PreTrainedModel) in float32 and eval mode, and whether its pooling head was trained.

    picture : load the tower of pictures, where it is one of two
    CheckpointError names weights that are missing or of another shape.
    """
    from transformers import AutoConfig, AutoModel  # seconds

    config = AutoConfig.from_pretrained(folder, **LOAD)
    if picture:
        config = getattr(config, "vision_config", config)
    model, told = AutoModel.from_pretrained(
        folder, config=config, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **LOAD
    )
    missing = {*told["missing_keys"], *(name for name, *_ in told["mismatched_keys"])}
    needed = sorted(name for name in missing if not any(part in name for part in UNUSED))
    if needed:
        raise CheckpointError(
            f"{folder} lacks {len(needed)} of the weights of a {type(model).__name__}, such as {needed[0]}"
        )
    return model.eval().requires_grad_(False).to(device), not missing


@contextmanager
def usable(modality: str, folder: Path) -> Iterator[None]:
    """CheckpointError, naming the encoder, for whatever fails when it is loaded and tried."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:  # a broken or unfit file may fail in any parser, and in the network itself
        raise CheckpointError(
            f"the encoder in {folder} cannot be used for {modality}: {type(error).__name__}: {error}"
        ) from error


def precision(device: str) -> AbstractContextManager[Any]:
    """bfloat16 on a GPU, float32 on the CPU."""
    return torch.autocast("cuda", torch.bfloat16) if device.startswith("cuda") else nullcontext()
