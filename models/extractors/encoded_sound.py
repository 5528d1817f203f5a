"""A sound as Whisper's encoder hears it, once for its words and for its tone."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from models.extractors.whisper_encoder import (
    HOP,
    WINDOW,
    WhisperEncoder,
    log_mel,
    read_arrays,
    weights_file,
)
from models.media.clip import SAMPLE_RATE
from models.tensors import CHECKPOINTS, StoredStates

QUIET = 1e-3  # peak amplitude below which a recording is silence
SHORTEST = 3200  # samples (0.2 s) of sound below which there is nothing to hear
FRAMES = SAMPLE_RATE // HOP  # log-mel frames a second
FAINT = 1.0  # 40 dB below the loudest in units of `log_mel`: fainter ends are left out
FLOOR = 2.0  # 80 dB: the same of what `log_mel` gives for silence
MARGIN = 3 * FRAMES // 10  # frames kept before the first and after the last that is not faint
PAD = FRAMES  # frames of silence after each window: the last word is heard to its end
# frames that shorter windows are filled up to, with stored silence: 6 s cost a point of WER, 30 s gain 0.1
FILLED = 10 * FRAMES
LONGEST = 15 * FRAMES  # of a window: of 663 s of speech 14.5 % of the words are wrong, with 29 s 16.0 %
EARLIEST = 10 * FRAMES  # frames after which a window may be cut
PAUSE = 21  # frames whose mean loudness tells a pause, in which no word is cut

_loading = threading.Lock()


@dataclass(frozen=True)
class EncodedWindow:
    """At most 15 s of a sound.

    start : seconds from the beginning of the sound
    frames : log-mel frames (10 ms) of sound in it; a second of silence follows
    states : (layers, T, 512), 50 a second, the silence's too; the last layer is what the decoder reads
    """

    start: float
    frames: int
    states: Tensor

    @property
    def seconds(self) -> float:
        """Of its sound, without the silence."""
        return self.frames / FRAMES

    def for_words(self) -> EncodedWindow:
        """The last layer alone, in half precision: less than the waveform takes."""
        return replace(self, states=self.states[-1:].half())


def packaged_encoder(device: str = "cpu") -> WhisperEncoder:
    """The encoder of the packaged Whisper, one a device; CheckpointError where its weights are missing."""
    with _loading:
        return load_encoder(device)


@cache
def load_encoder(device: str) -> WhisperEncoder:
    """The same for one thread at a time."""
    encoder = WhisperEncoder.load(read_arrays(weights_file()))
    encoder.silence = attended_silence(encoder).load().half()
    return encoder.to(device)


def silent_states(encoder: WhisperEncoder) -> StoredStates:
    """States (1500, 512) of the silence after a voice, for the decoder to see after a shorter sound."""
    return _of_silence(encoder, "silence", 2 * WINDOW, lambda mel: encoder(mel)[-1, 0])


def attended_silence(encoder: WhisperEncoder) -> StoredStates:
    """What a shorter sound attends to in the silence after it: `WhisperEncoder.attended`."""
    return _of_silence(encoder, "silence_attended", FILLED, encoder.attended)


def _of_silence(
    encoder: WhisperEncoder, name: str, frames: int, read: Callable[[Tensor], Tensor]
) -> StoredStates:
    """What is `read` of so many log-mel frames; the last norm's weights tell one encoder from another."""

    @torch.inference_mode()
    def make() -> Tensor:
        return read(_silence_after_voice(frames).to(encoder.positions.device)).cpu()

    digest = hashlib.sha256(encoder.norm.weight.cpu().numpy().tobytes()).hexdigest()[:16]
    return StoredStates(CHECKPOINTS / "local" / "extractors" / f"{name}.safetensors", digest, make)


def _silence_after_voice(frames: int) -> Tensor:
    """Log-mel (1, 80, frames) of silence, but for the first 2 s: a buzz of moving pitch for a voice.

    Silence with nothing before it has other states, after which a third more words are wrong.
    """
    time = torch.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    turns = 2 * torch.pi * torch.cumsum(120 + 20 * torch.sin(4.4 * time), 0) / SAMPLE_RATE
    buzz = sum(torch.sin(n * turns) / n for n in range(1, 25)) * (0.6 + 0.4 * torch.sin(25 * time))
    mel = log_mel(buzz / buzz.abs().max())
    return F.pad(mel, (0, frames - mel.shape[1]), value=float(mel.max()) - FLOOR)[None]


@torch.inference_mode()
def encode_sound(encoder: WhisperEncoder, waveform: Tensor) -> tuple[EncodedWindow, ...]:
    """The windows of a 16 kHz waveform (n,) of any length and level; none where there is nothing to hear.

    Windows are as long as the sound, which hears silence after it up to 10 s: the stored one, whose states
    need not be computed. More than 15 s is cut in pauses. Faint ends are left out.
    """
    peak = waveform.abs().max() if len(waveform) >= SHORTEST else 0.0
    if peak < QUIET:
        return ()
    mel = log_mel(waveform / peak)
    silence = float(mel.max()) - FLOOR
    device = encoder.positions.device
    windows = []
    for part in _cut(mel):
        padded = F.pad(mel[:, part], (0, PAD), value=silence)
        states = encoder(padded[None].to(device), FILLED // 2)[:, 0].cpu()
        windows.append(EncodedWindow(part.start / FRAMES, part.stop - part.start, states))
    return tuple(windows)


def _cut(mel: Tensor) -> Iterator[slice]:
    """Frames of the windows, from the first to the last that is not faint."""
    heard = torch.nonzero(mel.amax(0) > mel.max() - FAINT)[:, 0]
    start, stop = max(0, int(heard[0]) - MARGIN), min(mel.shape[1], int(heard[-1]) + 1 + MARGIN)
    loudness = F.avg_pool1d(mel.mean(0)[None], PAUSE, 1, PAUSE // 2, count_include_pad=False)[0]
    while stop - start > LONGEST:
        end = start + EARLIEST + int(loudness[start + EARLIEST : start + LONGEST].argmin())
        yield slice(start, end)
        start = end
    yield slice(start, stop)
