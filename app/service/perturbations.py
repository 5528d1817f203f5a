"""Noise on purpose: the words, the voice and the face of an utterance, perturbed by a chosen strength.

Every kind leaves its input exactly as it is at strength 0. The same seed gives the same noise, and what a
weaker strength takes away, a stronger one takes away too.
"""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from models.extractors.phrases import PHRASES
from models.media.clip import SAMPLE_RATE
from models.types import Modality

PLAIN = 0.1  # |score| up to which a phrase of the bank lends its words as replacements
STRETCH = SAMPLE_RATE // 5  # samples (0.2 s, about a syllable) that are muted together
COVER_GREY = 128  # of what stands before the face
SIDES = ("left", "right", "top", "bottom")  # from which it comes


@dataclass(frozen=True)
class Kind:
    """One way to disturb a modality.

    first, last : amount at the weakest and at full strength, in the kind's own unit
    by_chance : True where the seed decides what is hit
    """

    modality: Modality
    first: float
    last: float
    by_chance: bool = True

    def amount(self, strength: float) -> float:
        """In the kind's own unit; linear in the strength."""
        return self.first + (self.last - self.first) * strength


KINDS = {
    "drop": Kind(Modality.TEXT, 0.0, 1.0),  # share of the words
    "replace": Kind(Modality.TEXT, 0.0, 1.0),  # share of the words
    "noise": Kind(Modality.AUDIO, 30.0, -10.0),  # dB, voice over noise
    "mute": Kind(Modality.AUDIO, 0.0, 1.0),  # share of the time
    "blur": Kind(Modality.VISION, 0.0, 6.0, by_chance=False),  # pixels, sigma, of a face of 48
    "darken": Kind(Modality.VISION, 0.0, 6.0, by_chance=False),  # stops: halvings of the light
    "cover": Kind(Modality.VISION, 0.0, 1.0),  # share of the picture
}


def perturb_words(words: list[str], kind: str, strength: float, seed: int) -> list[str | None]:
    """What becomes of each word: itself, a plain word of our phrase bank ("replace"), or None ("drop")."""
    chance = _chance(kind, seed)
    hit = _first(chance.permutation(len(words)), KINDS[kind].amount(strength))
    others: list[str | None] = [None] * len(words)
    if kind == "replace":
        others = list(map(_other_word, words, chance.random(len(words)).tolist()))
    return [others[place] if place in hit else word for place, word in enumerate(words)]


def perturb_voice(waveform: np.ndarray, kind: str, strength: float, seed: int) -> np.ndarray:
    """A (n,) float32 16 kHz waveform under pink noise ("noise"), or silent in places ("mute")."""
    if strength == 0:
        return waveform
    if kind == "noise":
        noise = pink_noise(len(waveform), seed)
        power = float(np.mean(waveform.astype(np.float64) ** 2))
        return waveform + noise * np.float32(np.sqrt(power / 10 ** (KINDS[kind].amount(strength) / 10)))
    stretches = np.arange(len(waveform)) // STRETCH
    order = _chance(kind, seed).permutation(int(stretches[-1]) + 1)
    hit = np.isin(stretches, list(_first(order, KINDS[kind].amount(strength))))
    return np.where(hit, np.float32(0), waveform)


def perturb_faces(crops: np.ndarray, kind: str, strength: float, seed: int) -> np.ndarray:
    """(n, 48, 48) uint8 crops out of focus ("blur"), with too little light ("darken") or hidden ("cover")."""
    amount = KINDS[kind].amount(strength)
    if amount == 0 or not len(crops):
        return crops
    if kind == "blur":
        return np.stack([cv2.GaussianBlur(crop, (0, 0), amount) for crop in crops])
    if kind == "darken":  # whole grey levels, as a camera keeps them: what differs by less is lost
        return (crops / 2**amount).round().astype(np.uint8)
    covered = crops.copy()
    side = SIDES[int(_chance(kind, seed).integers(len(SIDES)))]
    along = 1 if side in ("top", "bottom") else 2
    reach = round(amount * crops.shape[along])
    hit = slice(0, reach) if side in ("left", "top") else slice(crops.shape[along] - reach, None)
    covered[(slice(None), hit) if along == 1 else (slice(None), slice(None), hit)] = COVER_GREY
    return covered


def pink_noise(samples: int, seed: int) -> np.ndarray:
    """(samples,) float32 noise of mean power 1 whose power falls as 1 / frequency, as a crowd's hum does."""
    frequencies = np.fft.rfftfreq(samples)
    spectrum = np.fft.rfft(_chance("noise", seed).standard_normal(samples))
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(frequencies[1:])
    noise = np.fft.irfft(spectrum, samples)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


@cache
def plain_words() -> tuple[str, ...]:
    """The words of the phrase bank's neutral phrases, each once, in alphabetical order."""
    with PHRASES.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if abs(float(row["score"])) <= PLAIN]
    return tuple(sorted({word for row in rows for word in row["text"].split()}))


def _other_word(word: str, draw: float) -> str:
    """One of the plain words, but not `word` itself; `draw` in [0, 1) says which."""
    pool = [other for other in plain_words() if other != word.lower()]
    return pool[int(draw * len(pool))]


def _chance(kind: str, seed: int) -> np.random.Generator:
    """The numbers drawn for a kind; each has its own, so that words and voice are not hit in step."""
    return np.random.default_rng([seed, zlib.crc32(kind.encode())])


def _first(order: np.ndarray, share: float) -> set[int]:
    """The places that a share of an order hits: a larger share hits them too."""
    return set(order[: round(share * len(order))].tolist())
