"""Query -> Analysis: the one way to an answer, for every caller."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import numpy as np

from app.service import notices
from app.service.analysis import (
    Analysis,
    FacesFound,
    ModalityAnalysis,
    Notice,
    SubsetAnswer,
    Transcript,
    label_of,
)
from app.service.cache import SessionCache
from app.service.device import choose_device, limit_threads, release_heaps
from app.service.metrics import counted
from app.service.query import File, Query
from app.service.reader import Known, Progress, Reader, Stages
from app.service.subsets import (
    Certainty,
    Subset,
    SubsetScores,
    interval,
    read_certainty,
    score_subset,
    score_subsets,
    weighed,
)
from app.service.utterance import States, Utterance, of_states
from app.settings import Settings
from models.catalogue import MethodInfo, describe_methods
from models.checkpoint import (
    Checkpoint,
    fusion_path,
    load_fusion,
    nothing_trained,
    subset_name,
    weights_folder,
)
from models.fusion.mla import MLA
from models.registry import EXTRACTORS, FUSION_MODELS, spec
from models.tensors import CheckpointError
from models.types import MODALITIES, Features, Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    # imported where they are loaded, as in `reader`
    from app.service.imputation_rendering import Imaginer
    from app.service.live.reading import Judged, LiveReading
    from app.service.recordings.segment import Segment
    from app.service.stored import StoredUtterances
    from models.extractors.out_of_distribution import OutlierDetector
    from models.extractors.profile import Profile
    from models.extractors.rendering import Renderer
    from models.extractors.speaker import SpeakerEncoder

# an utterance on the models' device, the weights of the method, and which present modalities are in use
Opened = tuple[Utterance, Checkpoint, Subset]

FIRST_WORDS = "It works."  # analysed before anybody asks
SAID_BYTES = 4_000_000  # of what models said of clips, some hundred bytes a method and clip

log = logging.getLogger(__name__)


class Analyst:
    """Analyses clips; one instance a process, and every method may be called from any thread.

    settings : the defaults where None
    profile : extractors to use instead of loading those that the settings name
    """

    def __init__(
        self,
        settings: Settings | None = None,
        profile: Profile | None = None,
        stored: StoredUtterances | None = None,
    ):
        limit_threads()
        self.settings = settings or Settings()
        self.device = choose_device(self.settings.device)
        kind = Reader
        if self.settings.serve:
            from app.service.remote_reader import RemoteReader  # with an HTTP client

            kind = RemoteReader
        self._reader = kind(self.settings, self.device, profile, stored)
        self._checkpoints: dict[str, Checkpoint] = {}
        self._said = SessionCache(SAID_BYTES)
        self._renderer: Renderer | None = None
        self._outlier_detector: OutlierDetector | None = None
        self._speakers: SpeakerEncoder | None = None
        self._loading, self._loading_weights = threading.Lock(), threading.Lock()
        self.ready = threading.Event()  # all is loaded, and a real answer was given

    @counted("analyze")
    def analyze(
        self,
        query: Query,
        *,
        session: str = "",
        progress: Progress | None = None,
        only_asked: bool = False,
        known: Known | None = None,
    ) -> Analysis:
        """One clip, one method, one subset -> Analysis; only the fusion runs again for a clip seen before.

        session : owner of what is kept, see `forget`
        progress : called with the name of each stage that really runs, before it; may raise `Cancelled`
        only_asked : leave unread what the modalities do not need; nothing is said of the others then
        known : what need not be read of its files again
        AnalysisError or MediaError, in plain words, where the input cannot be used.
        """
        stages, wanted = Stages(session, progress), query.modalities if only_asked else MODALITIES
        return self._answer(query, stages, wanted, *self._open(query, stages, wanted, known))

    def segments(
        self,
        query: Query,
        *,
        session: str = "",
        progress: Callable[[float, float | None], None] | None = None,
        only_asked: bool = False,
    ) -> Iterator[Segment]:
        """The utterances of a recording of any length, each analysed as a clip is, as soon as it is read.

        progress : called with the seconds that are done, and those of the whole where the file says them;
        may raise `Cancelled`. MediaError where it cannot be read, AnalysisError where nothing is in it.
        """
        from app.service.recordings.reading import RecordingReader  # with scikit-learn

        def analyze(about: Query, known: Known) -> Analysis:
            return self.analyze(about, session=session, only_asked=only_asked, known=known)

        seconds = 60 * self.settings.max_minutes
        with counted("segments"):
            query.check_given()
            reader = RecordingReader(self._reader, analyze, self.speakers(), seconds)
            yield from reader.segments(query, progress)

    def live(self) -> LiveReading:
        """A new stream of a camera and a microphone, to be scored while it comes."""
        from app.service.live.reading import LiveReading

        return LiveReading(self._reader, self._judge)

    def _judge(self, features: Features, method: str, used: Subset) -> Judged:
        """What a stream is told: of one subset, without what is imagined."""
        from app.service.live.reading import Judged

        checkpoint, mla, features = self.checkpoint(method), self.mla(), features.to(self.device)
        score = score_subset(checkpoint.model, features, used)
        sure = weighed(read_certainty(mla, features), used) if mla is not None else {}
        weights = {m: part.weight for m, part in sure.items() if part.weight is not None}
        return Judged(score, interval(checkpoint, score, used), weights)

    @counted("analyze_features")
    def analyze_features(
        self, states: States, query: Query, *, session: str = "", progress: Progress | None = None
    ) -> Analysis:
        """The same of states (T, d) that the profile's extractors gave; what was said is not known.

        AnalysisError where states do not fit, nothing is left of them, or the method reads the words itself.
        """
        utterance = of_states(states, self._reader.profile.dims)
        used = self._used(query, utterance)
        if spec(query.method).model.needs_language_model and Modality.TEXT in used:
            raise notices.needs_words(query.method)
        opened = utterance.to(self.device), self.checkpoint(query.method), used
        return self._answer(query, Stages(session, progress), MODALITIES, *opened)

    def analyze_utterance(
        self, utterance: Utterance, query: Query, wanted: Subset, timings_ms: dict[str, float]
    ) -> Analysis:
        """The same of what was read elsewhere, in these milliseconds a stage; nothing of it is kept.

        wanted : the modalities that were read
        """
        stages = Stages()
        stages.timings_ms |= timings_ms
        try:
            return self._answer(query, stages, wanted, *self._opened(query, utterance))
        finally:
            self.forget(stages.session)

    def _answer(
        self,
        query: Query,
        stages: Stages,
        wanted: Subset,
        utterance: Utterance,
        checkpoint: Checkpoint,
        used: Subset,
    ) -> Analysis:
        features, session = utterance.features, stages.session
        mla, imaginer = self.mla(), self.imaginer() if used != MODALITIES else None
        detector = self.outlier_detector()
        outliers = detector.detect(features.only(used)) if detector else ()
        with stages.run("fusion", "fusing"):
            # a switch asks again about what the models said of every subset
            said = features.digest()
            scores = self._said.get(
                (query.method, said), session, lambda: score_subsets(checkpoint.model, features, used)
            ).of(used)
            certainty = {}
            if mla is not None:
                sure = self._said.get(("certainty", said), session, lambda: read_certainty(mla, features))
                certainty = weighed(sure, used)
            imagined = imaginer.glimpses(features, used) if imaginer else {}

        faces, transcript = utterance.faces, utterance.transcript
        return Analysis(
            score=scores.score,
            label=label_of(scores.score),
            interval=interval(checkpoint, scores.score, used, transcript),
            query=query,
            weights_kind=spec(query.method).weights_kind,
            transcript=transcript,
            modalities=describe_modalities(utterance.present, scores, certainty, wanted),
            subsets={
                subset_name(subset): SubsetAnswer(score, interval(checkpoint, score, subset, transcript))
                for subset, score in scores.by_subset.items()
            },
            timings_ms=stages.timings_ms,
            notices=(
                *utterance.notices,
                *notices.of_absence(query.modalities, used, utterance.notices),
                *notices.of_outliers(outliers, utterance.notices),
            ),
            imagined=imagined,
            faces=describe_faces(utterance),
            crops=faces.crops if faces else None,
            crop_times=faces.times if faces else None,
            log_mel=utterance.log_mel,
        )

    @counted("open")
    def open(self, query: Query, *, session: str = "") -> Opened:
        """What `analyze` starts from, for a deeper look at the same answer; same errors."""
        return self._open(query, Stages(session), MODALITIES)

    def _open(self, query: Query, stages: Stages, wanted: Subset, known: Known | None = None) -> Opened:
        query.check_given()
        utterance = self._reader.read(query, stages, wanted, known)
        if wanted != MODALITIES and not set(query.modalities).intersection(utterance.present):
            return self._open(query, stages, MODALITIES)  # what would work can be told from all that is there
        return self._opened(query, utterance)

    def _opened(self, query: Query, utterance: Utterance) -> Opened:
        used = self._used(query, utterance)
        return utterance.to(self.device), self.checkpoint(query.method), used

    @staticmethod
    def _used(query: Query, utterance: Utterance) -> Subset:
        """The modalities that are asked for and there; AnalysisError without any."""
        if not utterance.present:
            raise notices.nothing_present(utterance.notices)
        used = tuple(m for m in query.modalities if m in utterance.present)
        if not used:
            raise notices.nothing_used(query.modalities, utterance.present, utterance.notices)
        return used

    @counted("transcribe")
    def transcribe(
        self, *, video: File = None, audio: File = None, session: str = "", progress: Progress | None = None
    ) -> tuple[Transcript, tuple[Notice, ...]]:
        """The words that speech recognition finds, empty without sound; kept like everything else.

        And what to know about them and the sound: limits, damage, why there are none.
        """
        return self._reader.transcribe(video, audio, Stages(session, progress))

    def forget(self, session: str) -> None:
        """Drop everything kept for `session` that no other session uses."""
        self._reader.forget(session)
        self._said.forget(session)

    def methods(self) -> list[MethodInfo]:
        """Every method with its origin, checkpoint and test figures."""
        return describe_methods(*self.settings.weights_folders, profile=self._reader.profile_name)

    def prepare(self, method: str = "lmf") -> None:
        """Load what the first clip would otherwise wait for: first what an answer to words needs.

        CheckpointError where something is missing without which no clip can be analysed.
        """
        self.prepare_fusion(method)
        self._reader.prepare()
        trained = (name for name in (method, *FUSION_MODELS) if self._is_due(name))
        self.analyze(Query(text=FIRST_WORDS, method=next(trained)), session=FIRST_WORDS)
        self.forget(FIRST_WORDS)
        release_heaps()
        self.ready.set()

    def prepare_fusion(self, method: str = "lmf") -> None:
        """Load what an Utterance that is read would wait for; CheckpointError as `prepare`."""
        if not any(map(self._is_due, FUSION_MODELS)):
            raise CheckpointError(nothing_trained(self._reader.profile_name, self.settings.weights_folders))
        for name in ("mla", method):
            if self._is_due(name):
                self.checkpoint(name)
        self.imaginer()
        self.outlier_detector()

    def mla(self) -> MLA | None:
        """What tells how sure each modality is, beside any method; None where nobody trained it."""
        if not self._is_due("mla"):
            return None
        model = self.checkpoint("mla").model
        assert isinstance(model, MLA)
        return model

    def _is_due(self, method: str) -> bool:
        """Whether a method has to be there: where weights ship they all do, else those that were trained."""
        name = self._reader.profile_name
        return EXTRACTORS[name].ships or fusion_path(method, name, self._folder(method)).is_file()

    def _folder(self, method: str) -> Path | None:
        """Where the weights of a method are, or would be."""
        return weights_folder(method, self._reader.profile_name, *self.settings.weights_folders)

    def imaginer(self) -> Imaginer | None:
        """What imagines the modalities that are off or absent; None, and the reason in the log, without.

        None too where nothing could draw, hum or word the profile's states.
        """
        if not self.profile.interpretable:
            return None
        from app.service.imputation import IMAGINING
        from app.service.imputation_rendering import Imaginer

        try:
            return Imaginer.over(self.checkpoint(IMAGINING), self.renderer())
        except CheckpointError as error:
            log.warning("nothing is imagined: %s", error)
            return None

    def outlier_detector(self) -> OutlierDetector | None:
        """What knows an utterance unlike the training data; None, and the reason in the log, without.

        None too for a profile that comes without one.
        """
        if not self.profile.interpretable:
            return None
        from models.extractors.out_of_distribution import OutlierDetector

        with self._loading:
            if self._outlier_detector is None:
                try:
                    self._outlier_detector = OutlierDetector.load(
                        self._reader.profile, self.settings.checkpoints
                    )
                except CheckpointError as error:
                    log.warning("nothing is called unlike the training data: %s", error)
            return self._outlier_detector

    def renderer(self) -> Renderer:
        """What draws, hums and words states, loaded once; CheckpointError where its weights do not fit."""
        from models.extractors.local_profile import LocalProfile
        from models.extractors.rendering import Renderer

        profile = self.profile
        if not isinstance(profile, LocalProfile):
            raise CheckpointError(f"nothing draws, hums or words the states of the profile {profile.name!r}")
        with self._loading:
            if self._renderer is None:
                self._renderer = Renderer.load(profile, self.settings.checkpoints)
            return self._renderer

    def speakers(self) -> SpeakerEncoder:
        """What tells voices apart, loaded once; CheckpointError where its weights do not fit."""
        from models.extractors.speaker import SpeakerEncoder

        with self._loading:
            if self._speakers is None:
                self._speakers = SpeakerEncoder.load()  # the same for every profile
            return self._speakers

    @property
    def profile(self) -> Profile:
        """The extractors, loaded once."""
        return self._reader.profile

    def checkpoint(self, method: str) -> Checkpoint:
        """Weights of a method, loaded once; CheckpointError where there are none that fit."""
        if method in self._checkpoints:  # what is there never waits for another that is being loaded
            return self._checkpoints[method]
        with self._loading_weights:
            if method not in self._checkpoints:
                checkpoint = load_fusion(
                    method,
                    self._reader.profile_name,
                    self._folder(method),
                    self._reader.fingerprints,
                    self._reader.language_model,
                )
                checkpoint.model.to(self.device).eval()
                self._checkpoints[method] = checkpoint
            return self._checkpoints[method]


def describe_faces(utterance: Utterance) -> FacesFound | None:
    """What is told of the faces; None without any."""
    tracks, speaking = utterance.face_tracks, utterance.speaking
    if not tracks:
        return None
    portraits = np.stack([track.crops[len(track.crops) // 2] for track in tracks])
    return FacesFound(len(tracks), utterance.face + 1, None if speaking is None else speaking + 1, portraits)


def describe_modalities(
    present: Subset, scores: SubsetScores, certainty: dict[Modality, Certainty], wanted: Subset
) -> dict[str, ModalityAnalysis]:
    """{"text", "audio", "vision"} in that order; those that are absent, or not `wanted`, have no figures."""
    parts = {str(m): ModalityAnalysis(present=False if m in wanted else None, used=False) for m in MODALITIES}
    for modality in present:
        sure = certainty.get(modality)
        parts[modality] = ModalityAnalysis(
            present=True,
            used=modality in scores.alone,
            entropy=sure and sure.entropy,
            probabilities=sure and sure.probabilities,
            weight=sure and sure.weight,
            own_weight=(scores.own_weights or {}).get(modality),
            score=scores.alone.get(modality),
            occlusion=scores.occlusion.get(modality),
        )
    return parts
