"""A profile: the three extractors whose states a checkpoint was trained on."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor

from models.extractors.encoded_sound import EncodedWindow
from models.extractors.face_detection import FaceDetector
from models.extractors.face_tracking import FaceTrack, track_faces
from models.extractors.speaking_face import speaking_face
from models.media.clip import Clip, Word
from models.tensors import CheckpointError
from models.types import Features, Modality, Sequence

FACE_DETECTOR = "face_detector.onnx"


@dataclass(frozen=True)
class TextFeatures:
    """What `Profile.read` gives.

    sequence : batch of one, absent where there is no word
    tokens : as the text encoder saw them, with those at both ends ([CLS] and [SEP])
    token_spans : where each token stands in the transcript, as (start, end), (0, 0) for those at the ends
    """

    sequence: Sequence
    tokens: list[str]
    token_spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class AudioFeatures:
    """What `Profile.hear` gives.

    sequence : batch of one, absent where the sound is silent or too short
    log_mel : (80, frames) float32 natural-log mel energies of the whole sound, 10 ms a frame, or None
    encoded : the sound by Whisper's encoder, from which a recogniser makes words, or None
    """

    sequence: Sequence
    log_mel: np.ndarray | None
    encoded: tuple[EncodedWindow, ...] | None = None


class Profile(ABC):
    """Three extractors; any number of threads may share one.

    name : its key in `registry.EXTRACTORS`
    interpretable : True where something ships that reads its states for a person: emotions and valence along
    time, a drawn face, a hum, phrases, and whether an utterance is unlike the training data
    english : True where its text encoder knows no other language
    columns : {modality: what the coordinates of a state are, for who takes features home}
    max_tokens : of a transcript, with those at both ends; more are cut off
    dims : {modality: width of its states}
    fingerprints : {modality: hex digest of all that its states depend on}
    """

    name: ClassVar[str]
    interpretable: ClassVar[bool] = False
    english: ClassVar[bool] = False
    columns: ClassVar[Mapping[Modality, str]]
    max_tokens: ClassVar[int]
    dims: dict[Modality, int]
    fingerprints: dict[str, str]
    face_detector: FaceDetector

    def features(self, clip: Clip | None, transcript: str) -> Features:
        """Batch of one: the states of a clip (or None) and of its transcript ("" for none)."""
        picture = (None, None, None) if clip is None else (clip.frames, clip.frame_times, clip.audio)
        tracks, speaking = self.find_faces(*picture)
        absent = Sequence.single(None, self.dims[Modality.VISION])
        return Features(
            text=self.read(transcript).sequence,
            audio=self.hear(None if clip is None else clip.audio).sequence,
            vision=self.embed_faces(tracks[speaking or 0]) if tracks else absent,
        )

    @abstractmethod
    def read(self, transcript: str, words: Iterable[Word] = ()) -> TextFeatures:
        """The words.

        words : those of the transcript with their times, where a recogniser knows them
        """

    @abstractmethod
    def read_tokens(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """States (B, T, d) of token ids (B, T) as `read` gives them, with lengths (B,), on their device."""

    @abstractmethod
    def hear(self, waveform: np.ndarray | None) -> AudioFeatures:
        """The voice between the silent ends of a waveform (n,) float32 of 16 kHz, or None."""

    def find_faces(
        self, frames: np.ndarray | None, times: np.ndarray | None, waveform: np.ndarray | None
    ) -> tuple[tuple[FaceTrack, ...], int | None]:
        """The faces of frames (n, height, width, 3) uint8 RGB at times (n,) s, the most prominent first.

        And the index of the one whose mouth moves with the sound, None where there is no clear one.
        waveform : (n,) float32 of 16 kHz, which tells it; None without sound
        """
        if frames is None or times is None or not len(frames):
            return (), None
        tracks = track_faces(frames, times, self.face_detector.detect_film(frames))
        return tracks, speaking_face(tracks, waveform)

    @abstractmethod
    def embed_faces(self, faces: FaceTrack) -> Sequence:
        """The face modality of at least one crop, as `find_faces` gives them."""

    def language_model(self) -> dict[str, Tensor]:
        """The text encoder's by names of transformers' BertModel, shared, not copied.

        For fusion methods that run it themselves (`FusionModel.needs_language_model`); CheckpointError where
        the profile has none that they could run.
        """
        raise CheckpointError(
            f"the profile {self.name!r} has no language model that a fusion method could run itself; choose "
            "a method that reads states"
        )


def fingerprint(*paths: Path) -> str:
    """First 16 hex digits of the SHA-256 of weights files; CheckpointError where one is missing."""
    digest = hashlib.sha256()
    for path in paths:
        if not path.is_file():
            raise CheckpointError(
                f"the extractor weights {path} are missing; get them back with `git checkout -- checkpoints`"
            )
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
