"""A profile: the three extractors whose states a checkpoint was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from models.extractors.audio import VoiceHead, log_mel, voice_of
from models.extractors.encoded_sound import EncodedWindow, encode_sound, packaged_encoder
from models.extractors.face_detection import FaceDetector
from models.extractors.face_tracking import FaceTrack, track_faces
from models.extractors.speaking_face import speaking_face
from models.extractors.text import TextEncoder
from models.extractors.timing import face_times, token_times
from models.extractors.vision import FaceDecoder, FaceEncoder
from models.media.clip import Clip, Word
from models.tensors import CHECKPOINTS, CheckpointError, load_strictly, load_tensors
from models.types import MODALITIES, Features, Modality, Sequence

FACE_DETECTOR = "face_detector.onnx"


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
    encoded : the sound by Whisper's encoder, from which a recogniser makes words, or None
    """

    sequence: Sequence
    log_mel: np.ndarray | None
    encoded: tuple[EncodedWindow, ...] | None = None


class Profile:
    """The `local` profile: MPNet with sentiment adapters, the voice encoder, the face encoder.

    name : "local"
    dims : {Modality: d}
    fingerprints : {modality: hex digest of the extractor's weights}, see `extractor_fingerprints`
    """

    name = "local"
    dims: ClassVar = {
        Modality.TEXT: TextEncoder.dim,
        Modality.AUDIO: VoiceHead.dim,
        Modality.VISION: FaceEncoder.dim,
    }

    def __init__(
        self,
        text: TextEncoder,
        voice: VoiceHead,
        face: FaceEncoder,
        face_decoder: FaceDecoder,
        face_detector: FaceDetector,
        fingerprints: dict[str, str],
        device: str = "cpu",
    ):
        self.text, self.voice, self.face, self.face_decoder = text, voice, face, face_decoder
        for module in (text, voice, face, face_decoder):
            module.eval().requires_grad_(False).to(device)
        self.face_detector = face_detector
        self.fingerprints = fingerprints
        self.device = device

    @classmethod
    def load(cls, name: str = "local", device: str = "cpu", root: Path | None = None) -> Profile:
        """The profile from its folder `<root>/<name>/extractors`; root is `checkpoints/` unless given.

        ValueError for an unknown name; CheckpointError for missing, damaged or misfitting weights.
        """
        if name != cls.name:
            raise ValueError(f"unknown profile {name!r}; known is {cls.name}")
        folder = Path(root or CHECKPOINTS) / name / "extractors"
        fingerprints = extractor_fingerprints(folder)
        text = load_text_encoder(folder)
        voice, face, decoder = VoiceHead(), FaceEncoder(), FaceDecoder()
        _load(voice.state_dict(), folder / "audio.safetensors")
        _load(face.state_dict(), folder / "vision.safetensors")
        _load(decoder.state_dict(), folder / "vision_decoder.safetensors")
        detector = FaceDetector(folder / FACE_DETECTOR)
        return cls(text, voice, face, decoder, detector, fingerprints, device)

    def features(self, clip: Clip | None, transcript: str) -> Features:
        """Batch of one: the states of a clip (or None) and of its transcript ("" for none)."""
        picture = (None, None, None) if clip is None else (clip.frames, clip.frame_times, clip.audio)
        tracks, speaking = self.find_faces(*picture)
        absent = Sequence.single(None, FaceEncoder.dim)
        return Features(
            text=self.read(transcript).sequence,
            audio=self.hear(None if clip is None else clip.audio).sequence,
            vision=self.embed_faces(tracks[speaking or 0]) if tracks else absent,
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
        absent = Sequence.single(None, VoiceHead.dim)
        if waveform is None or not len(waveform):
            return AudioFeatures(absent, None)
        sound = torch.from_numpy(waveform)
        mel = log_mel(sound)
        encoded = encode_sound(packaged_encoder(self.device), sound)
        if not encoded:
            return AudioFeatures(absent, mel.numpy())
        voice = voice_of(encoded, mel)
        states = self.voice.states(voice.encoded.to(self.device), voice.loudness.to(self.device)).cpu()
        sequence = Sequence.single(states, VoiceHead.dim, times=voice.times)
        return AudioFeatures(sequence, mel.numpy(), tuple(window.for_words() for window in encoded))

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

    @torch.inference_mode()
    def embed_faces(self, faces: FaceTrack) -> Sequence:
        """The face modality of at least one crop, as `find_faces` gives them."""
        crops = torch.from_numpy(faces.crops)[:, None].float().to(self.device) / 255
        states = self.face.states(crops).cpu()
        return Sequence.single(states, FaceEncoder.dim, times=face_times(faces.times))

    def language_model(self) -> dict[str, Tensor]:
        """The text encoder's by names of transformers' BertModel, sentiment adapters merged in.

        For fusion methods that run it themselves (`FusionModel.needs_language_model`); shared, not copied.
        """
        return self.text.language_model.weights()

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


def load_text_encoder(folder: Path) -> TextEncoder:
    """The text encoder of a profile's extractors in `folder`, its adapters merged in."""
    text = TextEncoder(folder=folder / "mpnet")
    _load(text.trained(), folder / "text.safetensors")
    text.merge()
    return text


def extractor_fingerprints(folder: Path) -> dict[str, str]:
    """{modality: fingerprint of the weights in `folder` that its states depend on}.

    But for MPNet's, which are as they were published.
    """
    paths = {modality: [folder / f"{modality}.safetensors"] for modality in MODALITIES}
    paths[Modality.VISION].append(folder / FACE_DETECTOR)
    return {str(modality): fingerprint(*files) for modality, files in paths.items()}


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


def _load(wanted: dict[str, Tensor], path: Path) -> None:
    load_strictly(wanted, load_tensors(path)[0], path)
