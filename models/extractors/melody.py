"""The melody of a voice: its pitch, loudness and pace, heard in a recording or drawn from voice states.

Voice states say how something is said, not what. What one can hear of that without words is the intonation:
`hum` makes it audible, of a real voice and of an imagined one in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.extractors.audio import BEYOND_WORDS, HOP, LOUDNESS, VALENCE, VoiceHead
from models.extractors.pitch import QUIET, levelled, loudness_of, pitch_of
from models.media.clip import SAMPLE_RATE

FRAME_RATE = SAMPLE_RATE / HOP  # frames a second
SYLLABLE_SMOOTHED = 9  # frames of loudness that are averaged before peaks are counted
DIP = 0.4  # nats (1.7 dB) between two syllables
SHORTEST_SYLLABLE = 10  # frames, so that the pace of a tenth of a second stays one of speech

# of an utterance: median pitch in semitones above the usual; logarithm of the spread of pitch in semitones;
# median pitch of its last tenth in semitones above that of all of it; syllables a second; spread of loudness
# in nats
VALUES = ("pitch", "log pitch range", "ending", "pace", "loudness range")
ENDING = 0.1  # of the time between the first and the last voiced frame
NARROWEST = 0.2  # semitones of spread
PACES = 1.0, 9.0  # syllables a second that are drawn
UNEVENNESS = 0.25  # standard deviation of the logarithm of syllables' lengths
SWELL = 2.0  # nats that a syllable rises, before loudness is scaled
SMALLEST_SWELL = 0.2  # nats of spread
LONGEST_GAP = 0.4  # of a syllable
FARTHEST = 2.5  # spreads from the median that pitch is drawn at most
LAST_TURN = 0.3  # of an utterance: the part in which pitch turns to its ending

USUAL = 165.0  # Hz: between a man's and a woman's
HARMONICS = (1.0, 0.5, 0.25, 0.1, 0.04)  # amplitudes
PEAK = 0.5  # amplitude of the loudest sample
WIDEST = 24.0  # semitones from the usual pitch that are hummed at most


@dataclass(frozen=True)
class Melody:
    """How a voice rises and falls, 10 ms a frame.

    pitch : (n,) float32 semitones above the speaker's usual pitch, NaN where unvoiced
    loudness : (n,) float32 natural logarithm of the energy of 25 ms, less its mean in the loudest tenth
    pace : syllables a second between the first and the last voiced frame; 0 where none is voiced
    """

    pitch: np.ndarray
    loudness: np.ndarray
    pace: float

    @property
    def voiced(self) -> np.ndarray:
        """(n,) bool."""
        return ~np.isnan(self.pitch)


def melody_of(waveform: np.ndarray, usual: float | None = None) -> Melody:
    """Melody of a recording (n,) float32 at 16 kHz, ceil(n / 160) frames.

    usual : the speaker's usual pitch in Hz; without it, the median of this recording
    """
    waveform = np.asarray(waveform, np.float32)
    return melody_from(pitch_of(waveform), loudness_of(waveform), usual)


def melody_from(hz: np.ndarray, loudness: np.ndarray, usual: float | None = None) -> Melody:
    """Melody of `pitch_of` (n,) and `loudness_of` (n,) a recording; `usual` as for `melody_of`.

    Pace is counted as by de Jong & Wempe, "Praat script to detect syllable nuclei and measure speech rate
    automatically", Behavior Research Methods 41 (2009): peaks of the loudness in voiced frames with a dip
    before and after.
    """
    voiced = ~np.isnan(hz)
    if not voiced.any():
        return Melody(hz, loudness, 0.0)
    pitch = 12 * np.log2(hz / (usual or float(np.nanmedian(hz))))
    first, last = np.flatnonzero(voiced)[[0, -1]]
    frames = max(int(last + 1 - first), SHORTEST_SYLLABLE)
    pace = len(syllables(loudness, voiced)) * FRAME_RATE / frames
    return Melody(pitch.astype(np.float32), loudness, float(pace))


def syllables(loudness: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Frames of the syllables' peaks: maxima of the smoothed loudness (n,) in or beside `voiced` frames.

    Between two maxima it falls and rises by DIP.
    """
    half = SYLLABLE_SMOOTHED // 2
    kernel = np.hanning(SYLLABLE_SMOOTHED + 2)[1:-1]
    smooth = np.convolve(np.pad(loudness, half, mode="edge"), kernel / kernel.sum(), "valid")
    near = np.convolve(voiced, np.ones(5), "same") > 0
    peaks, rising, peak, lowest = [], True, 0, float(smooth[0])
    for frame, value in enumerate(smooth.tolist()):
        if rising and value > smooth[peak]:
            peak = frame
        elif rising and value < smooth[peak] - DIP:
            peaks.append(peak)
            rising, lowest = False, value
        elif not rising and value > lowest + DIP:
            rising, peak = True, frame
        lowest = min(lowest, value)
    if rising:
        peaks.append(peak)
    return np.array([p for p in peaks if near[p] and smooth[p] > -QUIET], np.int64)


def spread(values: np.ndarray) -> float:
    """Half the distance from the 16th to the 84th percentile: a standard deviation without outliers."""
    low, high = np.quantile(values, [0.16, 0.84])
    return float(high - low) / 2


def values_of(melody: Melody) -> np.ndarray:
    """The VALUES (5,) float32 of a melody; ValueError where none of it is voiced."""
    frames = np.flatnonzero(melody.voiced)
    if not len(frames):
        raise ValueError("a melody without a voiced frame has no pitch")
    pitch, loudness = melody.pitch[frames], melody.loudness[frames]
    middle, log_range = np.median(pitch), np.log(max(spread(pitch), NARROWEST))
    return np.array(
        [middle, log_range, _ending(frames, pitch) - middle, melody.pace, spread(loudness)], np.float32
    )


def _ending(frames: np.ndarray, pitch: np.ndarray) -> float:
    """Median of the last tenth of pitch (n,) at voiced `frames` (n,)."""
    return float(np.median(pitch[frames >= frames[-1] - ENDING * (frames[-1] - frames[0])]))


class MelodyDecoder(nn.Module):
    """Mean voice state (B, 12) -> means and log standard deviations (B, 5) of the VALUES of its melody.

    Voice states do not say which contour a voice takes: `draw` makes one up, as contours of speech are.
    """

    center: Tensor  # (5,) mean of the training values
    scale: Tensor  # (5,) and their standard deviation
    declination: Tensor  # () ranges that pitch changes from the start to the end of an utterance
    persistence: Tensor  # () correlation of a syllable's pitch, without declination, with the one before
    breaks: Tensor  # () share of syllables that an unvoiced sound parts from the next
    voiced: Tensor  # () share of voiced frames between the first and the last

    def __init__(self, width: int = 32):
        super().__init__()
        self.read = nn.Sequential(
            nn.Linear(VoiceHead.dim - 1, width), nn.GELU(), nn.Linear(width, 2 * len(VALUES))
        )
        self.register_buffer("center", torch.zeros(len(VALUES)))
        self.register_buffer("scale", torch.ones(len(VALUES)))
        for name, value in (("declination", 0.0), ("persistence", 0.0), ("breaks", 0.5), ("voiced", 0.8)):
            self.register_buffer(name, torch.tensor(value))

    def forward(self, states: Tensor) -> tuple[Tensor, Tensor]:
        # RAVDESS, from which it learns, has no label for what a voice adds to its words
        heard = torch.cat([states[..., :BEYOND_WORDS], states[..., BEYOND_WORDS + 1 :]], dim=-1)
        mean, log_std = self.read(heard).chunk(2, dim=-1)
        return self.center + self.scale * mean, self.scale.log() + log_std.clamp(-3, 1)

    @torch.inference_mode()
    def draw(self, states: Tensor, seconds: float, seed: int | None = None) -> Melody:
        """A melody of `seconds` that fits voice states (T, 12), T at least 1, at any rate.

        seed : of the VALUES and the contour; without it, the likeliest values, and always the same contour

        Each syllable swells and fades above the loudness of the states, and has a pitch, an autoregressive
        process of order 1 around a falling line, which turns to the ending. Both are scaled
        to the values; the ending comes out about two thirds as far.
        """
        rng = np.random.default_rng(seed or 0)
        states = torch.cat([states[:, :VALENCE].clamp(0, 1), states[:, VALENCE:]], dim=1)  # imagined: beyond
        mean, log_std = (part.double().numpy() for part in self(states.mean(0)))
        values = mean if seed is None else mean + np.exp(log_std) * rng.standard_normal(len(VALUES))
        pitch, log_range, ending, pace, loudness_range = values.tolist()
        pitch_range = max(float(np.exp(log_range)), NARROWEST)
        count = max(1, round(seconds * FRAME_RATE))
        edges = _syllable_edges(count, max(1, round(np.clip(pace, *PACES) * count / FRAME_RATE)), rng)
        frames = np.arange(count) + 0.5
        syllable = np.searchsorted(edges[1:-1], frames, side="right")
        place = (frames - edges[syllable]) / np.diff(edges)[syllable]  # in its syllable, 0 to 1

        ends = rng.random(len(edges) - 1) < float(self.breaks)
        ends[-1] = False
        gap = min(LONGEST_GAP, (1 - float(self.voiced)) / max(float(self.breaks), 1e-3))
        voiced = ~(ends[syllable] & (place > 1 - gap))

        contour = np.interp(frames, (edges[1:] + edges[:-1]) / 2, self._accents(len(edges) - 1, rng))
        contour = _standard(contour + float(self.declination) * frames / count, voiced)
        missing = ending / pitch_range - _ending(np.flatnonzero(voiced), contour[voiced])
        contour += missing * (1 - (1 - frames / count) / LAST_TURN).clip(min=0)
        steps = (np.arange(len(states)) + 0.5) * count / len(states)
        loudness = np.interp(frames, steps, states[:, LOUDNESS].double().numpy())
        loudness += SWELL * np.sin(np.pi * place)

        contour = pitch + pitch_range * _standard(contour, voiced).clip(-FARTHEST, FARTHEST)
        loudness = max(loudness_range, SMALLEST_SWELL) * _standard(loudness, voiced)
        return Melody(
            np.where(voiced, contour, np.nan).astype(np.float32),
            levelled(loudness).astype(np.float32),
            (len(edges) - 1) * FRAME_RATE / count,
        )

    def _accents(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """(count,) of an autoregressive process of order 1 with variance 1."""
        kept = float(self.persistence)
        accents = rng.standard_normal(count)
        for k in range(1, count):
            accents[k] = kept * accents[k - 1] + np.sqrt(1 - kept**2) * accents[k]
        return accents


def _syllable_edges(count: int, syllable_count: int, rng: np.random.Generator) -> np.ndarray:
    """(syllable_count + 1,) frames from 0 to `count` at which syllables of random lengths begin and end."""
    lengths = np.exp(UNEVENNESS * rng.standard_normal(syllable_count))
    return np.insert(count * np.cumsum(lengths) / lengths.sum(), 0, 0.0)


def _standard(values: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Values (n,), scaled so that the `voiced` ones have median 0 and `spread` 1, or 0 if all are equal."""
    return (values - np.median(values[voiced])) / max(spread(values[voiced]), 1e-6)


def hum(melody: Melody, usual: float = USUAL) -> np.ndarray:
    """The melody (frames,) hummed, (160 frames,) float32 at 16 kHz, peak 0.5, silent where it is unvoiced.

    usual : pitch in Hz of 0 semitones

    Five harmonics of a continuous phase; the loudness is linear between frames and fades over 20 ms.
    """
    voiced, count = melody.voiced, len(melody.pitch)
    if not voiced.any():
        return np.zeros(HOP * count, np.float32)
    samples = np.arange(HOP * count) / HOP
    middles = np.arange(count) + 0.5
    pitch = np.interp(samples, middles[voiced], melody.pitch[voiced].clip(-WIDEST, WIDEST))
    phase = (2 * np.pi * np.cumsum(usual * 2 ** (pitch / 12)) / SAMPLE_RATE) % (2 * np.pi)
    phase = phase.astype(np.float32)
    amplitude = np.where(voiced, np.exp(melody.loudness / 2), 0.0)
    edges = np.minimum(np.append(amplitude, 0.0), np.insert(amplitude, 0, 0.0))  # between the frames
    edges[1:-1] = np.minimum(edges[1:-1], (edges[:-2] + edges[2:]) / 2)
    waveform = sum(a * np.sin((k + 1) * phase) for k, a in enumerate(HARMONICS))
    waveform = waveform * np.interp(samples, np.arange(count + 1), edges).astype(np.float32)
    return (waveform * (PEAK / max(float(np.abs(waveform).max()), 1e-9))).astype(np.float32)
