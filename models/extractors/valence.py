"""Emotion -> valence in [-3, 3] and arousal in [-1, 1].

Pleasure values in [-1, 1] are those of Russell & Mehrabian, "Evidence for a three-factor theory of
emotions", Journal of Research in Personality 11 (1977), for the adjective nearest to each label; they are
multiplied by 3. Those of the six basic emotions agree with copies of that table in public code;
that of contempt is recalled, and the paper itself was not at hand. RAVDESS's normal intensity counts two
thirds of its strong one.
"""

from __future__ import annotations

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
AROUSAL = {  # of the same table, in [-1, 1]; that of contempt is recalled too
    "neutral": 0.0,
    "calm": 0.0,
    "happiness": 0.51,
    "surprise": 0.67,
    "sadness": -0.27,
    "anger": 0.59,
    "disgust": 0.35,
    "fear": 0.60,
    "contempt": 0.31,
}
FERPLUS_VALENCE = {emotion: 3 * pleasure for emotion, pleasure in PLEASURE.items()}
RAVDESS_EMOTIONS = {
    "neutral": "neutral",
    "calm": "calm",
    "happy": "happiness",
    "sad": "sadness",
    "angry": "anger",
    "fearful": "fear",
    "disgust": "disgust",
    "surprised": "surprise",
}
INTENSITIES = {"normal": 2 / 3, "strong": 1.0}


def ravdess_valence(emotion: str, intensity: str) -> float:
    """Valence in [-3, 3] of a RAVDESS emotion at intensity "normal" or "strong"."""
    return 3 * PLEASURE[RAVDESS_EMOTIONS[emotion]] * INTENSITIES[intensity]
