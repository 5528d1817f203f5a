"""The sound through which the figures of the voice decoder are measured."""

from __future__ import annotations

import torch

from models.extractors.audio import log_mel
from models.media.clip import SAMPLE_RATE
from models.shipped.voice_decoder import sound


def test_sound_has_the_log_mel_it_was_made_from():
    torch.manual_seed(0)
    ticks = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = 0.3 * torch.sin(2 * torch.pi * 300 * ticks) * (1 + torch.sin(2 * torch.pi * 3 * ticks))
    mel = log_mel(tone)
    again = log_mel(sound(mel))[:, : mel.shape[1] - 1]
    mel = mel[:, : again.shape[1]]
    loud = mel > mel.max() - 4
    difference = (again - mel)[loud]
    assert (difference - difference.median()).abs().mean() < 0.7  # the level is not kept
