"""A profile: the three extractors whose states a checkpoint was trained on, and a language model."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from models.checkpoint import CHECKPOINTS, LANGUAGE_MODEL, CheckpointError, load_strictly, load_tensors
from models.clip import Clip, Word
from models.extractors.audio import SHORTEST, VoiceEncoder, level, log_mel, voiced_span
from models.extractors.language_model import merged_language_model
from models.extractors.text import LargeTextEncoder, TextEncoder
from models.extractors.timing import face_times, token_times, voice_times
from models.extractors.vision import FaceDecoder, FaceEncoder, track_face
from models.types import MODALITIES, Features, Modality, Sequence

QUIET = 1e-3  # peak amplitude below which a recording is silence


@dataclass(frozen=True)
class FaceTrack:
    """The tracked largest face of a clip.

    crops : (n, 48, 48) uint8, aligned grey crops, one a frame with a face
    times : (n,) seconds
    """

    crops: np.ndarray
    times: np.ndarray


@dataclass(frozen=True)
class Extraction:
    """States of one utterance and what a page shows of them.

    features : batch of one; `present` is False where the clip has no such modality
    log_mel : (80, frames) float32 natural-log mel energies, 10 ms a frame, or None without sound
    faces : FaceTrack, or None without a face
    tokens : the words' tokens as the text encoder saw them, with [CLS] and [SEP]
    timings_ms : {"text", "audio", "vision"}: milliseconds each extractor took
    token_spans : where each token stands in the transcript, as (start, end), (0, 0) for [CLS] and [SEP]
    """

    features: Features
    log_mel: np.ndarray | None
    faces: FaceTrack | None
    tokens: list[str]
    timings_ms: dict[str, float]
    token_spans: tuple[tuple[int, int], ...] = ()


class Profile:
    """The `local` profile: MiniLM with sentiment adapters, the voice encoder, the face encoder.

    name : "local"
    dims : {Modality: d}
    fingerprints : {Modality: hex digest of the extractor's weights}
    adapters : file of the sentiment adapters of `language_model`, which is read when that is asked for
    """

    name = "local"
    dims: ClassVar = {
        Modality.TEXT: TextEncoder.dim,
        Modality.AUDIO: VoiceEncoder.dim,
        Modality.VISION: FaceEncoder.dim,
    }

    def __init__(
        self,
        text: TextEncoder,
        voice: VoiceEncoder,
        face: FaceEncoder,
        face_decoder: FaceDecoder,
        fingerprints: dict[Modality, str],
        device: str = "cpu",
        adapters: Path | None = None,
    ):
        self.text, self.voice, self.face, self.face_decoder = (
            module.eval().requires_grad_(False).to(device) for module in (text, voice, face, face_decoder)
        )
        self.fingerprints = fingerprints
        self.device = device
        self.adapters = adapters

    @classmethod
    def load(cls, name: str = "local", device: str = "cpu", root: Path | None = None) -> Profile:
        """The profile from its folder `<root>/<name>/extractors`; root is `checkpoints/` unless given.

        ValueError for an unknown name; CheckpointError for missing, damaged or misfitting weights.
        """
        if name != cls.name:
            raise ValueError(f"unknown profile {name!r}; known is {cls.name}")
        folder = Path(root or CHECKPOINTS) / name / "extractors"
        fingerprints = {m: fingerprint(folder / f"{m}.safetensors") for m in MODALITIES}
        text = TextEncoder()
        _load(text.trained(), folder / "text.safetensors")
        voice, face, decoder = VoiceEncoder(), FaceEncoder(), FaceDecoder()
        _load(voice.state_dict(), folder / "audio.safetensors")
        _load(face.state_dict(), folder / "vision.safetensors")
        _load(decoder.state_dict(), folder / "vision_decoder.safetensors")
        return cls(text, voice, face, decoder, fingerprints, device, folder / f"{LANGUAGE_MODEL}.safetensors")

    def extract(self, clip: Clip | None, transcript: str, words: Iterable[Word] = ()) -> Extraction:
        """States of a clip (or None) and its transcript ("" for none).

        words : the transcript's words with their times, where a recogniser knows them
        """
        timings: dict[str, float] = {}
        with _timed(timings, "text"):
            tokens, spans, text = self._read(transcript, words)
        with _timed(timings, "audio"):
            mel, voice = self._hear(None if clip is None else clip.audio)
        with _timed(timings, "vision"):
            faces, face = self._watch(clip)
        features = Features(text=text, audio=voice, vision=face)
        return Extraction(features, mel, faces, tokens, timings, spans)

    def language_model(self) -> dict[str, Tensor]:
        """A frozen language model by names of transformers' BertModel, sentiment adapters merged in.

        For fusion methods that run it themselves (`FusionModel.needs_language_model`): a larger one than the
        text encoder's, which reads the same token ids. CheckpointError where its weights are missing.
        """
        encoder = LargeTextEncoder()
        _load(encoder.trained(), self.adapters)
        return merged_language_model(encoder)

    @cached_property
    def all_fingerprints(self) -> dict[str, str]:
        """`fingerprints`, and that of `adapters` where they are there: what a checkpoint may ask for."""
        named = {str(modality): digest for modality, digest in self.fingerprints.items()}
        there = self.adapters is not None and self.adapters.is_file()
        return {**named, LANGUAGE_MODEL: fingerprint(self.adapters)} if there else named

    @torch.inference_mode()
    def embed_text(self, texts: list[str], batch_size: int = 32) -> list[Tensor]:
        """Token states [(T, d)] of transcripts, in their order."""
        states: list[Tensor | None] = [None] * len(texts)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            ids, lengths = self.text.tokenize([texts[i] for i in rows])
            batch = self.text.states(ids.to(self.device), lengths.to(self.device)).cpu()
            for i, row, length in zip(rows, batch, lengths.tolist(), strict=True):
                states[i] = row[:length].clone()
        return states

    @torch.inference_mode()
    def see(self, track: FaceTrack) -> Sequence:
        """The face modality of at least one crop, as `extract` finds it in a clip."""
        faces = torch.from_numpy(track.crops)[:, None].float().to(self.device) / 255
        return one_sequence(self.face.states(faces).cpu(), FaceEncoder.dim, times=face_times(track.times))

    @torch.inference_mode()
    def _read(
        self, transcript: str, words: Iterable[Word]
    ) -> tuple[list[str], tuple[tuple[int, int], ...], Sequence]:
        """Tokens, none where there is no word, where they stand in the transcript, and the text modality."""
        if not any(character.isalnum() for character in transcript):
            return [], (), one_sequence(None, TextEncoder.dim)
        encoding = self.text.tokenizer.encode(transcript)
        ids = torch.tensor(encoding.ids)
        lengths = torch.tensor([len(ids)])
        states = self.text.states(ids[None].to(self.device), lengths.to(self.device))[0].cpu()
        times = token_times(transcript, encoding.offsets, words)
        return encoding.tokens, tuple(encoding.offsets), one_sequence(states, TextEncoder.dim, ids, times)

    @torch.inference_mode()
    def _hear(self, audio: np.ndarray | None) -> tuple[np.ndarray | None, Sequence]:
        """Log-mel (80, frames) of the whole sound, and the states between its silent ends."""
        if audio is None or not len(audio):
            return None, one_sequence(None, VoiceEncoder.dim)
        mel = log_mel(torch.from_numpy(audio))
        if len(audio) < SHORTEST or np.abs(audio).max() < QUIET:
            return mel.numpy(), one_sequence(None, VoiceEncoder.dim)
        frames = voiced_span(mel)
        states = self.voice.states(level(mel[:, frames])[None].to(self.device))[0].cpu()
        return mel.numpy(), one_sequence(states, VoiceEncoder.dim, times=voice_times(len(states), frames))

    @torch.inference_mode()
    def _watch(self, clip: Clip | None) -> tuple[FaceTrack | None, Sequence]:
        """The tracked face and its embeddings."""
        absent = one_sequence(None, FaceEncoder.dim)
        if clip is None or clip.frames is None or not len(clip.frames):
            return None, absent
        crops, found = track_face(clip.frames)
        if not len(found):
            return None, absent
        track = FaceTrack(crops, clip.frame_times[found])
        return track, self.see(track)


def fingerprint(path: Path) -> str:
    """First 16 hex digits of the SHA-256 of a weights file; CheckpointError where there is none."""
    if not path.is_file():
        raise CheckpointError(
            f"the extractor weights {path} are missing; train them with "
            "`python -m models train-extractors all`"
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def one_sequence(
    states: Tensor | None, dim: int, ids: Tensor | None = None, times: Tensor | None = None
) -> Sequence:
    """Batch of one from states (T, d), token ids (T,) and times (T, 2); an absent sequence from None."""
    present = torch.tensor([states is not None])
    if states is None:
        states = torch.zeros(1, dim)
    lengths = torch.tensor([len(states)])
    batch = (None if extra is None else extra[None] for extra in (ids, times))
    return Sequence(states[None].clone(), lengths, present, *batch)


def _load(wanted: dict[str, Tensor], path: Path) -> None:
    load_strictly(wanted, load_tensors(path)[0], path)


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[name] = 1000 * (time.perf_counter() - start)
