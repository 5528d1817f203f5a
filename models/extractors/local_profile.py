"""The profile `local`: its weights ship with the project, and nothing of it needs a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.extractors.audio import VoiceHead, log_mel, voice_of
from models.extractors.encoded_sound import encode_sound, packaged_encoder
from models.extractors.face_detection import FaceDetector
from models.extractors.face_tracking import FaceTrack
from models.extractors.profile import FACE_DETECTOR, AudioFeatures, Profile, TextFeatures, fingerprint
from models.extractors.text import MAX_TOKENS, TextEncoder
from models.extractors.timing import face_times, token_times
from models.extractors.vision import FaceEncoder
from models.media.clip import Word
from models.tensors import CHECKPOINTS, load_strictly, load_tensors
from models.types import MODALITIES, Modality, Sequence


class LocalProfile(Profile):
    """MPNet with sentiment adapters, the voice head on Whisper's encoder, the face encoder."""

    name = "local"
    interpretable = True
    english = True
    columns: Mapping[Modality, str] = {
        Modality.TEXT: "a token's last hidden state and, last, its sentiment reading; the first row is "
        "[CLS], the last [SEP]. text_ids: token ids of BERT (uncased)",
        Modality.AUDIO: "every 80 ms, probabilities of 8 emotions and of strong intensity, the expected "
        "valence in [-3, 3], what the voice adds to the words' score, and loudness in nats below the "
        "loudest tenth",
        Modality.VISION: "5 a second, probabilities of 8 emotions, the expected valence in [-3, 3], and the "
        "same less its mean over the clip",
    }
    max_tokens = MAX_TOKENS
    dims = {  # noqa: RUF012 (of the class here, of each instance in other profiles)
        Modality.TEXT: TextEncoder.dim,
        Modality.AUDIO: VoiceHead.dim,
        Modality.VISION: FaceEncoder.dim,
    }

    def __init__(
        self,
        text: TextEncoder,
        voice: VoiceHead,
        face: FaceEncoder,
        face_detector: FaceDetector,
        fingerprints: dict[str, str],
        device: str = "cpu",
    ):
        self.text, self.voice, self.face = text, voice, face
        for module in (text, voice, face):
            module.eval().requires_grad_(False).to(device)
        self.face_detector = face_detector
        self.fingerprints = fingerprints
        self.device = device

    @classmethod
    def load(cls, device: str = "cpu", root: Path | None = None, encoders: object = None) -> LocalProfile:
        """The profile from its folder `<root>/local/extractors`; root is `checkpoints/` unless given.

        encoders : those of the profile `hub`, see `registry.load_profile`; not used
        CheckpointError for missing, damaged or misfitting weights.
        """
        folder = Path(root or CHECKPOINTS) / cls.name / "extractors"
        fingerprints = extractor_fingerprints(folder)
        text, face, voice = load_text_encoder(folder), load_face_encoder(folder), VoiceHead()
        _load(voice.state_dict(), folder / "audio.safetensors")
        detector = FaceDetector(folder / FACE_DETECTOR)
        return cls(text, voice, face, detector, fingerprints, device)

    @torch.inference_mode()
    def read(self, transcript: str, words: Iterable[Word] = ()) -> TextFeatures:
        if not any(character.isalnum() for character in transcript):
            return TextFeatures(Sequence.single(None, TextEncoder.dim), [], ())
        encoding = self.text.tokenizer.encode(transcript)
        ids = torch.tensor(encoding.ids)
        lengths = torch.tensor([len(ids)])
        states = self.text.states(ids[None].to(self.device), lengths.to(self.device))[0].cpu()
        times = token_times(transcript, encoding.offsets, words)
        sequence = Sequence.single(states, TextEncoder.dim, ids, times)
        return TextFeatures(sequence, encoding.tokens, tuple(encoding.offsets))

    def read_tokens(self, ids: Tensor, lengths: Tensor) -> Tensor:
        return self.text.states(ids, lengths)

    @torch.inference_mode()
    def hear(self, waveform: np.ndarray | None) -> AudioFeatures:
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

    @torch.inference_mode()
    def embed_faces(self, faces: FaceTrack) -> Sequence:
        crops = torch.from_numpy(faces.crops)[:, None].float().to(self.device) / 255
        states = self.face.states(crops).cpu()
        return Sequence.single(states, FaceEncoder.dim, times=face_times(faces.times))

    def language_model(self) -> dict[str, Tensor]:  # with its sentiment adapters merged in
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


def load_face_encoder(folder: Path) -> FaceEncoder:
    """The face encoder of a profile's extractors in `folder`, which learns no more."""
    face = FaceEncoder().eval().requires_grad_(False)
    _load(face.state_dict(), folder / "vision.safetensors")
    return face


def extractor_fingerprints(folder: Path) -> dict[str, str]:
    """{modality: fingerprint of the weights in `folder` that its states depend on}.

    But for MPNet's, which are as they were published.
    """
    paths = {modality: [folder / f"{modality}.safetensors"] for modality in MODALITIES}
    paths[Modality.VISION].append(folder / FACE_DETECTOR)
    return {str(modality): fingerprint(*files) for modality, files in paths.items()}


def _load(wanted: dict[str, Tensor], path: Path) -> None:
    load_strictly(wanted, load_tensors(path)[0], path)
