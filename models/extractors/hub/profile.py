"""The profile `hub`: a text, a speech and a picture encoder of `transformers`, frozen as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.extractors.audio import HOP, log_mel, voiced_span
from models.extractors.encoded_sound import QUIET, SHORTEST
from models.extractors.face_detection import FaceDetector
from models.extractors.face_tracking import FaceTrack
from models.extractors.hub.audio import SpeechEncoder
from models.extractors.hub.encoders import HubEncoders, fingerprint
from models.extractors.hub.text import MAX_TOKENS, TextEncoder, token_spans
from models.extractors.hub.vision import PictureEncoder
from models.extractors.profile import FACE_DETECTOR, AudioFeatures, Profile, TextFeatures
from models.extractors.profile import fingerprint as file_fingerprint
from models.extractors.timing import face_times, token_times
from models.media.clip import SAMPLE_RATE, Word
from models.tensors import CHECKPOINTS
from models.types import MODALITIES, Modality, Sequence

STATES = "1"  # counts up with every change of this package that changes the states
DETECTOR = CHECKPOINTS / "local" / "extractors" / FACE_DETECTOR  # finds faces for every profile


class HubProfile(Profile):
    """Token states, voice states of 0.2 s between the silent ends, and a state for each face crop."""

    name = "hub"
    columns: Mapping[Modality, str] = {
        Modality.TEXT: "a token's last hidden state; the first and the last row are the tokens at both ends",
        Modality.AUDIO: "every 0.2 s, the mean of the speech encoder's frames over time and over its layers",
        Modality.VISION: "5 a second, what the picture encoder pools of a face crop",
    }
    max_tokens = MAX_TOKENS

    def __init__(
        self,
        text: TextEncoder,
        speech: SpeechEncoder,
        picture: PictureEncoder,
        face_detector: FaceDetector,
        fingerprints: dict[str, str],
    ):
        self._text, self._speech, self._picture = text, speech, picture
        self.face_detector = face_detector
        self.fingerprints = fingerprints
        self.dims = {Modality.TEXT: text.dim, Modality.AUDIO: speech.dim, Modality.VISION: picture.dim}

    @classmethod
    def load(
        cls, device: str = "cpu", root: Path | None = None, encoders: HubEncoders | None = None
    ) -> HubProfile:
        """The profile of `encoders`, those that FUSEBOX_HUB_* name where None.

        root : not used: what is of this profile lies in the hub's cache or in folders
        CheckpointError names an encoder that is not on disk, or of no use, and what to do.
        """
        encoders = encoders or HubEncoders.from_environment()
        # all are found before one is loaded, which takes seconds
        folders = {m: encoders.encoder(m).folder(encoders.allow_downloads) for m in MODALITIES}
        counted = {m: [STATES] for m in MODALITIES}
        counted[Modality.VISION].append(file_fingerprint(DETECTOR))
        return cls(
            TextEncoder(folders[Modality.TEXT], device),
            SpeechEncoder(folders[Modality.AUDIO], device),
            PictureEncoder(folders[Modality.VISION], device),
            FaceDetector(DETECTOR),
            {str(m): fingerprint(folder, *counted[m]) for m, folder in folders.items()},
        )

    def read(self, transcript: str, words: Iterable[Word] = ()) -> TextFeatures:
        if not any(character.isalnum() for character in transcript):
            return TextFeatures(Sequence.single(None, self.dims[Modality.TEXT]), [], ())
        encoding = self._text.encode(transcript)
        ids, spans = torch.tensor(encoding.ids), token_spans(transcript, encoding)
        states = self._text.states(ids[None], torch.tensor([len(ids)]))[0]
        times = token_times(transcript, spans, words)
        sequence = Sequence.single(states, self.dims[Modality.TEXT], ids, times)
        return TextFeatures(sequence, encoding.tokens, spans)

    def read_tokens(self, ids: Tensor, lengths: Tensor) -> Tensor:
        return self._text.states(ids, lengths)

    def hear(self, waveform: np.ndarray | None) -> AudioFeatures:
        absent = Sequence.single(None, self.dims[Modality.AUDIO])
        if waveform is None or not len(waveform):
            return AudioFeatures(absent, None)
        mel = log_mel(torch.from_numpy(waveform))
        if len(waveform) < SHORTEST or np.abs(waveform).max() < QUIET:
            return AudioFeatures(absent, mel.numpy())
        span = voiced_span(mel)
        # a sound that is loud for a moment alone is read with some of what follows
        first = min(span.start * HOP, len(waveform) - SHORTEST)
        states, times = self._speech.states(waveform[first : max(span.stop * HOP, first + SHORTEST)])
        sequence = Sequence.single(states, self.dims[Modality.AUDIO], times=times + first / SAMPLE_RATE)
        return AudioFeatures(sequence, mel.numpy())

    def embed_faces(self, faces: FaceTrack) -> Sequence:
        states = self._picture.states(faces.crops)
        return Sequence.single(states, self.dims[Modality.VISION], times=face_times(faces.times))
