"""Trained fusion models on disk: what a file says about itself, and a model rebuilt from it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.config import Config
from models.fusion.base import FusionModel
from models.fusion.spec import ModelSpec
from models.registry import EXTRACTORS, spec
from models.tensors import CHECKPOINTS, CheckpointError, load_strictly, load_tensors, save_tensors
from models.types import MODALITIES, Modality

HALF_FROM = 1024  # parameters of at least so many entries are stored in float16, the rest in float32
FEW = 1000  # ranks, steps and the like, which need not be the size of a tensor
HALF_MAX = 6e4  # beyond, float16 would overflow


@dataclass(frozen=True)
class CheckpointMeta:
    """Everything a fusion checkpoint says about itself; JSON-able.

    method : registry name; config : its settings
    profile : whose states it reads; fingerprints : {modality: hex digest of that extractor's weights}
    dims : {modality: width of the states}
    label_range : (lowest, highest) score of the training labels
    residual_quantiles : {subset, see `subset_name`: 80 % quantile of |error| on held-out data}
    training : data, shares, seed, hyper-parameters; figures : held-out results by data set and subset
    """

    method: str
    config: Config
    profile: str
    fingerprints: dict[str, str]
    dims: dict[str, int]
    label_range: tuple[float, float] = (-3.0, 3.0)
    residual_quantiles: dict[str, float] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    def quantile(self, subset: Iterable[Modality | str]) -> float | None:
        """Half width of the 80 % interval for a subset of modalities; None where none was measured."""
        return self.residual_quantiles.get(subset_name(subset))


@dataclass(frozen=True)
class Checkpoint:
    """A trained model, in eval mode, and what its file says about it."""

    model: FusionModel
    meta: CheckpointMeta


def subset_name(subset: Iterable[Modality | str]) -> str:
    """("audio", "text") -> "text+audio": modalities in canonical order."""
    wanted = set(map(str, subset))
    return "+".join(m for m in MODALITIES if m in wanted)


def fusion_path(name: str, profile: str = "local", root: Path | None = None) -> Path:
    """File of a method's weights: `<root>/<profile>/<name>.safetensors`, root being `checkpoints/`."""
    return Path(root or CHECKPOINTS) / profile / f"{name}.safetensors"


def weights_folder(name: str, profile: str, *roots: Path | None) -> Path | None:
    """The first of the folders that has weights of a method, else the last; None is `checkpoints/`."""
    return next((root for root in roots if fusion_path(name, profile, root).is_file()), roots[-1])


def save_fusion(path: Path, model: FusionModel, meta: CheckpointMeta) -> None:
    """Write a model; its large parameters become float16, so figures should come from the file read back."""
    parameters = dict(model.named_parameters())
    tensors = {
        name: _halved(tensor) if name in parameters else tensor for name, tensor in model.state_dict().items()
    }
    save_tensors(path, tensors, asdict(meta))


def load_fusion(
    name: str,
    profile: str = "local",
    root: Path | None = None,
    fingerprints: Mapping[str, str] | None = None,
    language_model: Callable[[], Mapping[str, Tensor]] | None = None,
) -> Checkpoint:
    """The trained method `name` on the CPU, in eval mode.

    fingerprints : {modality: digest} of the extractors at hand, compared with those it was trained on
    language_model : gives the weights of the profile's (`Profile.language_model`), called for a method that
    runs it itself; without it such a method loads but does not run
    Raises ValueError for an unknown method, CheckpointError for everything that is wrong with the file.
    """
    method = spec(name)
    path = fusion_path(name, profile, root)
    if not path.is_file():
        known = EXTRACTORS.get(profile)
        if method.model.needs_language_model and known is not None and not known.language_model:
            raise CheckpointError(
                f"{name!r} runs a language model itself, and the profile {profile!r} has none that it could "
                "run; choose another method"
            )
        raise CheckpointError(
            f"there are no weights for {name!r} at {path}; train them with {how_to_train(name, profile)}"
        )
    tensors, raw = load_tensors(path)
    try:
        meta = _fusion_meta(path, method, raw)
        if meta.profile != profile:
            raise CheckpointError(f"{path} wants states of the profile {meta.profile!r}, not of {profile!r}")
        _check_fingerprints(path, meta, fingerprints or {})
        _check_sizes(path, meta, tensors)
        model = method.build({Modality(m): d for m, d in meta.dims.items()}, meta.config)
    except (TypeError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{path} was written for another version of {name!r} ({error}); train it again"
        ) from error
    if model.needs_language_model and language_model is not None:
        weights = language_model()
        try:
            model.attach_language_model(weights)
        except ValueError as error:
            raise CheckpointError(
                f"{path} was trained with another language model than the profile has, as weights trained on "
                f"features are: {error}"
            ) from error
    load_strictly(model.state_dict(), tensors, path)
    return Checkpoint(model.eval(), meta)


def how_to_train(method: str, profile: str) -> str:
    """The command that makes a method's weights: those that ship, or those on a researcher's features."""
    if profile in EXTRACTORS and EXTRACTORS[profile].ships:
        return f"`python -m models.shipped train {method} --data FOLDER`"
    return f"`python -m models train {method} --data FILE`"


def nothing_trained(profile: str, roots: Iterable[Path]) -> str:
    """What to do where a profile whose weights do not ship has none of any method, in one sentence."""
    return (
        f"no method is trained for the profile {profile!r} in {' or '.join(map(str, roots))}; run "
        f"`python -m models train lmf,mla --profile {profile} --data clips.csv`, and set FUSEBOX_WEIGHTS to "
        "the folder of the weights"
    )


def _halved(tensor: Tensor) -> Tensor:
    small = tensor.numel() < HALF_FROM or tensor.abs().max() > HALF_MAX
    return tensor if small else tensor.to(torch.float16)


def _check_sizes(path: Path, meta: CheckpointMeta, tensors: Mapping[str, Tensor]) -> None:
    """CheckpointError where a network of the settings would be far larger than what the file holds."""
    largest = max((size for tensor in tensors.values() for size in tensor.shape), default=0)
    for name, value in {**vars(meta.config), **meta.dims}.items():
        if isinstance(value, int) and value > max(largest, FEW):
            raise CheckpointError(
                f"{path} says {name} is {value}, and no tensor in it is so large; train it again"
            )


def _fusion_meta(path: Path, method: ModelSpec, raw: dict[str, Any]) -> CheckpointMeta:
    known = {f.name for f in fields(CheckpointMeta)}
    wrong = sorted(known ^ set(raw))
    if wrong:
        raise CheckpointError(f"{path}: metadata lacks or does not know {', '.join(wrong)}; train it again")
    if raw["method"] != method.name:
        raise CheckpointError(f"{path} holds the method {raw['method']!r}, not {method.name!r}")
    config = method.read_config(raw["config"])
    return CheckpointMeta(**{**raw, "config": config, "label_range": tuple(raw["label_range"])})


def _check_fingerprints(path: Path, meta: CheckpointMeta, fingerprints: Mapping[str, str]) -> None:
    for name, found in fingerprints.items():
        wanted = meta.fingerprints.get(str(name))
        if wanted != found:
            raise CheckpointError(
                f"{path} wants the {name} extractor {wanted} of profile {meta.profile!r}, but {found} is "
                f"loaded; restore that extractor's weights, or train again with "
                f"{how_to_train(meta.method, meta.profile)}"
            )
