"""What runs on many machines: decoding, reading and fusing, each a Ray Serve deployment."""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ray import serve

from app.logs import set_up
from app.media.guard import prepare_decoding
from app.service.analysis import Notice, Transcript
from app.service.analyst import Analyst
from app.service.device import choose_device, limit_heaps, limit_threads, release_heaps
from app.service.query import File, Query
from app.service.reader import Known, Reader, Stages, decode_files, limits_of, needs_of
from app.service.stored import store
from app.service.subsets import Subset
from app.service.utterance import NO_WORDS, Needs, States, Utterance
from app.settings import Settings
from models.media.clip import Clip
from models.types import Modality

GB = 1 << 30  # bytes
AT_ONCE = 2  # clips a process: while one is decoded or recognised, another is computed
MOST_REPLICAS = 1000  # the cluster's cores end it sooner


@dataclass(frozen=True)
class GivenFile:
    """A file as its bytes, which every machine can have; its name tells what it should be."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Decoded:
    """key : digests of the video and of a separate sound, "" for none; timings_ms : of the stages so far."""

    clip: Clip | None = None
    key: tuple[str, str] = ("", "")
    timings_ms: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Read:
    """An utterance with what an answer needs of it; timings_ms : of the stages so far."""

    utterance: Utterance
    timings_ms: dict[str, float]


def replicas(at_once: int, cores: float, memory_gb: float) -> dict[str, Any]:
    """Settings of a deployment: as many replicas as there are requests for, where cores and memory are left.

    at_once : requests that one replica works on
    """
    return {
        "max_ongoing_requests": at_once,
        "ray_actor_options": {"num_cpus": cores, "memory": int(memory_gb * GB)},
        "autoscaling_config": {
            "min_replicas": 1,
            "max_replicas": MOST_REPLICAS,
            "target_ongoing_requests": at_once,
            "upscale_delay_s": 5.0,
            "downscale_delay_s": 300.0,  # loading weights takes many clips' time
        },
        "health_check_period_s": 10.0,
        "health_check_timeout_s": 60.0,
    }


@serve.deployment(**replicas(AT_ONCE, 0.25, 0.75))
class Decoding:
    """Files -> Clip, in child processes with limits, on machines that need no GPU."""

    def __init__(self, settings: Settings):
        set_up(settings.log)
        self._limits = limits_of(settings)
        prepare_decoding()

    def decode(self, video: GivenFile | None, audio: GivenFile | None, needs: Needs) -> Decoded:
        """The files decoded as `needs` ask; MediaError says what is wrong with them."""
        stages = Stages()
        with tempfile.TemporaryDirectory(prefix="clip-") as folder, stages.timed("decode"):
            paths = (_written(video, Path(folder, "video")), _written(audio, Path(folder, "audio")))
            clip = decode_files(*paths, needs, self._limits)
        return Decoded(clip, (_digest(video), _digest(audio)), stages.timings_ms)

    def check_health(self) -> None:
        """A file system that takes no file decodes none."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "probe").write_bytes(b"probe")


class ClipReader(Reader):
    """Reads clips that were decoded elsewhere: the files of a query are digests of what was in them."""

    def read_clip(self, decoded: Decoded, query: Query, wanted: Subset, stages: Stages) -> Utterance:
        """As `read`."""
        return self.read(_of(decoded, query), stages, wanted, _known(decoded))

    def transcribe_clip(self, decoded: Decoded, stages: Stages) -> tuple[Transcript, tuple[Notice, ...]]:
        """As `transcribe`."""
        return self.transcribe(*_files(decoded), stages, _known(decoded))

    def read_files(self, decoded: Decoded, wanted: Subset, stages: Stages) -> Utterance:
        """What the files give, with the words that are heard in them where those are wanted."""
        query, recognise = _of(decoded, Query()), Modality.TEXT in wanted
        needs = needs_of(query, wanted)
        files = self._files(decoded.key, query, stages, needs, recognise, _known(decoded))
        transcript = self._transcript(decoded.key, None, files, stages) if recognise else NO_WORDS
        return replace(files, transcript=transcript)

    def _key(self, query: Query, session: str) -> tuple:
        return (str(query.video or ""), str(query.audio or ""))


READING = replicas(AT_ONCE, 1, 2.0)


@serve.deployment(**READING)
class Reading:
    """Clip and words -> Utterance: the extractors and speech recognition.

    Nothing is batched: a clip's states may not depend on what else runs, and a core is as quick with one clip
    as with several (`SCALE.md`). More clips at once are more replicas.
    """

    def __init__(self, settings: Settings):
        limit_heaps()
        limit_threads()
        set_up(settings.log)
        self._reader = ClipReader(settings, choose_device(settings.device))
        self._reader.prepare()
        release_heaps()

    def read(self, decoded: Decoded, query: Query, wanted: Subset) -> Read:
        """What an answer needs of a decoded clip and of the query's words; AnalysisError for no such face."""
        with _stages(self._reader, decoded) as stages:
            utterance = self._reader.read_clip(decoded, query, wanted, stages)
        small = replace(utterance, waveform=None, log_mel=None, encoded=None)
        return Read(small, stages.timings_ms)

    def transcribe(self, decoded: Decoded) -> tuple[Transcript, tuple[Notice, ...]]:
        """The words that are heard in a clip, and what to know about them."""
        with _stages(self._reader, decoded) as stages:
            return self._reader.transcribe_clip(decoded, stages)

    def read_files(self, decoded: Decoded, wanted: Subset) -> tuple[bytes, dict[str, float]]:
        """The utterance of a clip with its recognised words, as `app.service.stored` writes it; timings."""
        with (
            _stages(self._reader, decoded) as stages,
            tempfile.TemporaryDirectory(prefix="read-") as folder,
        ):
            utterance = self._reader.read_files(decoded, wanted, stages)
            path = Path(folder) / "utterance.safetensors"
            store(utterance, decoded.key, self._reader.fingerprints, path)
            return path.read_bytes(), stages.timings_ms

    def check_health(self) -> None:
        """A GPU that has failed, or memory that is spoilt, gives no finite states."""
        if not self._reader.profile.read("well").sequence.values.isfinite().all():
            raise RuntimeError("the states of a word are not finite")


@contextmanager
def _stages(reader: Reader, decoded: Decoded) -> Iterator[Stages]:
    """The stages of one request after its decoding; what the reader keeps for it goes with them."""
    stages = Stages(session=str(uuid.uuid4()))
    stages.timings_ms |= decoded.timings_ms
    try:
        yield stages
    finally:
        reader.forget(stages.session)


def _of(decoded: Decoded, query: Query) -> Query:
    """The query with digests as its files."""
    video, audio = _files(decoded)
    return replace(query, video=video, audio=audio)


def _known(decoded: Decoded) -> Known | None:
    """What was decoded; None of words alone."""
    return None if decoded.clip is None else Known(decoded.clip)


def _files(decoded: Decoded) -> tuple[File, File]:
    video, audio = decoded.key
    return video or None, audio or None


def _written(file: GivenFile | None, folder: Path) -> Path | None:
    """The file under its own name."""
    if file is None:
        return None
    folder.mkdir()
    path = folder / file.name
    path.write_bytes(file.content)
    return path


def _digest(file: GivenFile | None) -> str:
    return "" if file is None else hashlib.sha256(file.content).hexdigest()


@serve.deployment(**replicas(8, 0.25, 1.5))
class Fusing:
    """Utterance -> the answer, by any method."""

    def __init__(self, settings: Settings):
        limit_heaps()
        set_up(settings.log)
        self._analyst = Analyst(settings)
        self._analyst.prepare_fusion()
        release_heaps()

    def analyze(self, read: Read, query: Query, wanted: Subset) -> dict:
        """The documented JSON of `Analyst.analyze`; its errors."""
        return self._analyst.analyze_utterance(read.utterance, query, wanted, read.timings_ms).to_json()

    def analyze_features(self, states: States, query: Query) -> dict:
        """The documented JSON of `Analyst.analyze_features`; its errors."""
        return self._analyst.analyze_features(states, query).to_json()

    def check_health(self) -> None:
        """As `Reading`."""
        if not self._analyst.profile.read("well").sequence.values.isfinite().all():
            raise RuntimeError("the states of a word are not finite")
