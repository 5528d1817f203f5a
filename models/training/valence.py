"""Emotion -> valence in [-3, 3].

Pleasure values in [-1, 1] are those of Russell & Mehrabian, "Evidence for a three-factor theory of
emotions", Journal of Research in Personality 11 (1977), for the adjective nearest to each label; they are
multiplied by 3 (recalled from reprints; not yet checked against the paper). RAVDESS's normal intensity
counts two thirds of its strong one.
"""

from __future__ import annotations

from models.extractors.audio import RAVDESS_EMOTIONS

PLEASURE = {
    "neutral": 0.0,  # the scale's midpoint, not one of the adjectives
    "calm": 0.0,  # RAVDESS's second baseline (Livingstone & Russo, PLoS ONE 2018)
    "happiness": 0.81,
    "surprise": 0.40,
    "sadness": -0.63,
    "anger": -0.51,
    "disgust": -0.60,
    "fear": -0.64,
    "contempt": -0.23,  # scornful
}
FERPLUS_VALENCE = {emotion: 3 * pleasure for emotion, pleasure in PLEASURE.items()}
_RAVDESS_NAMES = dict(
    zip(
        RAVDESS_EMOTIONS,
        ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"),
        strict=True,
    )
)


def ravdess_valence(emotion: str, intensity: str) -> float:
    """Valence in [-3, 3] of a RAVDESS emotion at intensity "normal" or "strong"."""
    return 3 * PLEASURE[_RAVDESS_NAMES[emotion]] * (1.0 if intensity == "strong" else 2 / 3)
