"""What is imagined in the place of a modality that is off or absent, for a person to see, hear and judge."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist, fmean

import numpy as np
import torch
from torch import Tensor

from app.service.analysis import Glimpse
from app.service.imputation import (
    IMAGINING,
    IMPUTERS,
    NO_WISH,
    Imputations,
    Imputed,
    Recovered,
    Wish,
    by_mfm,
    by_tate,
)
from app.service.subsets import Subset
from app.service.utterance import Utterance
from models.checkpoint import Checkpoint, subset_name
from models.extractors.audio import HOP
from models.extractors.melody import Melody, melody_of
from models.extractors.phrases import Phrase
from models.extractors.readers import AROUSAL_READINGS, PolarityReader, informative, local_readers
from models.extractors.rendering import STEP_SECONDS, Renderer
from models.extractors.stand_in import performance, stand_ins
from models.fusion.mfm import MFM
from models.fusion.tate import TATE
from models.types import MODALITIES, Features, Modality

# of imagined faces and voices that are performed; of transcripts from training the judge of
# `tests/benchmarks/imagined_faces.py` names most right at it
EXAGGERATION = 12
SHOWN_DRAWS = 4  # of those that the numbers are the mean of
HEARD_SECONDS = 4.0  # of a voice that are hummed
PEOPLE = (11, 12, 5, 4)  # who do not exist, one a draw: of the first sixteen, whose faces were drawn best
GLIMPSE_SECONDS = 2.0  # of an imagined voice that a glimpse draws
GLIMPSE_PIXELS = 48  # of an imagined face
MEL_FRAMES = 100  # log-mel frames a second


@dataclass(frozen=True)
class Trust:
    """How far imagining this modality from these was worth something, on speakers the models never saw.

    agreement : share of `clips` in which the imagined modality had the label's polarity; chance : what its
    readings dealt out at random would reach; real : what the real modality reaches
    gain : 1 - error / error of the mean predictor; below 0 the details are wrong
    informative : whether the agreement is clearly above chance
    """

    clips: int
    agreement: float
    chance: float
    real: float
    gain: float
    informative: bool


@dataclass(frozen=True)
class Heard:
    """A melody of the first seconds, and it hummed, (n,) float32 at 16 kHz."""

    melody: Melody
    hum: np.ndarray


@dataclass(frozen=True)
class Draw:
    """One of several versions that are as likely as each other.

    reading : its polarity, as `Imagined.reading`
    picture : (128, 128, 3) uint8 of the drawn stand-in, the mean over the steps
    face : (48, 48) uint8, the same by the face decoder, on a face of nobody
    melody, phrase : the latter the nearest of as good or as bad a score and as aroused; each only for its
    modality
    """

    reading: float
    picture: np.ndarray | None = None
    face: np.ndarray | None = None
    melody: Heard | None = None
    phrase: Phrase | None = None


@dataclass(frozen=True)
class Truth:
    """The real modality on the steps of the imagined one.

    readings : (S,), NaN at steps that have none of it; reading : their mean
    error, mean_error : see `Imputed`
    crops : (S, 48, 48) uint8, the face seen nearest to each step, or None; log_mel : (80, frames) or None
    melody : of the voice, see `Renderer.usual_melody`, None where nothing is voiced
    text : the words, or None
    """

    readings: np.ndarray
    reading: float
    error: float
    mean_error: float
    crops: np.ndarray | None
    log_mel: np.ndarray | None
    melody: Heard | None
    text: str | None


@dataclass(frozen=True)
class Imagined:
    """One modality as one method imagines it.

    method : registry name; given : the modalities it was imagined from
    spans : (S, 2) seconds of each step, None where no time is known
    readings : (S,) polarity of each step by the modality's own reader, in units of the score, less its
    neutral point, the mean over draws; reading : their mean
    draws : some of them, one where the method does not draw
    performance : animated WebP of the drawn stand-in, of the mean over draws; melody, phrase : of the mean of
    a voice's and of words', None where there is only one draw
    arousal_rank : of words, see `_arousal_rank`: of what they were imagined from, as the phrases are; None of
    others, and where it is not known
    log_mel : (80, frames) by the voice's decoder, of the first draw; None of others
    truth : None where the input lacks the modality; trust : None where the method's card has no figures
    """

    modality: Modality
    method: str
    given: Subset
    spans: np.ndarray | None
    readings: np.ndarray
    reading: float
    draws: tuple[Draw, ...]
    performance: bytes | None
    melody: Heard | None
    phrase: Phrase | None
    arousal_rank: float | None
    log_mel: np.ndarray | None
    truth: Truth | None
    trust: Trust | None


@dataclass(frozen=True)
class Imaginer:
    """Imagines by MFM; where the chosen method imagines too, also by that.

    checkpoint, model : MFM's; readers : of its neutral points
    """

    checkpoint: Checkpoint
    model: MFM
    renderer: Renderer
    readers: dict[Modality, PolarityReader]

    @classmethod
    def over(cls, checkpoint: Checkpoint, renderer: Renderer) -> Imaginer:
        """With the extractors' own readers of polarity, neutral where the checkpoint's training was."""
        model, neutral = checkpoint.model, checkpoint.meta.training.get("neutral", {})
        assert isinstance(model, MFM)
        return cls(checkpoint, model, renderer, local_readers(neutral))

    @torch.inference_mode()
    def glimpses(self, features: Features, used: Subset) -> dict[str, Glimpse]:
        """{modality that is not `used`: what MFM imagines of it}, small: each switch asks; a batch of one."""
        seen = {}
        for m, imputed in by_mfm(self.model, features, used).items():
            states, middle = imputed.states, len(imputed.states) // 2
            clear = exaggerated(self.checkpoint, m, imputed.draws).mean(0)
            reading, phrase = float(self.readers[m](states)) - _lean(self.checkpoint, m, used), None
            if m is Modality.TEXT:
                arousal_rank = _arousal_rank(self.checkpoint, features, used)
                phrase = self._phrase(states, reading, arousal_rank, set()).text
            seen[str(m)] = Glimpse(
                given=tuple(map(str, used)),
                reading=reading,
                phrase=phrase,
                face=stand_ins(clear[middle, None], GLIMPSE_PIXELS)[0] if m is Modality.VISION else None,
                log_mel=self.renderer.log_mel(states, GLIMPSE_SECONDS) if m is Modality.AUDIO else None,
            )
        return seen

    def imagine(
        self, utterance: Utterance, checkpoint: Checkpoint, used: Subset, wish: Wish = NO_WISH
    ) -> list[Imagined]:
        """Every modality that is off or absent, from those in use; where none is, each from the others.

        In modality order; of one modality first what MFM imagines. wish : of MFM's latents
        """
        methods = {IMAGINING: self.checkpoint}
        if type(checkpoint.model) in IMPUTERS:
            methods[checkpoint.meta.method] = checkpoint

        @cache  # all that is off is imagined at once, from the same
        def impute(name: str, given: Subset) -> Imputations:
            model = methods[name].model
            return IMPUTERS[type(model)](model, utterance.features, given, wish)

        imagined = []
        for modality in _off(used) or MODALITIES:
            given = tuple(m for m in used if m != modality)
            for name, by in methods.items():
                imputed = impute(name, given)[modality]
                imagined.append(self._shown(utterance, by, modality, given, imputed))
        return imagined

    def recover(self, utterance: Utterance, checkpoint: Checkpoint, used: Subset) -> list[Recovered] | None:
        """What the chosen method recovers, if it is TATE; None for any other. See `by_tate`."""
        if not isinstance(checkpoint.model, TATE):
            return None
        return by_tate(checkpoint.model, utterance.features, _off(used))

    @torch.inference_mode()
    def _shown(
        self,
        utterance: Utterance,
        checkpoint: Checkpoint,
        modality: Modality,
        given: Subset,
        imputed: Imputed,
    ) -> Imagined:
        spans = imputed.spans.numpy() if _timed(utterance.features) else None
        seconds = STEP_SECONDS * len(imputed.states) if spans is None else float(np.ptp(spans))
        lean = _lean(checkpoint, modality, given)
        readings = self._readings(modality, imputed.states) - lean
        clear = exaggerated(checkpoint, modality, imputed.draws)
        seen, heard = modality is Modality.VISION, modality is Modality.AUDIO
        several, reading = len(imputed.draws) > 1, float(readings.mean())
        said = modality is Modality.TEXT
        arousal_rank = _arousal_rank(self.checkpoint, utterance.features, given) if said else None
        phrase = self._phrase(imputed.states, reading, arousal_rank, set()) if said and several else None
        return Imagined(
            modality=modality,
            method=checkpoint.meta.method,
            given=given,
            spans=spans,
            readings=readings,
            reading=reading,
            draws=self._draws(
                modality, imputed.draws[:SHOWN_DRAWS], clear, seconds, lean, phrase, arousal_rank
            ),
            performance=performance(clear.mean(0), seconds) if seen else None,
            melody=self._melody(clear.mean(0), seconds, SHOWN_DRAWS) if heard and several else None,
            phrase=phrase,
            arousal_rank=arousal_rank,
            log_mel=self.renderer.log_mel(imputed.draws[0], seconds) if heard else None,
            truth=self._truth(utterance, modality, imputed, spans),
            trust=_trust(checkpoint, modality, given),
        )

    def _draws(
        self,
        modality: Modality,
        draws: Tensor,
        performed: Tensor,
        seconds: float,
        lean: float,
        mean: Phrase | None,
        arousal_rank: float | None,
    ) -> tuple[Draw, ...]:
        """What is shown of draws (D, S, d) that span so many seconds, none with the phrase of their `mean`;
        performed : them, `exaggerated`; lean : see `_lean`; arousal_rank : for all."""
        shown, said = [], {mean.text} if mean else set()
        for number, (states, clear) in enumerate(zip(draws, performed, strict=False)):
            reading = float(self._readings(modality, states).mean()) - lean
            picture = face = melody = phrase = None
            if modality is Modality.VISION:
                whole = clear.mean(0)
                picture, face = stand_ins(whole[None])[0], self.renderer.face(whole, PEOPLE[number])
            elif modality is Modality.AUDIO:
                melody = self._melody(clear, seconds, number)
            else:
                phrase = self._phrase(states, reading, arousal_rank, said)
                said.add(phrase.text)
            shown.append(Draw(reading, picture, face, melody, phrase))
        return tuple(shown)

    def _phrase(self, states: Tensor, reading: float, arousal_rank: float | None, said: set[str]) -> Phrase:
        """The nearest phrase of words' states (S, 769), as good or bad as `reading` and of about that rank of
        arousal, none of those `said`."""
        phrases = self.renderer.phrases(states, len(said) + 1, reading, arousal_rank)
        return next(phrase for phrase in phrases if phrase.text not in said)

    def _melody(self, states: Tensor, seconds: float, number: int) -> Heard:
        """Of the beginning of states (S, 12) that span so many seconds; number : of the contour drawn."""
        first = states[: math.ceil(len(states) * min(1, HEARD_SECONDS / seconds))]
        return self._heard(self.renderer.melody(first, min(seconds, HEARD_SECONDS), number))

    def _heard(self, melody: Melody) -> Heard:
        return Heard(melody, self.renderer.hum(melody))

    def _truth(
        self, utterance: Utterance, modality: Modality, imputed: Imputed, spans: np.ndarray | None
    ) -> Truth | None:
        if imputed.error is None or imputed.mean_error is None:
            return None
        readings = np.where(imputed.observed, self._readings(modality, imputed.true), np.nan)
        crops = log_mel = melody = None
        if modality is Modality.VISION and spans is not None and (faces := utterance.faces):
            middles = spans.mean(axis=1)
            crops = faces.crops[np.abs(faces.times - middles[:, None]).argmin(axis=1)]
        if modality is Modality.AUDIO and spans is not None and utterance.log_mel is not None:
            first, last = (max(0, round(MEL_FRAMES * float(time))) for time in (spans.min(), spans.max()))
            log_mel = utterance.log_mel[:, first:last]
            if utterance.waveform is not None:
                last = min(last, first + round(MEL_FRAMES * HEARD_SECONDS))
                real = melody_of(utterance.waveform[first * HOP : last * HOP])
                states = utterance.features.audio.values[0]
                melody = self._heard(self.renderer.usual_melody(real, states)) if real.voiced.any() else None
        return Truth(
            readings=readings,
            reading=float(np.nanmean(readings)),
            error=imputed.error,
            mean_error=imputed.mean_error,
            crops=crops,
            log_mel=log_mel,
            melody=melody,
            text=utterance.transcript.text if modality is Modality.TEXT else None,
        )

    def _readings(self, modality: Modality, states: Tensor) -> np.ndarray:
        """Reading (S,) of each of the states (S, d)."""
        return self.readers[modality](states[:, None]).numpy()


def _off(used: Subset) -> Subset:
    """Modalities that are switched off or absent."""
    return tuple(m for m in MODALITIES if m not in used)


def _timed(features: Features) -> bool:
    """True where the steps have seconds, since something that is there has times."""
    return any(sequence.times is not None and bool(sequence.present[0]) for _, sequence in features)


def exaggerated(checkpoint: Checkpoint, modality: Modality, draws: Tensor) -> Tensor:
    """Draws (D, …, d) whose mean is EXAGGERATION times as far from the middle of what is imagined.

    As caricatures are made (Brennan, Leonardo 1985): most faces and voices of people who speak are nearly
    neutral, and so are those that a model imagines for them. A voice starts from the middle of real ones, see
    `middle_voice`. How draws differ stays as it is; so does all where the middle is not known.
    """
    training, mean = checkpoint.meta.training, draws.mean(0)
    middle = training.get("imagined_middle", {}).get(str(modality))
    if middle is None:
        return draws
    start = training["middle_voice"] if modality is Modality.AUDIO else middle
    return draws - mean + torch.tensor(start) + EXAGGERATION * (mean - torch.tensor(middle))


def _lean(checkpoint: Checkpoint, modality: Modality, given: Subset) -> float:
    """Where the readings of what it imagines are neutral, above those of the real; 0 where not measured."""
    leans = checkpoint.meta.training.get("imagined_neutral", {})
    return leans.get(f"{modality} from {subset_name(given)}", 0.0)


def _arousal_rank(checkpoint: Checkpoint, features: Features, given: Subset) -> float | None:
    """Rank in [0, 1] of the arousal of the voice and the face that are `given`, the mean of both.

    Each is ranked among those of the clips that were trained on, whose arousal is taken to be Gaussian. None
    where there is neither, or the checkpoint does not say.
    """
    ranks = []
    for m, (mean, deviation) in checkpoint.meta.training.get("usual_arousal", {}).items():
        sequence = features[m]
        if m in given and bool(sequence.present[0]):
            states = sequence.values[0, : int(sequence.lengths[0])]
            ranks.append(NormalDist(mean, deviation).cdf(float(AROUSAL_READINGS[Modality(m)](states))))
    return fmean(ranks) if ranks else None


def _trust(checkpoint: Checkpoint, modality: Modality, given: Subset) -> Trust | None:
    measured = checkpoint.meta.figures.get("imagined", {}).get("clips", {})
    figures = measured.get(f"{modality} from {subset_name(given)}")
    if figures is None:
        return None
    shares = {name: figures[name] for name in ("agreement", "chance", "real", "gain")}
    return Trust(clips=figures["polar"], informative=informative(figures), **shares)
