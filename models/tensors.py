"""Tensors in and out of safetensors files with JSON metadata, read strictly."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

CHECKPOINTS = Path(__file__).resolve().parents[1] / "checkpoints"
FORMAT = 1

log = logging.getLogger(__name__)


class CheckpointError(Exception):
    """A checkpoint that is absent, damaged, or not for this model or profile; says which and what to do."""


def save_tensors(path: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Write tensors and JSON-able metadata; a reader sees the old file or the new one, never half of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{threading.get_ident()}.partial")  # equal rows may be written at once
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(stored, partial, {"format": str(FORMAT), "meta": json.dumps(meta, sort_keys=True)})
    partial.chmod(0o644)  # safetensors writes files that only their owner can read
    partial.replace(path)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors, on the CPU and as stored, and metadata; CheckpointError for a missing or damaged file."""
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged or no safetensors file: {error}") from error
    if header.get("format") != str(FORMAT):
        raise CheckpointError(f"{path} has format {header.get('format')!r}; this version reads {FORMAT}")
    try:
        meta = json.loads(header.get("meta", ""))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} has unreadable metadata: {error}") from error
    return tensors, meta


def read_meta(path: Path) -> dict[str, Any]:
    """The metadata of a checkpoint file, without its tensors; CheckpointError where it cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {})["meta"])
    except FileNotFoundError:
        raise CheckpointError(f"there is no file {path}") from None
    except (SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged or no checkpoint: {error}") from error


@torch.no_grad()
def load_strictly(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor], path: Path) -> None:
    """Fill the tensors of a state dict from stored ones.

    CheckpointError names each missing, extra or mis-shaped one.
    """
    faults = [f"missing {name}" for name in wanted if name not in tensors]
    faults += [f"extra {name}" for name in tensors if name not in wanted]
    faults += [
        f"{name} has shape {tuple(tensors[name].shape)}, not {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    if faults:
        raise CheckpointError(f"{path} does not fit the model: {'; '.join(faults)}")
    for name, tensor in wanted.items():
        tensor.copy_(tensors[name])


@dataclass(frozen=True)
class StoredStates:
    """States that are always the same and take seconds to make, so that a file with them ships.

    made_from : digest of all that they depend on
    """

    path: Path
    made_from: str
    make: Callable[[], Tensor]

    def store(self) -> None:
        """Make them, and write them in half precision."""
        save_tensors(self.path, {"states": self.make().half()}, {"made_from": self.made_from})

    def load(self) -> Tensor:
        """In single precision: the stored ones, or made anew where there are none of this origin."""
        try:
            tensors, meta = load_tensors(self.path)
            if meta["made_from"] == self.made_from:
                return tensors["states"].float()
            reason = f"{self.path} was made from other weights"
        except CheckpointError as error:
            reason = str(error)
        log.warning("%s: made anew, which `python -m models.shipped store-states` does for good", reason)
        return self.make()
