"""A tiny profile, freshly built fusion models and clips written here: the service without trained weights."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
import pytest
import torch

from app.service.analyst import Analyst
from app.settings import Settings
from models.checkpoint import CheckpointMeta, fusion_path, save_fusion, subset_name
from models.extractors.audio import VoiceHead
from models.extractors.face_tracking import FaceTrack
from models.extractors.local_profile import LocalProfile
from models.extractors.profile import AudioFeatures, TextFeatures
from models.extractors.vision import FaceEncoder
from models.media.clip import SAMPLE_RATE, Word
from models.registry import FUSION_MODELS
from models.types import MODALITIES, Modality, Sequence
from tests.made_up_voice import vowels
from tests.small_language_model import SHAPE, random_weights, with_small_language_model

REACH = {subset_name(subset): 0.4 + 0.1 * len(subset) for subset in Modality.subsets()}


class TinyProfile(LocalProfile):
    """States that depend on the content alone: words' letters, loudness, brightness.

    A bright picture has a face, a loud sound a voice. `extracted` lists what was asked for, in order, `timed`
    the words whose times were given.
    """

    name = "local"
    dims: ClassVar = {Modality.TEXT: 4, Modality.AUDIO: VoiceHead.dim, Modality.VISION: FaceEncoder.dim}
    fingerprints: ClassVar = {str(modality): f"tiny-{modality}" for modality in MODALITIES}

    def __init__(self) -> None:
        self.extracted: list[str] = []
        self.timed: list[Word] = []
        self._lock = threading.Lock()

    def read(self, transcript: str, words=()) -> TextFeatures:
        self._note("text", transcript, words)
        spans = tuple(word.span() for word in re.finditer(r"\S+", transcript))[: self.max_tokens]
        tokens = transcript.split()[: self.max_tokens]
        return TextFeatures(self._words(tokens), tokens, spans)

    def hear(self, waveform) -> AudioFeatures:
        self._note("audio", waveform is not None)
        blocks = [] if waveform is None else np.array_split(waveform, 8)
        voice = [float(np.sqrt((block**2).mean())) for block in blocks]
        voice = voice if max(voice, default=0.0) > 1e-4 else []
        mel = np.zeros((80, 10), np.float32) if voice else None
        return AudioFeatures(self._states(Modality.AUDIO, voice), mel)

    def find_faces(self, frames, times, waveform):
        self._note("vision", frames is not None)
        face = [] if frames is None else [float(frame.mean()) / 255 for frame in frames]
        face = face if max(face, default=0.0) > 0.1 else []
        crops = np.multiply.outer(255 * np.array(face), np.ones((48, 48))).astype(np.uint8)
        return ((FaceTrack(crops, np.arange(len(face)) / 5),) if face else ()), None

    def embed_faces(self, faces) -> Sequence:
        return self._states(Modality.VISION, [float(crop.mean()) / 255 for crop in faces.crops])

    def _note(self, name: str, asked: object, words=()) -> None:
        with self._lock:
            self.timed += words
            self.extracted += [name] if asked else []

    def language_model(self) -> dict[str, torch.Tensor]:
        return random_weights()

    def _words(self, tokens: list[str]) -> Sequence:
        numbers = [sum(map(ord, word)) for word in tokens]
        ids = torch.tensor([[number % SHAPE.vocabulary for number in numbers] or [0]])
        return replace(self._states(Modality.TEXT, [number / 1000 for number in numbers]), ids=ids)

    def _states(self, modality: Modality, levels: list[float]) -> Sequence:
        width, steps = self.dims[modality], max(1, len(levels))
        values = torch.full((1, steps, width), torch.nan)  # nothing may read what is absent
        for i, level in enumerate(levels):
            values[0, i] = torch.sin(level * torch.arange(1, width + 1))
        return Sequence(values, torch.tensor([len(levels)]), torch.tensor([bool(levels)]))


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory) -> Path:
    """Folder of untrained checkpoints."""
    return untrained(tmp_path_factory.mktemp("checkpoints"))


def untrained(root: Path) -> Path:
    """The folder, with untrained but complete checkpoints of every method for `TinyProfile` in it."""
    for name, method in FUSION_MODELS.items():
        torch.manual_seed(7)
        config = with_small_language_model(name)
        meta = CheckpointMeta(
            method=name,
            config=config,
            profile="local",
            fingerprints=TinyProfile.fingerprints,
            dims={str(m): width for m, width in TinyProfile.dims.items()},
            residual_quantiles=REACH,
        )
        save_fusion(fusion_path(name, root=root), method.build(TinyProfile.dims, config), meta)
    return root


@pytest.fixture
def profile() -> TinyProfile:
    return TinyProfile()


@pytest.fixture
def analyst(checkpoints, profile) -> Analyst:
    return Analyst(Settings(device="cpu", checkpoints=checkpoints), profile)


@pytest.fixture
def decoded(monkeypatch) -> list[Path]:
    """The files that were really decoded, in order."""
    from app.service import reader

    files = []
    real = reader.decode_guarded

    def spy(path, limits, **options):
        files.append(path)
        return real(path, limits, **options)

    monkeypatch.setattr(reader, "decode_guarded", spy)
    return files


@pytest.fixture(scope="session")
def write_clip(tmp_path_factory):
    """Writes a clip and gives its path: `write_clip(brightness=200, loudness=0.5, seconds=1.0)`.

    brightness : 0 to 255 of a plain picture, None for no picture
    loudness : 0 to 1 of a voice, None for no sound
    """
    folder = tmp_path_factory.mktemp("clips")

    def write(brightness: int | None = 200, loudness: float | None = 0.5, seconds: float = 1.0) -> Path:
        path = folder / f"{brightness}-{loudness}-{seconds}.{'mp4' if brightness is not None else 'wav'}"
        if path.exists():
            return path
        with av.open(str(path), "w") as container:
            picture = sound = None
            if brightness is not None:
                picture = container.add_stream("mpeg4", rate=10)
                picture.width = picture.height = 64
                picture.pix_fmt = "yuv420p"
            if loudness is not None:
                codec = "aac" if picture else "pcm_s16le"
                sound = container.add_stream(codec, rate=SAMPLE_RATE, layout="mono")
            if picture:
                shade = np.full((64, 64, 3), brightness, np.uint8)
                for _ in range(round(10 * seconds)):
                    container.mux(picture.encode(av.VideoFrame.from_ndarray(shade, "rgb24")))
                container.mux(picture.encode())
            if sound:
                samples = (32767 * loudness * vowels(seconds)).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
                frame.sample_rate = SAMPLE_RATE
                container.mux(sound.encode(frame))
                container.mux(sound.encode())
        return path

    return write
