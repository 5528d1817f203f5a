"""LMF with eight outputs is the product with its whole weight tensor, and learns to tell emotions apart."""

from __future__ import annotations

import numpy as np
import torch

from models.features.utterances import Utterance, collate
from models.fusion.layers import SubNetsConfig, with_one
from models.fusion.lmf import LMFConfig
from models.training.fitting import ResearchRecipe
from models.types import Modality
from tests.benchmarks.lmf_emotions import CONTENDERS, EMOTIONS, EmotionLMF, answers, fitted

DIMS = {Modality.TEXT: 6, Modality.AUDIO: 8, Modality.VISION: 1}


def utterances(count: int) -> list[Utterance]:
    """One coordinate of the voice is high in each emotion; the words are the same in all."""
    noise, items = torch.Generator().manual_seed(0), []
    for i in range(count):
        voice = 0.3 * torch.randn(1, EMOTIONS, generator=noise)
        voice[0, i % EMOTIONS] += 2
        states = {Modality.TEXT: torch.ones(3, 6), Modality.AUDIO: voice}
        items.append(Utterance(states, i % EMOTIONS, "test", f"actor{i}"))
    return items


def test_each_emotion_has_a_weight_tensor_of_low_rank():
    torch.manual_seed(0)
    subnets = SubNetsConfig(text_out=3, audio=4, vision=2)
    model = EmotionLMF(DIMS, LMFConfig(rank=2, subnets=subnets)).eval()
    features, _ = collate(utterances(5), DIMS)
    text, audio, vision = (with_one(h) for h in model.subnets(model.normalised(features)).values())
    w = (model.factors[m] for m in ("text", "audio", "vision"))
    whole = torch.einsum("r,ert,era,erv->etav", model.rank_weights, *w)
    expected = torch.einsum("etav,bt,ba,bv->be", whole, text, audio, vision) + model.bias
    torch.testing.assert_close(model.logits(features), expected)


def test_every_contender_learns_to_tell_emotions_apart():
    items = utterances(640)
    for title in ("LMF, rank 4", "TFN", "Concat fusion"):
        model = fitted(CONTENDERS[title], items[:512], items[512:], 0, ResearchRecipe(epochs=15))
        true, given = answers(model, items[512:])
        assert np.mean(true == given) > 0.9, title
