"""Training of the voice head on made-up recordings, and what its map of the clips may know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from models.extractors.audio import ENCODED, RAVDESS_EMOTIONS, VoiceHead
from models.features.utterances import Utterance
from models.shipped.sound_augmentation import altered
from models.shipped.sources import beyond_words_without
from models.shipped.voice_head import (
    evaluate_beyond_words,
    evaluate_voice_head,
    fit_beyond_words,
    train_voice_head,
)
from models.types import Modality
from tests.made_up_voice import vowels


def recordings(count, seed):
    """Voices whose emotion is written into the mean of a tenth of the coordinates."""
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    emotions = rng.integers(8, size=count)
    voices = []
    for emotion in emotions:
        encoded = torch.randn(int(rng.integers(15, 40)), ENCODED, generator=generator)
        encoded[:, emotion::80] += 1.0
        voices.append((encoded, torch.zeros(len(encoded))))
    rows = pd.DataFrame(
        {
            "emotion": [RAVDESS_EMOTIONS[e] for e in emotions],
            "intensity": "normal",
            "valence": emotions.astype(float),
            "speaker": "actor",
        }
    )
    return rows, voices


def test_a_head_learns_emotions_and_hears_them_in_other_recordings():
    rows, voices = recordings(128, 0)
    head = train_voice_head(rows, [voices, voices], epochs=6, batch_size=16)
    assert evaluate_voice_head(head, *recordings(40, 1))["accuracy"] > 0.9
    assert not any(parameter.any() for parameter in head.beyond_words.parameters())


def test_the_ridge_finds_what_a_voice_adds():
    inputs = torch.randn(200, ENCODED, generator=torch.Generator().manual_seed(0))
    wanted = (inputs[:, :200].mean(1) * 10).numpy()
    speakers = np.arange(200) % 10
    weight, bias = fit_beyond_words(inputs, wanted)
    assert weight.shape == (1, ENCODED) and bias.shape == (1,)
    assert np.corrcoef((inputs @ weight[0] + bias).numpy(), wanted)[0, 1] > 0.9
    words = np.random.default_rng(0).normal(size=200)
    figures = evaluate_beyond_words(inputs, words, words + wanted, speakers)
    assert figures["corr with what words leave over"] > 0.1
    assert abs(figures["corr with the words"]) < 0.2


def test_what_a_speakers_voice_adds_does_not_depend_on_labels_of_that_speaker():
    rng = torch.Generator().manual_seed(0)
    heard = [(torch.randn(10, ENCODED, generator=rng), torch.zeros(10)) for _ in range(12)]
    clips = [
        Utterance({Modality.TEXT: torch.zeros(3, 4)}, float(i % 5 - 2), "clips", f"speaker{i % 4}")
        for i in range(12)
    ]
    other = [replace(c, target=c.target + 3) if c.group == "speaker1" else c for c in clips]
    head = VoiceHead()
    before, after = (beyond_words_without(head, items, heard) for items in (clips, other))
    for i, clip in enumerate(clips):  # a fold without speaker1: nothing of that speaker's labels anywhere
        torch.testing.assert_close(before[f"speaker1.{i}"], after[f"speaker1.{i}"])
        same = torch.equal(before[f"{clip.group}.{i}"], after[f"{clip.group}.{i}"])
        assert same == (clip.group == "speaker1")  # others' own maps have heard speaker1


def test_an_altered_recording_is_another_of_about_the_same_length():
    sound = torch.from_numpy(vowels(2.0))
    lengths = set()
    for seed in range(8):
        changed = altered(sound, np.random.default_rng(seed))
        assert torch.isfinite(changed).all() and changed.std() > 0
        assert len(changed) / len(sound) == pytest.approx(1, abs=0.15)
        lengths.add(len(changed))
    assert len(lengths) > 4
    assert torch.equal(changed, altered(sound, np.random.default_rng(7)))
