"""Scores of every shipped method on fixed clips, which `golden_scores.json` keeps.

python -m tests.models.fusion.golden_scores     after new weights; a faster way to compute changes none
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import torch

from models.checkpoint import load_fusion, subset_name
from models.extractors.local_profile import LocalProfile
from models.registry import FUSION_MODELS
from models.types import MODALITIES, Features, Modality, Sequence

PATH = Path(__file__).with_suffix(".json")
# states of four clips: a short one, two of some seconds, and one longer than what any method reads of it
LENGTHS = {Modality.TEXT: (2, 9, 14, 70), Modality.AUDIO: (1, 31, 20, 90), Modality.VISION: (5, 12, 33, 80)}
TIMED = (False, True, False, True)


def golden_features(means: dict[Modality, torch.Tensor], stds: dict[Modality, torch.Tensor]) -> Features:
    """The four clips with all modalities, NaN in the padding; states scattered as in training."""
    random, parts = torch.Generator().manual_seed(18), {}
    for m in MODALITIES:
        lengths = torch.tensor(LENGTHS[m])
        steps = torch.arange(int(lengths.max()))
        valid = (steps < lengths[:, None])[..., None]
        values = means[m] + stds[m] * torch.randn(*valid.shape[:2], len(means[m]), generator=random)
        ids = torch.randint(1000, 20_000, valid.shape[:2], generator=random)
        edges = torch.arange(len(steps) + 1) * (6.0 / lengths[:, None])  # each clip takes six seconds
        times = torch.stack([edges[:, :-1], edges[:, 1:]], dim=2)
        times = torch.where(torch.tensor(TIMED)[:, None, None], times, torch.nan)
        parts[str(m)] = Sequence(
            torch.where(valid, values, torch.nan),
            lengths,
            torch.ones(len(lengths), dtype=torch.bool),
            ids if m is Modality.TEXT else None,
            times,
        )
    return Features(**parts)


@cache
def _language_model() -> dict[str, torch.Tensor]:
    return dict(LocalProfile.load().language_model())


@torch.inference_mode()
def golden_scores(method: str) -> dict[str, list[float]]:
    """{subset: scores of the four clips} of the shipped method."""
    model = load_fusion(method, language_model=_language_model).model
    means, stds = ({m: getattr(model, f"{m}_{constant}") for m in MODALITIES} for constant in ("mean", "std"))
    features = golden_features(means, stds)
    scores = {subset_name(s): model(features.only(s)).score.tolist() for s in Modality.subsets()}
    return {subset: [round(score, 6) for score in row] for subset, row in scores.items()}


if __name__ == "__main__":
    lines = [f"{json.dumps(method)}: {json.dumps(golden_scores(method))}" for method in FUSION_MODELS]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
