"""Every method as a page, a listing or an API shows it, read from the registry and the files' headers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from models.checkpoint import CHECKPOINTS, LANGUAGE_MODEL, CheckpointError, fusion_path
from models.extractors.mpnet import check_installed
from models.fusion.spec import ModelSpec
from models.registry import FUSION_MODELS
from models.types import Modality


def describe_methods(root: Path | None = None, profile: str = "local") -> list[dict[str, Any]]:
    """One JSON-able entry a method, in the registry's order; no weights are loaded.

    root : folder of the profiles' folders, `checkpoints/` where None
    An entry has name, title, paper, year, url, kind, aligned, weights_kind, reconstructs, faithful, available
    (bool), checkpoint (path from the project's folder, None where there is none), problem (why a file is not
    available, else None), parameters, sizes (their counts by part), training and figures (held-out results),
    the last four None without a checkpoint.
    """
    return [_describe(method, fusion_path(method.name, profile, root)) for method in FUSION_MODELS.values()]


def read_meta(path: Path) -> dict[str, Any]:
    """The metadata of a checkpoint file, without its tensors; CheckpointError where it cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {})["meta"])
    except FileNotFoundError:
        raise CheckpointError(f"there is no file {path}") from None
    except (SafetensorError, OSError, KeyError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is damaged or no checkpoint: {error}") from error


def _describe(method: ModelSpec, path: Path) -> dict[str, Any]:
    entry = {
        "name": method.name,
        "title": method.title,
        "paper": method.paper,
        "year": method.year,
        "url": method.url,
        "kind": method.kind,
        "aligned": method.aligned,
        "weights_kind": method.weights_kind,
        "reconstructs": method.reconstructs,
        "faithful": list(method.faithful),
        "available": False,
        "checkpoint": None,
        "problem": None,
        "parameters": None,
        "sizes": None,
        "training": None,
        "figures": None,
    }
    try:
        meta = read_meta(path)
        if LANGUAGE_MODEL in meta.get("fingerprints", {}):
            check_installed()
        sizes = _sizes(method, meta)
    except CheckpointError as error:
        return {**entry, "problem": str(error)}
    return {
        **entry,
        "available": True,
        "checkpoint": _from_project(path),
        "parameters": sizes["total"],
        "sizes": sizes,
        "training": meta.get("training"),
        "figures": meta.get("figures"),
    }


def _sizes(method: ModelSpec, meta: dict[str, Any]) -> dict[str, int]:
    try:
        with torch.device("meta"):  # shapes alone: nothing is allocated or initialised
            return method.build({Modality(m): d for m, d in meta["dims"].items()}, meta["config"]).sizes()
    except (TypeError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"the weights of {method.name!r} were written for another version of it ({error}); train it again"
        ) from error


def _from_project(path: Path) -> str:
    path, project = path.resolve(), CHECKPOINTS.parent
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)
