"""Late fusion is the mean of what is there."""

from __future__ import annotations

import torch

from models.registry import spec
from models.types import Modality


@torch.no_grad()
def test_the_score_is_the_mean_over_present_modalities(dims, make_features):
    model = spec("late").build(dims).eval()
    features = make_features(5)
    alone = [model(features.only((m,))).score for m in Modality]
    torch.testing.assert_close(model(features).score, torch.stack(alone).mean(0))
    pair = model(features.only((Modality.TEXT, Modality.VISION))).score
    torch.testing.assert_close(pair, (alone[0] + alone[2]) / 2)


def test_a_head_learns_only_from_rows_that_have_its_modality(dims, make_features):
    model = spec("late").build(dims).eval()
    features = make_features(2)
    kept = torch.tensor([[True, True, True], [True, False, False]])
    target = torch.tensor([1.0, -1.0])
    losses = model.loss(features.keep(kept), target)
    alone = model(features.select(torch.tensor([0])).only((Modality.AUDIO,))).score
    torch.testing.assert_close(losses["l1_audio"], (alone - 1.0).abs()[0])
