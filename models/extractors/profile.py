"""A profile: the three extractors whose states a checkpoint was trained on, and a language model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from models.extractors.audio import SHORTEST, VoiceEncoder, level, log_mel, voiced_span
from models.extractors.language_model import merged_language_model
from models.extractors.text import LargeTextEncoder, TextEncoder
from models.extractors.timing import face_times, token_times, voice_times
from models.extractors.vision import FaceDecoder, FaceEncoder, track_face
from models.media.clip import Clip, Word
from models.tensors import CHECKPOINTS, CheckpointError, load_strictly, load_tensors
from models.types import LANGUAGE_MODEL, MODALITIES, Features, Modality, Sequence

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
class TextFeatures:
    """What `Profile.read` gives.

    sequence : batch of one, absent where there is no word
    tokens : as the text encoder saw them, with [CLS] and [SEP]
    token_spans : where each token stands in the transcript, as (start, end), (0, 0) for [CLS] and [SEP]
    """

    sequence: Sequence
    tokens: list[str]
    token_spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class AudioFeatures:
    """What `Profile.hear` gives.

    sequence : batch of one, absent where the sound is silent or too short
    log_mel : (80, frames) float32 natural-log mel energies of the whole sound, 10 ms a frame, or None
    """

    sequence: Sequence
    log_mel: np.ndarray | None


@dataclass(frozen=True)
class VisionFeatures:
    """What `Profile.watch` gives.

    sequence : batch of one, absent without a face
    faces : FaceTrack, or None without a face
    """

    sequence: Sequence
    faces: FaceTrack | None


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
        adapters: Path,
        device: str = "cpu",
    ):
        self.text, self.voice, self.face, self.face_decoder = text, voice, face, face_decoder
        for module in (text, voice, face, face_decoder):
            module.eval().requires_grad_(False).to(device)
        self.fingerprints = fingerprints
        self.adapters = adapters
        self.device = device

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
        adapters = folder / f"{LANGUAGE_MODEL}.safetensors"
        return cls(text, voice, face, decoder, fingerprints, adapters, device)

    def features(self, clip: Clip | None, transcript: str) -> Features:
        """Batch of one: the states of a clip (or None) and of its transcript ("" for none)."""
        picture = (None, None) if clip is None else (clip.frames, clip.frame_times)
        return Features(
            text=self.read(transcript).sequence,
            audio=self.hear(None if clip is None else clip.audio).sequence,
            vision=self.watch(*picture).sequence,
        )

    @torch.inference_mode()
    def read(self, transcript: str, words: Iterable[Word] = ()) -> TextFeatures:
        """The words.

        words : those of the transcript with their times, where a recogniser knows them
        """
        if not any(character.isalnum() for character in transcript):
            return TextFeatures(Sequence.single(None, TextEncoder.dim), [], ())
        encoding = self.text.tokenizer.encode(transcript)
        ids = torch.tensor(encoding.ids)
        lengths = torch.tensor([len(ids)])
        states = self.text.states(ids[None].to(self.device), lengths.to(self.device))[0].cpu()
        times = token_times(transcript, encoding.offsets, words)
        sequence = Sequence.single(states, TextEncoder.dim, ids, times)
        return TextFeatures(sequence, encoding.tokens, tuple(encoding.offsets))

    @torch.inference_mode()
    def hear(self, waveform: np.ndarray | None) -> AudioFeatures:
        """The voice between the silent ends of a waveform (n,) float32 of 16 kHz, or None."""
        absent = Sequence.single(None, VoiceEncoder.dim)
        if waveform is None or not len(waveform):
            return AudioFeatures(absent, None)
        mel = log_mel(torch.from_numpy(waveform))
        if len(waveform) < SHORTEST or np.abs(waveform).max() < QUIET:
            return AudioFeatures(absent, mel.numpy())
        frames = voiced_span(mel)
        states = self.voice.states(level(mel[:, frames])[None].to(self.device))[0].cpu()
        times = voice_times(len(states), frames)
        return AudioFeatures(Sequence.single(states, VoiceEncoder.dim, times=times), mel.numpy())

    def watch(self, frames: np.ndarray | None, times: np.ndarray | None) -> VisionFeatures:
        """The tracked largest face of frames (n, height, width, 3) uint8 at times (n,) s, or of None."""
        if frames is not None and times is not None and len(frames):
            crops, found = track_face(frames)
            if len(found):
                faces = FaceTrack(crops, times[found])
                return VisionFeatures(self.embed_faces(faces), faces)
        return VisionFeatures(Sequence.single(None, FaceEncoder.dim), None)

    @torch.inference_mode()
    def embed_faces(self, faces: FaceTrack) -> Sequence:
        """The face modality of at least one crop, as `watch` finds it in a clip."""
        crops = torch.from_numpy(faces.crops)[:, None].float().to(self.device) / 255
        states = self.face.states(crops).cpu()
        return Sequence.single(states, FaceEncoder.dim, times=face_times(faces.times))

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
        return {**named, LANGUAGE_MODEL: fingerprint(self.adapters)} if self.adapters.is_file() else named

    @torch.inference_mode()
    def embed_text(self, texts: list[str], batch_size: int = 32) -> list[Tensor]:
        """Token states [(T, d)] of transcripts, in their order."""
        states: dict[int, Tensor] = {}
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            ids, lengths = self.text.tokenize([texts[i] for i in rows])
            batch = self.text.states(ids.to(self.device), lengths.to(self.device)).cpu()
            for i, row, length in zip(rows, batch, lengths.tolist(), strict=True):
                states[i] = row[:length].clone()
        return [states[i] for i in range(len(texts))]


def fingerprint(path: Path) -> str:
    """First 16 hex digits of the SHA-256 of a weights file; CheckpointError where there is none."""
    if not path.is_file():
        raise CheckpointError(
            f"the extractor weights {path} are missing; train them with "
            "`python -m models.shipped train-extractors all`"
        )
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _load(wanted: dict[str, Tensor], path: Path) -> None:
    load_strictly(wanted, load_tensors(path)[0], path)
