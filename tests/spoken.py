"""Sentences spoken by eSpeak NG, in one voice and without any expression."""

from __future__ import annotations

import ctypes
from functools import cache

import espeakng_loader
import numpy as np
import torch
import torchaudio.functional as AF

from models.media.clip import SAMPLE_RATE

_RETRIEVAL = 1  # eSpeak's AUDIO_OUTPUT_RETRIEVAL: sound comes to the callback
_UTF8 = 1
_PITCH, _RANGE, _RATE = 3, 4, 1  # of its parameters: pitch in 0 … 100, its range, words a minute
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    """eSpeak, and the rate of its sound in Hz."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_RETRIEVAL, 0, espeakng_loader.get_data_path().encode(), 0)
    return library, rate


def spoken(
    sentence: str, pitch: int = 50, pitch_range: int = 0, rate: int = 165, voice: str = "en-us"
) -> np.ndarray:
    """(n,) float32 at 16 kHz: the sentence in a voice of even pitch; `voice` is one of eSpeak's."""
    library, own_rate = _library()
    assert library.espeak_SetVoiceByName(voice.encode()) == 0
    for parameter, value in ((_PITCH, pitch), (_RANGE, pitch_range), (_RATE, rate)):
        library.espeak_SetParameter(parameter, value, 0)
    blocks: list[np.ndarray] = []

    def keep(samples, count, events):
        if samples and count:
            blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    callback = _Callback(keep)
    library.espeak_SetSynthCallback(callback)
    text = sentence.encode()
    library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    sound = torch.from_numpy(np.concatenate(blocks).astype(np.float32) / 32768)
    return AF.resample(sound, own_rate, SAMPLE_RATE).numpy()
