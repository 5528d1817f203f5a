"""A recording of any length -> its utterances, one after the other, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from app.service.analysis import Analysis, Transcript
from app.service.query import AnalysisError, Query
from app.service.reader import Known, Reader, decode_files, needs_of
from app.service.recordings import cuts
from app.service.recordings.segment import Segment
from app.service.utterance import NO_WORDS
from models.extractors.speaker import SpeakerEncoder
from models.media.clip import SAMPLE_RATE, Clip
from models.types import Modality

PART = 60.0  # s that are decoded at once, and held in memory
ROUNDED = 3  # digits of a second
SOON = 1e-3  # s by which frames' times are out

Analyze = Callable[[Query, Known], Analysis]
Progress = Callable[[float, float | None], None]


@dataclass(frozen=True)
class _Part:
    """A stretch of a recording from `start` s on; more : the recording goes on behind it."""

    clip: Clip
    start: float
    more: bool


class RecordingReader:
    """Cuts a recording into utterances, and analyses each as a clip is.

    analyze : the answer to a query about one utterance, of whose files something is known
    """

    def __init__(self, reader: Reader, analyze: Analyze, speakers: SpeakerEncoder, max_seconds: float):
        self._reader, self._analyze, self._speakers = reader, analyze, speakers
        self._max_seconds = max_seconds

    def segments(self, query: Query, progress: Progress | None = None) -> Iterator[Segment]:
        """The utterances in their order, each as soon as it is analysed.

        progress : called with the seconds that are done and those of the whole, None where the file does not
        say; may raise Cancelled
        MediaError where the recording cannot be read, AnalysisError where nothing is in it at all.
        """
        found = False
        with ThreadPoolExecutor(1, thread_name_prefix="decode") as beside:
            coming: Future[_Part] | None = beside.submit(self._part, query, 0.0)
            while coming is not None:
                part = coming.result()
                moments = cuts.moments(part.clip, self._speakers)
                groups = cuts.together(cuts.cut(moments, part.clip.duration), moments)
                coming = None
                if part.more and len(groups) > 1:
                    rest = groups.pop()
                    coming = beside.submit(self._part, query, part.start + rest[0][0])
                for spans in groups:
                    for segment in self._of_spans(query, part, spans):
                        found = True
                        yield segment
                    if progress:
                        whole = part.clip.whole and min(part.clip.whole, self._max_seconds)
                        progress(part.start + spans[-1][1], whole)
        if not found:
            text = "Neither a voice nor a face was found in the recording."
            raise AnalysisError("nothing_in_recording", text)

    def _part(self, query: Query, start: float) -> _Part:
        start = round(start, ROUNDED)
        seconds = min(PART, self._max_seconds - start)
        limits = replace(self._reader.limits, max_seconds=seconds)
        # the sound tells where to cut even where neither words nor voice are asked for
        needs = replace(needs_of(query, query.modalities), sound=True)
        clip = decode_files(query.video, query.audio, needs, limits, start)
        return _Part(clip, start, clip.truncated and start + seconds < self._max_seconds)

    def _of_spans(self, query: Query, part: _Part, spans: list[cuts.Span]) -> Iterator[Segment]:
        """The segments of spans with pauses between; the words, where there are any, tell which are ends."""
        (start, _), (_, end) = spans[0], spans[-1]
        known = Known(stretch(part.clip, start, end))
        pieces = [(first - start, last - start) for first, last in spans]
        in_question = len(spans) > 1 or end - start > cuts.SPLIT
        if in_question and known.clip.audio is not None and Modality.TEXT in query.modalities:
            voice, transcript = self._reader.listen(known.clip.audio)
            known = replace(known, voice=voice, transcript=transcript)
            pieces = cuts.split_sentences(transcript.words, [first for first, _ in pieces[1:]], end - start)
        if len(pieces) == 1:
            yield from self._of(query, known, part.start + start)
            return
        for first, last in pieces:
            words = known.transcript and _between(known.transcript, first, last)
            piece = Known(stretch(known.clip, first, last), None, words)
            yield from self._of(query, piece, part.start + start + first)

    def _of(self, query: Query, known: Known, start: float) -> Iterator[Segment]:
        """The segment of one utterance; none where nothing at all is in it."""
        start, end = round(start, ROUNDED), round(start + known.clip.duration, ROUNDED)
        asked = replace(query, text=None, start=start, end=end)
        try:
            analysis = self._analyze(asked, known)
        except AnalysisError as error:
            if error.code.startswith("nothing_used"):
                yield Segment(start, end, known.transcript or NO_WORDS, None, str(error))
            return
        voice = None
        if known.clip.audio is not None and analysis.modalities[Modality.AUDIO].present is not False:
            voice = self._speakers.embed([known.clip.audio])[0]
        told = analysis.without_pictures()  # small enough for hours
        portrait = None if analysis.crops is None else analysis.crops.mean(0).astype(np.uint8)
        yield Segment(start, end, analysis.transcript, told, voice=voice, portrait=portrait, whole=told)


def stretch(clip: Clip, start: float, end: float) -> Clip:
    """A clip between two of its seconds, as if it had been decoded alone."""
    frames, times, audio = clip.frames, clip.frame_times, clip.audio
    if frames is not None and times is not None:
        inside = np.flatnonzero((times >= start - SOON) & (times < end - SOON))
        frames, times = (frames[inside], times[inside] - start) if len(inside) else (None, None)
    if audio is not None:
        audio = audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    return Clip(frames, times, audio, end - start, damaged=clip.damaged)


def _between(transcript: Transcript, start: float, end: float) -> Transcript:
    """The words whose middle lies between two seconds."""
    words = [word for word in transcript.words if start <= (word.start + word.end) / 2 < end]
    moved = tuple(replace(word, start=word.start - start, end=word.end - start) for word in words)
    text = " ".join(word.text for word in moved)
    return replace(transcript, text=text, words=moved) if moved else NO_WORDS
