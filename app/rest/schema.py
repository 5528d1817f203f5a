"""What goes in and out of the REST interface."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import MaxLen
from pydantic import BaseModel, ConfigDict, FailFast, Field

from app.service import analysis
from app.service.query import LONGEST_TEXT
from models.types import Modality

ModalityName = Literal["text", "audio", "vision"]
Score = Annotated[float, Field(ge=-3, le=3, description="from -3, strongly negative, to +3")]
# the first error is told: to collect them all of a large body would fill the memory
Modalities = Annotated[list[ModalityName], FailFast(), Field(min_length=1, max_length=3)]
Row = Annotated[list[float], MaxLen(1000)]
MOST_STEPS = 50_000
Share = Annotated[float, Field(ge=0, le=1)]


class Strict(BaseModel):
    """A body in which a misspelt key is an error."""

    model_config = ConfigDict(extra="forbid")


def as_modalities(names: list[ModalityName]) -> tuple[Modality, ...]:
    """As a Query has them."""
    return tuple(map(Modality, names))


def as_file(described: dict[str, Any]) -> None:
    """Says that a field of a form is a file."""
    described.pop("anyOf", None)
    described |= {"type": "string", "format": "binary"}


def up_to_longest(described: dict[str, Any]) -> None:
    """Says how long a text may be; one that is longer has an error of its own, see `Query.check_given`."""
    described["maxLength"] = LONGEST_TEXT


class Question(Strict):
    """What is asked of any input."""

    method: str = Field("lmf", max_length=100, description="name of a fusion method, see /methods")
    modalities: Modalities = Field(
        ["text", "audio", "vision"], description="which of them to use; in a form also with commas between"
    )

    @property
    def used(self) -> tuple[Modality, ...]:
        """The modalities, as a Query has them."""
        return as_modalities(self.modalities)


class WordsQuestion(Question):
    """Words alone."""

    text: str = Field(min_length=1, json_schema_extra=up_to_longest, description="the words, in English")


class Features(Strict):
    """States by the `local` profile's extractors, as `python -m models extract` writes them."""

    text: list[Row] | None = Field(None, max_length=MOST_STEPS, fail_fast=True, description="(tokens, 769)")
    audio: list[Row] | None = Field(None, max_length=MOST_STEPS, fail_fast=True, description="(steps, 12)")
    vision: list[Row] | None = Field(None, max_length=MOST_STEPS, fail_fast=True, description="(frames, 10)")


class FeaturesQuestion(Question):
    """States that the caller extracted."""

    features: Features


class ClipQuestion(Question):
    """A clip, a sound, or both; the fields of a form."""

    clip: Path | None = Field(None, json_schema_extra=as_file, description="video file")
    audio: Path | None = Field(None, json_schema_extra=as_file, description="sound instead of the clip's own")
    text: str | None = Field(
        None,
        json_schema_extra=up_to_longest,
        description='the words that are spoken; "" for none, left out for speech recognition',
    )
    face: int | None = Field(None, ge=1, description="which face, from 1; left out: the one that speaks")
    start: float = Field(0.0, ge=0, description="seconds that are left out")
    end: float | None = Field(None, gt=0, description="second where what is read ends")


class RecordingQuestion(Question):
    """A recording of any length; the fields of a form."""

    clip: Path = Field(json_schema_extra=as_file, description="video or sound file")
    audio: Path | None = Field(None, json_schema_extra=as_file, description="sound instead of its own")


class Recording(Strict):
    """What is listened to; the field of a form."""

    clip: Path = Field(json_schema_extra=as_file, description="video or sound file")


class Word(BaseModel):
    """A recognised word and when it is said."""

    text: str
    start: float = Field(description="seconds")
    end: float = Field(description="seconds")


class Transcript(BaseModel):
    """The words that the text modality sees."""

    text: str
    source: Literal["typed", "whisper", "none"]
    words: list[Word]
    language: str = Field(description='two letters of the language that was recognised; "" for English')
    original: str = Field(description='what was said, where `text` is its translation; else ""')


class ModalityPart(BaseModel):
    """One modality's part in the answer."""

    present: bool | None = Field(description="whether the input has it; null where nobody looked")
    used: bool
    entropy: float | None = Field(
        description="nats, 0 to log 7: of the modality's own classes; null without MLA"
    )
    probabilities: list[Share] | None = Field(description="of the classes -3 to 3")
    weight: Share | None = Field(description="share of certainty: softmax of -entropy over used modalities")
    own_weight: float | None = Field(description="the method's own weight, where it has one")
    score: Score | None = Field(description="the method on this modality alone")
    occlusion: float | None = Field(description="by how much the score changes without it")


class SubsetAnswer(BaseModel):
    """What the method says of one subset of the modalities."""

    score: Score
    interval: tuple[Score, Score] = Field(description="80 %, split conformal")


class Imagined(BaseModel):
    """What MFM imagines in the place of a modality that is off or absent."""

    from_: list[ModalityName] = Field(alias="from", description="modalities it was imagined from")
    reading: float = Field(description="its polarity, 0 where neutral")
    phrase: str | None = Field(description="of the words: the nearest phrase")


class Faces(BaseModel):
    """The faces of a clip, counted from 1."""

    count: int
    used: int
    speaking: int | None


class Analysis(BaseModel):
    """Sentiment of one input by one method from the used modalities."""

    score: Score
    label: str
    interval: tuple[Score, Score] = Field(description="80 %, split conformal")
    method: str
    weights_kind: str | None = Field(description="what the method's own weights are, where it has some")
    transcript: Transcript
    modalities: dict[ModalityName, ModalityPart]
    subsets: dict[str, SubsetAnswer] = Field(
        description='"text+audio" and every other subset of what is there'
    )
    imagined: dict[ModalityName, Imagined]
    faces: Faces | None
    timings_ms: dict[str, float] = Field(description="milliseconds a stage; 0 where the answer was known")
    warnings: list[str]


class Transcription(BaseModel):
    """The words that speech recognition found."""

    transcript: Transcript
    warnings: list[str]

    @classmethod
    def of(cls, transcript: analysis.Transcript, notices: Iterable[analysis.Notice]) -> Transcription:
        """Of what `Analyst.transcribe` gives."""
        warnings = [notice.text for notice in notices]
        return cls.model_validate({"transcript": transcript.to_json(), "warnings": warnings})


class Segment(BaseModel):
    """One utterance of a recording; null for what is not known."""

    start: float = Field(description="seconds")
    end: float = Field(description="seconds")
    speaker: str = Field(description='"A" for whoever speaks first, and so on; "" where no voice is heard')
    text: str
    original: str = Field(description='what was said, where `text` is its translation; else ""')
    score: Score | None
    lo: Score | None = Field(description="lower end of the 80 % interval")
    hi: Score | None = Field(description="upper end")
    label: str | None
    text_weight: Share | None = Field(description="share of certainty of the words, see Analysis")
    audio_weight: Share | None = Field(description="of the voice")
    vision_weight: Share | None = Field(description="of the face")
    notes: str


class RecordingSummary(BaseModel):
    """What a recording comes to; utterances are counted from 0."""

    mean: Score | None = Field(description="of the scores, each by its utterance's length")
    by_speaker: dict[str, Score]
    highest: int | None = Field(description="the most positive utterance")
    lowest: int | None = Field(description="the most negative one")
    turns: list[int] = Field(description="utterances with which the score turns, the greatest change first")


class Segments(BaseModel):
    """A recording, utterance by utterance."""

    segments: list[Segment]
    summary: RecordingSummary


class Method(BaseModel):
    """A fusion method and its weights."""

    model_config = ConfigDict(extra="allow")

    name: str
    title: str
    paper: str
    year: int
    url: str
    kind: Literal["regression", "classification"]
    weights_kind: str | None
    reconstructs: bool = Field(description="whether it generates missing modalities")
    faithful: list[str] = Field(description="each departure from the paper")
    available: bool = Field(description="whether there are weights")
    parameters: int | None
    figures: dict[str, Any] | None = Field(description="on people whom it had never seen")


class Error(BaseModel):
    """What went wrong, and what would work."""

    code: str = Field(description="the same in every version")
    message: str = Field(description="for a person")
    values: dict[str, Any] = Field(default_factory=dict, description="those that stand in the message")
