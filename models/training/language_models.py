"""Weights of a language model, for methods that run it themselves.

The extractors are imported where one is loaded: training any other method needs none of them, nor what
decodes their media.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from models.registry import EXTRACTORS


def language_model(profile: str) -> Callable[[], dict[str, Tensor]]:
    """What gives the weights for training on features of a profile.

    Those of the profile's text encoder, with its adapters; for features of other extractors all-MiniLM-L6-v2
    as it is published, whose vocabulary is that of MMSA's token ids.
    """
    return _of_text_encoder(profile) if profile in EXTRACTORS else _published


def shipped_language_model(profile: str) -> Callable[[], dict[str, Tensor]]:
    """What gives the weights that a profile has for the methods that ship."""
    from models.extractors.profile import Profile

    return Profile.load(profile).language_model


def _of_text_encoder(profile: str) -> Callable[[], dict[str, Tensor]]:
    def merged() -> dict[str, Tensor]:
        from models.extractors.language_model import merged_language_model
        from models.extractors.profile import Profile

        return merged_language_model(Profile.load(profile).text)

    return merged


def _published() -> dict[str, Tensor]:
    from transformers import AutoModel

    from models.extractors.text import minilm_path

    return AutoModel.from_pretrained(minilm_path(), local_files_only=True).state_dict()
