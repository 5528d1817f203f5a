"""Whisper's encoder on a sound of any length: its windows, and its values beside CTranslate2's."""

from __future__ import annotations

from dataclasses import replace

import ctranslate2
import numpy as np
import pytest
import torch

from models.extractors.encoded_sound import (
    FILLED,
    FLOOR,
    FRAMES,
    PAD,
    attended_silence,
    encode_sound,
    packaged_encoder,
    silent_states,
)
from models.extractors.whisper_encoder import log_mel, weights_folder
from models.media.clip import SAMPLE_RATE
from tests.made_up_voice import vowels


def voice(seconds: float) -> torch.Tensor:
    return torch.from_numpy(vowels(seconds))


def test_states_are_those_of_ctranslate2():
    with weights_folder(["config.json", "vocabulary.json"]) as folder:
        theirs = ctranslate2.models.Whisper(str(folder), compute_type="float32")
    mel = log_mel(voice(3))
    wanted = np.array(theirs.encode(ctranslate2.StorageView.from_array(mel[None].contiguous().numpy())))
    states = packaged_encoder()(mel[None])[-1].numpy()
    assert states == pytest.approx(wanted, abs=2e-2)


@pytest.mark.parametrize(
    ("silence", "shape"), [(silent_states, (1500, 512)), (attended_silence, (6, 2, 1, 8, FILLED // 2, 64))]
)
def test_the_stored_silence_is_what_the_encoder_makes_of_it(silence, shape):
    stored = silence(packaged_encoder())
    kept, made = replace(stored, make=lambda: pytest.fail("it was made anew")).load(), stored.make()
    assert kept.shape == made.shape == shape
    assert torch.allclose(kept, made, atol=2e-2)


def test_stored_silence_after_a_sound_is_heard_as_that_in_it():
    mel = log_mel(voice(3))
    padded = torch.nn.functional.pad(mel, (0, FILLED - mel.shape[1]), value=float(mel.max()) - FLOOR)
    encoder, own = packaged_encoder(), mel.shape[1] // 2

    def differs(states: torch.Tensor) -> float:
        return float((states[:, 0, :own] - wanted).norm() / wanted.norm())

    wanted = encoder(padded[None])[:, 0, :own]
    short = padded[None, :, : mel.shape[1] + PAD]
    assert differs(encoder(short, FILLED // 2)) < 0.1 < differs(encoder(short))


def test_a_window_is_as_long_as_the_sound_whatever_its_level():
    [window] = encode_sound(packaged_encoder(), voice(3))
    assert (window.start, window.frames) == (0, 3 * FRAMES)
    assert window.states.shape == (7, (3 * FRAMES + PAD) // 2, 512)
    [longer] = encode_sound(packaged_encoder(), voice(12))
    assert longer.states.shape == (7, (12 * FRAMES + PAD) // 2, 512)
    [quieter] = encode_sound(packaged_encoder(), 0.01 * voice(3))
    assert torch.allclose(window.states, quieter.states, atol=1e-2)
    assert window.for_words().states.dtype == torch.float16


def test_faint_ends_are_left_out_and_times_count_from_the_start():
    silence = torch.zeros(2 * SAMPLE_RATE)
    [window] = encode_sound(packaged_encoder(), torch.cat([silence, voice(1), silence]))
    assert window.start == pytest.approx(1.7, abs=0.1)
    assert window.frames == pytest.approx(1.6 * FRAMES, abs=0.1 * FRAMES)


def test_long_sound_is_cut_in_a_pause():
    sound = voice(24)
    sound[13 * SAMPLE_RATE : round(13.5 * SAMPLE_RATE)] = 0
    first, second = encode_sound(packaged_encoder(), sound)
    assert 13 < second.start < 13.5
    assert first.frames / FRAMES == pytest.approx(second.start)
    assert (first.frames + second.frames) == 24 * FRAMES


@pytest.mark.parametrize("sound", [torch.zeros(SAMPLE_RATE), torch.zeros(0), torch.ones(10), 1e-4 * voice(1)])
def test_silence_has_no_windows(sound):
    assert encode_sound(packaged_encoder(), sound) == ()
