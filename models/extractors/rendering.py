"""States -> what a person can judge: a drawn face, a hummed tone of voice, the nearest phrases.

For what MFM imagines in the place of a missing modality. Everything here is an imagination of an
imagination: a page must mark it so.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.extractors.face_decoder import FaceDecoder
from models.extractors.local_profile import LocalProfile
from models.extractors.melody import Melody, MelodyDecoder, hum
from models.extractors.phrases import Phrase, PhraseBank
from models.extractors.stand_in import probabilities
from models.extractors.voice_decoder import VoiceDecoder, at_state_rate
from models.tensors import CHECKPOINTS, load_strictly, load_tensors

STEP_SECONDS = 0.3  # of a step whose time is not known: a word's
LOOKS_SPREAD = 0.7  # of people who do not exist, beside real ones: far from the mean little of a face is left


class Renderer:
    """Draws, hums and words the raw states of one utterance, as a fusion model reconstructs them."""

    def __init__(
        self,
        face_decoder: FaceDecoder,
        voice_decoder: VoiceDecoder,
        melody_decoder: MelodyDecoder,
        phrase_bank: PhraseBank,
    ):
        self.face_decoder = face_decoder.eval().requires_grad_(False)
        self.voice_decoder = voice_decoder.eval().requires_grad_(False)
        self.melody_decoder = melody_decoder.eval().requires_grad_(False)
        self.phrase_bank = phrase_bank

    @classmethod
    def load(cls, profile: LocalProfile, root: Path | None = None) -> Renderer:
        """The renderers of a loaded profile, with weights from `<root>/<profile>/extractors`.

        CheckpointError for missing, damaged or misfitting weights.
        """
        decoders = FaceDecoder(), VoiceDecoder(), MelodyDecoder()
        folder = Path(root or CHECKPOINTS) / profile.name / "extractors"
        for name, decoder in zip(("face_decoder", "voice_decoder", "melody"), decoders, strict=True):
            path = folder / f"{name}.safetensors"
            load_strictly(decoder.state_dict(), load_tensors(path)[0], path)
        return cls(*decoders, PhraseBank.load(profile, folder))

    @torch.inference_mode()
    def face(self, state: Tensor, whose: int) -> np.ndarray:
        """A grey picture (48, 48) uint8 of a vision state (10,), on the looks of a person who does not exist.

        whose : number of the person, who looks the same each time
        """
        looks = LOOKS_SPREAD * torch.randn(
            1, FaceDecoder.looks, generator=torch.Generator().manual_seed(whose)
        )
        drawn = self.face_decoder(probabilities(state[None]), looks)[0, 0].clamp(0, 1)
        return (255 * drawn).round().byte().numpy()

    @torch.inference_mode()
    def log_mel(self, states: Tensor, seconds: float | None = None) -> np.ndarray:
        """Levelled log-mel (80, frames) float32, 10 ms a frame, of audio states (T, 12).

        seconds : what the states span; without it a step lasts as long as a word
        """
        seconds = _seconds(states, seconds)
        return self.voice_decoder(at_state_rate(states.cpu().float(), seconds)[None])[0].numpy()

    def melody(self, states: Tensor, seconds: float | None = None, seed: int | None = None) -> Melody:
        """A melody, 10 ms a frame, that fits audio states (T, 12); `seconds` as for `log_mel`.

        seed : of one of those that fit; without it, the likeliest, the same every time
        """
        return self.melody_decoder.draw(states.cpu().float(), _seconds(states, seconds), seed)

    def usual_melody(self, melody: Melody, states: Tensor) -> Melody:
        """A recording's melody about the pitch that its voice's states (T, 12) let one expect.

        How high the speaker's voice usually is cannot be known from one recording, so its own median was the
        zero of its pitch: beside an imagined voice, an angry one would be no higher than a calm one.
        """
        with torch.inference_mode():
            expected = float(self.melody_decoder(states.cpu().float().mean(0))[0][0])
        return replace(melody, pitch=melody.pitch + np.float32(expected))

    def hum(self, melody: Melody) -> np.ndarray:
        """A melody hummed at a pitch between a man's and a woman's, (n,) float32 at 16 kHz, peak 0.5."""
        return hum(melody)

    def phrases(
        self, states: Tensor, count: int = 3, score: float | None = None, arousal_rank: float | None = None
    ) -> list[Phrase]:
        """The phrases of the bank nearest to the mean of text states (T, 769); see `PhraseBank.nearest`."""
        return self.phrase_bank.nearest(states.cpu().float(), count, score, arousal_rank)


def _seconds(states: Tensor, seconds: float | None) -> float:
    """What states (T, d) span: a word's length a step where it is not known."""
    return STEP_SECONDS * len(states) if seconds is None else seconds
