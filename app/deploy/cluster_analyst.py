"""Asks the deployments what REST asks an analyst."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from ray.exceptions import GetTimeoutError, RayError, RayTaskError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle, DeploymentResponse

from app.deploy.deployments import Decoded, GivenFile
from app.rest.admission import Refused
from app.service.analysis import Notice, Transcript
from app.service.analyst import FIRST_WORDS
from app.service.cache import Cancelled
from app.service.metrics import counted
from app.service.query import AnalysisError, File, Query
from app.service.reader import Progress, needs_of
from app.service.subsets import Subset
from app.service.utterance import States
from app.settings import Settings
from models.catalogue import MethodInfo, describe_methods
from models.types import MODALITIES, Modality

TRIES = 12  # of a request whose replica or machine ends meanwhile, or that none takes
TAKEN_SECONDS = 20.0  # until a replica has it; loading one takes less


class NotTaken(Exception):
    """No replica works on a request."""


UNDONE = (RayError, RayServeException, NotTaken)  # the cluster's, not those of what it runs
LOOK_SECONDS = 0.5  # between two looks whether the answer is still wanted


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """An analysis that is JSON already."""

    json: dict

    def to_json(self) -> dict:
        """The documented JSON object."""
        return self.json


class ClusterAnalyst:
    """The calls of an `Analyst` that REST makes, with the same errors; from any thread but an event loop's.

    A clip goes from decoding to reading to fusing by reference: only the answer is fetched here. A request
    whose replica ends is asked again: what is asked changes nothing, so it is answered once all the same.
    """

    def __init__(
        self,
        settings: Settings,
        decoding: DeploymentHandle,
        reading: DeploymentHandle,
        fusing: DeploymentHandle,
    ):
        self.settings = settings
        self._decoding, self._reading, self._fusing = decoding, reading, fusing
        self.ready = threading.Event()  # a real answer was given

    def prepare(self) -> None:
        """Ask for a first answer, until there is one."""
        while not self.ready.is_set():
            try:
                method = next(info.spec.name for info in self.methods() if info.available)
                self.analyze(Query(text=FIRST_WORDS, method=method))
                self.ready.set()
            except Exception as error:  # whatever ends a request is no reason to stop asking
                log.warning("no answer yet: %s", error)
                time.sleep(TAKEN_SECONDS)

    @counted("analyze")
    def analyze(
        self,
        query: Query,
        *,
        session: str = "",
        progress: Progress | None = None,
        only_asked: bool = False,
    ) -> Answer:
        """As `Analyst.analyze`."""
        query.check_given()
        wanted = query.modalities if only_asked else MODALITIES
        try:
            return self._analyzed(query, wanted, progress)
        except AnalysisError as error:
            if wanted == MODALITIES or not error.code.startswith("nothing_"):
                raise
            return self._analyzed(query, MODALITIES, progress)  # tells what would work

    @counted("analyze_features")
    def analyze_features(
        self, states: States, query: Query, *, session: str = "", progress: Progress | None = None
    ) -> Answer:
        """As `Analyst.analyze_features`."""
        return Answer(asked(lambda: [self._fusing.analyze_features.remote(states, query)], progress))

    @counted("transcribe")
    def transcribe(
        self, *, video: File = None, audio: File = None, session: str = "", progress: Progress | None = None
    ) -> tuple[Transcript, tuple[Notice, ...]]:
        """As `Analyst.transcribe`."""
        query = Query(video, audio)
        decode = self._decode(query, (Modality.TEXT,))

        def ask() -> list:
            decoded = decode()
            return [decoded, self._reading.transcribe.remote(decoded)]

        return asked(ask, progress)

    @counted("read_files")
    def read_files(
        self, query: Query, wanted: Subset, *, progress: Progress | None = None
    ) -> tuple[bytes, dict[str, float]]:
        """What the files of a query hold, see `Reading.read_files`, and milliseconds a stage."""
        decode = self._decode(query, wanted)

        def ask() -> list:
            decoded = decode()
            return [decoded, self._reading.read_files.remote(decoded, wanted)]

        return asked(ask, progress)

    def methods(self) -> list[MethodInfo]:
        """As `Analyst.methods`."""
        return describe_methods(*self.settings.weights_folders, profile=self.settings.profile)

    def forget(self, session: str) -> None:
        """Nothing is kept."""

    def _analyzed(self, query: Query, wanted: Subset, progress: Progress | None) -> Answer:
        decode = self._decode(query, wanted)

        def ask() -> list:
            decoded = decode()
            read = self._reading.read.remote(decoded, query, wanted)
            return [decoded, read, self._fusing.analyze.remote(read, query, wanted)]

        return Answer(asked(ask, progress))

    def _decode(self, query: Query, wanted: Subset) -> Callable[[], Any]:
        """Asks for the clip of a query's files; without any, or any need of them, there is nothing to ask."""
        needs = needs_of(query, wanted)
        if not (query.video or query.audio) or not (needs.sound or needs.picture):
            return Decoded
        files = _given(query.video), _given(query.audio)
        return lambda: self._decoding.decode.remote(*files, needs)


def _given(file: File) -> GivenFile | None:
    return GivenFile(Path(file).name, Path(file).read_bytes()) if file else None


def asked(ask: Callable[[], list], progress: Progress | None) -> Any:
    """What the last of the requests gives that `ask` makes, each of the one before it.

    Those whose replica or machine ends are made again, TRIES times in all; Refused where that is not enough.
    """
    for _ in range(TRIES):
        try:
            return _awaited(ask(), progress)
        except RayTaskError as error:
            if not isinstance(error.cause, UNDONE):  # what the deployment's own code raised
                raise error.cause from None
            log.warning("asked again: %s", error.cause)
        except UNDONE as error:
            log.warning("asked again: %s", error)
    raise Refused(503, "machines_ended", "The machines that worked on this ended; ask again in a minute.")


def _awaited(requests: list, progress: Progress | None) -> Any:
    """The last one's answer.

    They are cancelled as soon as `progress` raises Cancelled, and where no replica takes them in
    TAKEN_SECONDS: after the end of a machine Serve may forget those that wait, which asking again wakes.
    """
    until = time.monotonic() + TAKEN_SECONDS
    while True:
        try:
            if progress:
                progress("waiting")
            return requests[-1].result(timeout_s=LOOK_SECONDS)
        except RayTaskError:  # some are a TimeoutError too: that of their cause
            raise
        except GetTimeoutError:  # a replica has it
            until = inf
        except TimeoutError:
            if time.monotonic() > until:
                _cancel(requests)
                raise NotTaken(f"no replica has taken it in {TAKEN_SECONDS:g} s") from None
        except Cancelled:
            _cancel(requests)
            raise


def _cancel(requests: list) -> None:
    for request in requests:
        if isinstance(request, DeploymentResponse):
            request.cancel()
