"""States -> what a person can judge: a drawn face, an audible voice, the nearest phrases.

For what MFM imagines in the place of a missing modality. Everything here is an imagination of an
imagination: a page must mark it so.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.extractors.phrases import Phrase, PhraseBank
from models.extractors.profile import Profile
from models.extractors.vision import FaceDecoder
from models.extractors.voice_decoder import VoiceDecoder, at_state_rate, sound
from models.tensors import CHECKPOINTS, load_strictly, load_tensors

STEP_SECONDS = 0.3  # of a step whose time is not known: a word's


class Renderer:
    """Draws, sounds and words the raw states of one utterance, as a fusion model reconstructs them."""

    def __init__(self, face_decoder: FaceDecoder, voice_decoder: VoiceDecoder, phrases: PhraseBank):
        self.face_decoder = face_decoder
        self.voice_decoder = voice_decoder.eval().requires_grad_(False)
        self.phrase_bank = phrases

    @classmethod
    def load(cls, profile: Profile, root: Path | None = None) -> Renderer:
        """The renderers of a loaded profile, with weights from `<root>/<profile>/extractors`.

        CheckpointError for missing, damaged or misfitting weights.
        """
        path = Path(root or CHECKPOINTS) / profile.name / "extractors" / "voice_decoder.safetensors"
        decoder = VoiceDecoder()
        load_strictly(decoder.state_dict(), load_tensors(path)[0], path)
        return cls(profile.face_decoder, decoder, PhraseBank.load(profile.text))

    @torch.inference_mode()
    def faces(self, states: Tensor) -> np.ndarray:
        """Grey pictures (T, 48, 48) uint8 of vision states (T, 10), one a step."""
        device = next(self.face_decoder.parameters()).device
        drawn = self.face_decoder(states.float().to(device))[:, 0].cpu()
        return (255 * drawn).round().byte().numpy()

    @torch.inference_mode()
    def log_mel(self, states: Tensor, seconds: float | None = None) -> np.ndarray:
        """Levelled log-mel (80, frames) float32, 10 ms a frame, of audio states (T, 12).

        seconds : what the states span; without it a step lasts as long as a word
        """
        if seconds is None:
            seconds = STEP_SECONDS * len(states)
        return self.voice_decoder(at_state_rate(states.cpu().float(), seconds)[None])[0].numpy()

    @torch.inference_mode()
    def sound(self, mel: np.ndarray) -> np.ndarray:
        """Sound (n,) float32 at 16 kHz, peak 0.5, of a log-mel (80, frames)."""
        return sound(torch.from_numpy(np.ascontiguousarray(mel))).numpy()

    def phrases(self, states: Tensor, count: int = 3) -> list[Phrase]:
        """The phrases of the bank nearest to the mean of text states (T, 769), nearest first."""
        return self.phrase_bank.nearest(states.cpu().float(), count)
