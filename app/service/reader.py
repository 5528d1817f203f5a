"""Files and words -> the features of one utterance, each part computed once for its content."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from app.media.guard import DecodeLimits, check_size, decode_guarded, prepare_decoding
from app.media.language import translated, warn_if_not_english
from app.media.speech import Recogniser
from app.media.voice import nobody_speaks
from app.service import notices
from app.service.analysis import Notice, Transcript
from app.service.cache import FileDigests, SessionCache
from app.service.device import lends_gpu
from app.service.metrics import STAGE_SECONDS
from app.service.query import File, Query
from app.service.stored import StoredUtterances
from app.service.subsets import Subset
from app.service.utterance import EVERYTHING, NO_WORDS, Needs, Utterance
from app.settings import Settings
from models.media.clip import Clip, MediaError, Word
from models.registry import load_profile
from models.types import MODALITIES, Modality

if TYPE_CHECKING:  # imported where it is loaded: the extractors take seconds, an error should not
    from models.extractors.encoded_sound import EncodedWindow
    from models.extractors.profile import AudioFeatures, Profile, TextFeatures

STAGES = ("decode", "speech", "text", "audio", "vision", "fusion")  # keys of `timings_ms`
# what `Progress` is told of a clip that nobody asked about before, in this order
TRANSCRIPT_BYTES = 4_000_000
DOING = ("decoding", "hearing voice", "listening", "watching face", "reading words", "fusing")

log = logging.getLogger(__name__)

Progress = Callable[[str], None]


@dataclass
class Stages:
    """The stages of one call: whose it is, whom to tell, and how long each took.

    progress : may raise Cancelled, which ends the call before the stage it is told of
    """

    session: str = ""
    progress: Progress | None = None
    timings_ms: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @contextmanager
    def run(self, name: str, doing: str) -> Iterator[None]:
        """Tells what is being done and times it; stages answered from the cache never get here."""
        if self.progress:
            self.progress(doing)
        with self.timed(name):
            yield

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Times what belongs to a stage without telling of it."""
        start = perf_counter()
        yield
        seconds = perf_counter() - start
        self.timings_ms[name] += 1000 * seconds
        STAGE_SECONDS.labels(name).observe(seconds)


@dataclass(frozen=True)
class Known:
    """What is known of a query's files before they are read, as it is of a part of a recording.

    voice : as the profile hears it; transcript : of the sound; None where that is to be found out
    """

    clip: Clip
    voice: AudioFeatures | None = None
    transcript: Transcript | None = None


class Reader:
    """Decodes, recognises and extracts; may be called from any thread.

    device : torch device of the extractors and of a Whisper from disk
    profile : extractors to use instead of loading those that the settings name
    stored : what was read before, by default of the example clips
    """

    def __init__(
        self,
        settings: Settings,
        device: str,
        profile: Profile | None = None,
        stored: StoredUtterances | None = None,
    ):
        self._settings = settings
        self._device = device
        self._profile = profile
        self._loading = threading.Lock()
        # Large networks use every core: two at once would wait for each other's threads, many times as long.
        self._computing = threading.Lock()
        self._cache = SessionCache(settings.cache_mb * 1_000_000)
        self._transcripts = SessionCache(TRANSCRIPT_BYTES)  # which a recording's features would drive out
        self._digests = FileDigests()
        self._stored = StoredUtterances() if stored is None else stored
        self.limits = limits_of(settings)
        self._recogniser = Recogniser(settings.whisper, settings.allow_downloads, device)

    def read(
        self, query: Query, stages: Stages, wanted: Subset = MODALITIES, known: Known | None = None
    ) -> Utterance:
        """Features of what a query gives; see `Analyst.analyze` for what it raises.

        wanted : modalities to read; others are absent
        known : what need not be read again
        """
        text = query.text if Modality.TEXT in wanted else ""
        key = self._key(query, stages.session)
        if known and known.transcript is not None:
            self._transcripts.get(key, stages.session, lambda: known.transcript)
        needs, picture = needs_of(query, wanted), Modality.VISION in wanted
        files = self._files(key, query, stages, needs, text is None, known)
        if query.face is not None and picture:
            files = self._with_face(key, files, query.face, stages)
        transcript = self._transcript(key, text, files, stages)
        words, about_words = self._words(transcript, stages)
        return replace(
            files,
            features=replace(files.features, text=words.sequence),
            transcript=transcript,
            token_spans=words.token_spans,
            notices=(*files.notices, *_about_transcript(transcript, text, files), *about_words),
        )

    def listen(self, sound: np.ndarray) -> tuple[AudioFeatures, Transcript]:
        """A voice (n,) of 16 kHz and its words, of which nothing is kept."""
        voice = self.hear(sound)
        return voice, self.recognise(sound, voice.encoded)

    def hear(self, sound: np.ndarray) -> AudioFeatures:
        """A voice alone."""
        extractors = self.profile
        with self._computing:
            return extractors.hear(sound)

    def recognise(self, sound: np.ndarray, encoded: tuple[EncodedWindow, ...] | None) -> Transcript:
        """The words of a sound, which `hear` may have encoded."""
        return self._recogniser.transcribe(sound, encoded, self.profile.english)

    def read_words(self, text: str, words: tuple[Word, ...]) -> TextFeatures:
        """Words with their times, as the profile reads them; absent for none."""
        extractors = self.profile
        with self._computing:
            return extractors.read(text, words)

    def transcribe(
        self, video: File, audio: File, stages: Stages, known: Known | None = None
    ) -> tuple[Transcript, tuple[Notice, ...]]:
        """The recognised words, empty without sound, and what to know about the sound and them."""
        query = Query(video, audio)
        key = self._key(query, stages.session)
        files = self._files(key, query, stages, Needs(voice=False, picture=False), known=known)
        transcript = self._transcript(key, None, files, stages)
        return transcript, (*notices.of_sound(files.notices), *_about_transcript(transcript, None, files))

    def forget(self, session: str) -> None:
        """Drop everything kept for `session` that no other session uses."""
        self._cache.forget(session)
        self._transcripts.forget(session)
        self._digests.forget(session)

    @property
    def profile(self) -> Profile:
        """The extractors, loaded once."""
        with self._loading:
            if self._profile is None:
                self._profile = self._load()
            return self._profile

    def _load(self) -> Profile:
        settings = self._settings

        def load(device: str) -> Profile:
            return load_profile(settings.profile, device, settings.checkpoints, settings.hub_encoders())

        if not lends_gpu():
            return load(self._device)
        from app.service import zero_gpu

        profile = load(zero_gpu.DEVICE)
        zero_gpu.lend_to(profile)
        return profile

    @property
    def profile_name(self) -> str:
        """Of the extractors, which need not be loaded for that."""
        return self._settings.profile if self._profile is None else self._profile.name

    @property
    def fingerprints(self) -> dict[str, str]:
        """{modality: digest} of the extractors, which a checkpoint must agree with."""
        return self.profile.fingerprints

    def language_model(self) -> dict[str, Tensor]:
        """Weights of the profile's language model, for fusion methods that run it themselves."""
        return self.profile.language_model()

    def prepare(self) -> None:
        """Load the extractors, then the recogniser, which a first clip would otherwise wait for."""
        prepare_decoding()
        self._recogniser.load()
        log.info("profile %s, speech recognition by %s", self.profile.name, self._recogniser.name)

    def files(self, video: File, audio: File) -> tuple[tuple[str, str], Utterance]:
        """What files give without their words, and the digests that they are known by."""
        query = Query(video, audio)
        key = self._key(query, "")
        return key, self._files(key, query, Stages(), EVERYTHING)

    def _key(self, query: Query, session: str) -> tuple:
        """What both files hold, "" for one that is not given, and the span of them, where one is given."""
        files = [Path(file) if file else None for file in (query.video, query.audio)]
        for file in filter(None, files):
            check_size(file, self.limits)
        span = () if query.end is None and not query.start else (query.start, query.end)
        return (*(self._digests.of(file, session) if file else "" for file in files), *span)

    def _files(
        self,
        key: tuple,
        query: Query,
        stages: Stages,
        needs: Needs,
        recognise: bool = False,
        known: Known | None = None,
    ) -> Utterance:
        """What the files give without their words.

        recognise : their words are asked for next, and are kept for that
        """
        if not (query.video or query.audio) or not (needs.sound or needs.picture):
            return Utterance(self.profile.features(None, ""))

        stored = self._stored.find(key, lambda: self.fingerprints)
        if stored is not None:
            return stored.only(needs)

        if self._cache.holds(("files", *key, EVERYTHING)):
            return self._read_files(key, query, stages, EVERYTHING, recognise, known).only(needs)
        return self._read_files(key, query, stages, needs, recognise, known)

    def _read_files(
        self, key: tuple, query: Query, stages: Stages, needs: Needs, recognise: bool, known: Known | None
    ) -> Utterance:
        def compute() -> Utterance:
            if recognise:
                self._recogniser.load_aside()
            with stages.run("decode", "decoding"):
                clip = known.clip if known else self._decode(query, needs)
            speech = clip.audio is None or not nobody_speaks(clip.audio)
            extractors = self.profile  # loaded before a stage is timed
            heard = self._hear(extractors, clip, speech, needs, stages, known and known.voice)
            beside = ThreadPoolExecutor(1)  # the words are recognised on one core, which leaves the others
            try:
                sound = clip.audio if speech else None
                finding = beside.submit(extractors.find_faces, clip.frames, clip.frame_times, sound)
                if recognise:
                    self._transcript(key, None, heard, stages)
                with stages.run("vision", "watching face"):
                    tracks, speaking = finding.result()
            finally:
                beside.shutdown(wait=False)  # whoever cancelled does not wait for the face
            features = heard.features
            if tracks:
                with self._computing, stages.timed("vision"):
                    face = extractors.embed_faces(tracks[speaking or 0])
                features = replace(features, vision=face)
            lacking = notices.of_clip(
                clip,
                self._settings.max_seconds,
                film=bool(query.video),
                voice=bool(features.audio.present[0]) or not needs.voice,
                face=bool(features.vision.present[0]),
                speech=speech,
            )
            return replace(
                heard,
                features=features,
                notices=tuple(lacking),
                face_tracks=tracks,
                speaking=speaking,
            ).only(needs)

        return self._cache.get(("files", *key, needs), stages.session, compute)

    def _hear(
        self,
        extractors: Profile,
        clip: Clip,
        speech: bool,
        needs: Needs,
        stages: Stages,
        voice: AudioFeatures | None,
    ) -> Utterance:
        """What there is to hear, and the voice where that is needed; voice : where it was heard before."""
        silent = Utterance(extractors.features(None, ""), waveform=clip.audio, speech=speech)
        if clip.audio is None or not needs.voice:
            return silent
        with stages.run("audio", "hearing voice"), self._computing:
            voice = voice or extractors.hear(clip.audio)
        features = replace(silent.features, audio=voice.sequence) if speech else silent.features
        return replace(silent, features=features, log_mel=voice.log_mel, encoded=voice.encoded)

    def _with_face(self, key: tuple, files: Utterance, number: int, stages: Stages) -> Utterance:
        """The same with another of its faces in use; AnalysisError where there are not so many."""
        count = len(files.face_tracks)
        if number > count:
            raise notices.no_such_face(number, count)
        chosen = replace(files, chosen=number - 1)
        if chosen.face == files.face:
            return chosen
        track = files.face_tracks[number - 1]
        face = self._cache.get(
            ("face", *key, number), stages.session, lambda: self.profile.embed_faces(track)
        )
        return replace(chosen, features=replace(files.features, vision=face))

    def _transcript(self, key: tuple, text: str | None, files: Utterance, stages: Stages) -> Transcript:
        """Typed words, where text is given, else recognised ones."""
        if text is not None:
            return Transcript(text.strip(), "typed") if text.strip() else NO_WORDS
        waveform = files.waveform
        if waveform is None or not files.speech:
            return NO_WORDS

        def compute() -> Transcript:
            with stages.run("speech", "listening"):
                return self._recogniser.transcribe(waveform, files.encoded, self.profile.english)

        return self._transcripts.get(key, stages.session, compute)

    def _words(self, transcript: Transcript, stages: Stages) -> tuple[TextFeatures, list[Notice]]:
        """The text modality of a transcript, absent for an empty one, and what to know about it."""
        text = transcript.text

        def compute() -> tuple[TextFeatures, list[Notice]]:
            extractors = self.profile
            if not text:
                return extractors.read(""), []
            with stages.run("text", "reading words"), self._computing:
                words = extractors.read(text, transcript.words)
                if not words.sequence.present[0]:
                    return words, [notices.no_words()]
                about = [notices.of_length(text, words.token_spans, extractors.max_tokens)]
                if extractors.english:
                    about.append(warn_if_not_english(text))
            return words, [notice for notice in about if notice]

        return self._cache.get(("words", text, transcript.words), stages.session, compute)

    def _decode(self, query: Query, needs: Needs) -> Clip:
        """What a query's files hold between its start and its end."""
        longest = self.limits.max_seconds
        seconds = longest if query.end is None else query.end - query.start
        limits = replace(self.limits, max_seconds=min(longest, seconds))
        clip = decode_files(query.video, query.audio, needs, limits, query.start)
        return clip if seconds > longest or query.end is None else replace(clip, truncated=False)


def needs_of(query: Query, wanted: Subset) -> Needs:
    """What of its files a query needs for the `wanted` modalities."""
    voice, words = Modality.AUDIO in wanted, Modality.TEXT in wanted and query.text is None
    return Needs(sound=voice or words, voice=voice, picture=Modality.VISION in wanted)


def limits_of(settings: Settings) -> DecodeLimits:
    """What decoding may cost."""
    return DecodeLimits(
        max_mb=settings.max_mb,
        max_seconds=settings.max_seconds,
        decode_seconds=settings.decode_seconds,
        decode_memory_mb=settings.decode_memory_mb,
    )


def decode_files(video: File, audio: File, needs: Needs, limits: DecodeLimits, start: float = 0.0) -> Clip:
    """A clip whose sound is that of `audio`, where that is given; MediaError says what is wrong with them.

    start : seconds of the files that are left out
    """
    clip, unneeded = Clip(None, None, None, 0.0), needs.unneeded
    if video and not (audio and "picture" in unneeded):
        left_out = ["sound"] if audio else unneeded
        clip = decode_guarded(Path(video), limits, start=start, unneeded=left_out)
    if not audio or "sound" in unneeded:
        return clip
    sound = decode_guarded(Path(audio), limits, start=start, unneeded=["picture"])
    if sound.audio is None:
        if not needs.sound:  # it would only tell which of several faces speaks
            return clip
        name = Path(audio).name
        raise MediaError("no_sound", f"{name}, given for the voice, has no sound in it.", name=name)
    return replace(
        clip,
        audio=sound.audio,
        duration=max(clip.duration, sound.duration),
        truncated=clip.truncated or sound.truncated,
        damaged=clip.damaged or sound.damaged,
    )


def _about_transcript(transcript: Transcript, text: str | None, files: Utterance) -> list[Notice]:
    if transcript.text and transcript.original:
        return [translated(transcript.language)]
    recognised = text is None and files.waveform is not None and files.speech
    return notices.of_transcript(transcript, recognised=recognised, seconds=notices.cut_at(files.notices))
