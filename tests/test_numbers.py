"""Whatever is given, a score is finite and in its range, or it is said why there is none.

With the shipped weights and the real extractors. EXAMPLES=10 tries ten times as many, each time others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.service.analysis import Analysis
from app.service.analyst import Analyst
from app.service.query import AnalysisError, Query
from app.settings import Settings
from models.media.clip import SAMPLE_RATE
from models.registry import FUSION_MODELS, spec
from models.types import MODALITIES, Features, Modality, Sequence
from tests.crowd import as_new
from tests.made_up_voice import vowels

TOLERANCE = 1e-4
TIMES = int(os.environ.get("EXAMPLES", "1"))
METHODS = pytest.mark.parametrize("method", FUSION_MODELS)
LANGUAGES = {
    "good": None,
    "No.": None,
    "这部电影非常好看，我很喜欢": "not_english",
    "هذا فيلم رائع جدا وأحببته كثيرا": "not_english",
    "Я очень люблю этот замечательный фильм": "not_english",
    "यह फिल्म बहुत अच्छी है": "not_english",
    "Ich habe diesen Film sehr geliebt und werde ihn wieder sehen": "not_english",
    "I really loved this very good movie. " * 1429: "long_text",  # 10,003 words
    "a" * 50_000: None,
}
UNREADABLE = ("", " \t\n", "😀😀", "\u200b\u3000", "\ufffd", "\u0301", "?!…", "\ud83d")
WEIRD = (
    "good \ud83d day",
    "good\0day",
    "\u202egood\u202c",
    "g" + "\u0301" * 500 + "ood",
    "\ufeffgood",
    "𝓰𝓸𝓸𝓭",
)


def tried(examples: int):
    """So many examples, the same in every run of the suite; of whatever duration."""
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


@pytest.fixture(scope="module")
def analyst() -> Analyst:
    return Analyst(Settings(device="cpu"))


def answered(analyst: Analyst, query: Query) -> Analysis | None:
    """The answer, checked; None where it is said in plain words why there is none. Nothing is kept."""
    try:
        analysis = analyst.analyze(query, session="test")
    except AnalysisError as error:
        assert error.code in ("nothing_present", "nothing_given") and len(str(error)) > 20
        return None
    finally:
        analyst.forget("test")
    scores = [analysis.score, *(answer.score for answer in analysis.subsets.values()), *analysis.interval]
    assert all(isfinite(score) and -3 <= score <= 3 for score in scores)
    assert analysis.interval[0] <= analysis.score <= analysis.interval[1]
    return analysis


def told(analysis: Analysis) -> set[str]:
    return {notice.code for notice in analysis.notices}


@tried(60)
@given(text=st.one_of(st.text(), st.text(st.characters(), min_size=1, max_size=300)))
def test_any_words(analyst, text):
    answered(analyst, Query(text=text, modalities=(Modality.TEXT,)))


@pytest.mark.parametrize(("text", "notice"), LANGUAGES.items(), ids=range(len(LANGUAGES)))
def test_words_of_any_length_and_language(analyst, text, notice):
    analysis = answered(analyst, Query(text=text, modalities=(Modality.TEXT,)))
    assert analysis is not None and (notice is None or notice in told(analysis))


@pytest.mark.parametrize("text", WEIRD, ids=ascii)
def test_signs_that_no_one_types(analyst, text):
    assert answered(analyst, Query(text=text)) is not None


@pytest.mark.parametrize("text", UNREADABLE, ids=ascii)
def test_what_has_no_words_gets_no_score(analyst, text):
    assert answered(analyst, Query(text=text)) is None


SOUNDS = {
    "silence": np.zeros,
    "noise": lambda n: np.random.default_rng(n).normal(size=n),
    "click": lambda n: np.eye(1, n, n // 2)[0],
    "one level": np.ones,
    "tone": lambda n: np.sin(0.2 * np.arange(n)),
    "voice": lambda n: vowels(n / SAMPLE_RATE)[:n],
}


@tried(20)
@given(
    sound=st.sampled_from(sorted(SOUNDS)),
    samples=st.one_of(st.integers(1, 4000), st.integers(1, 4 * SAMPLE_RATE)),
    loudness=st.sampled_from([1e-42, 1e-30, 1e-3, 0.1, 1.0, 1e4, 1e30]),
    spoilt=st.sampled_from([None, np.nan, np.inf, -np.inf]),
)
def test_any_sound(analyst, tmp_path_factory, sound, samples, loudness, spoilt):
    """As a file of floats, which may hold anything; the words are typed, so that there is a score."""
    wave = np.asarray(loudness * SOUNDS[sound](samples), np.float32)
    if spoilt is not None:
        wave[samples // 3] = spoilt
    file = written(wave, tmp_path_factory.mktemp("sound"))
    analysis = answered(analyst, Query(audio=file, text="It is."))
    assert analysis is not None
    if sound != "voice":
        unheard = {"no_voice", "nobody_speaks"} & told(analysis)
        assert unheard or not analysis.modalities["audio"].present


def written(wave: np.ndarray, folder: Path) -> Path:
    """A wav file of float32 samples."""
    path = folder / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=SAMPLE_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave[None], "flt", "mono")
        frame.sample_rate = SAMPLE_RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@tried(8)
@given(
    frames=st.integers(2, 40),
    side=st.sampled_from([16, 48, 300]),
    shade=st.sampled_from([0, 128, 255, None]),
)
def test_pictures_without_a_face(analyst, tmp_path_factory, frames, side, shade):
    """Still pictures of one shade, and noise."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    random = np.random.default_rng(side)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        for _ in range(frames):
            picture = np.full((side, side, 3), shade or 0, np.uint8)
            if shade is None:
                picture = random.integers(0, 256, (side, side, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    analysis = answered(analyst, Query(path, text="It is."))
    assert analysis is not None and {"no_face", "no_sound"} <= told(analysis)


def states_of(analyst: Analyst, rows: list[tuple[int, int, int]], seed: int, size: float) -> Features:
    """A batch like the extractors' states, times `size`, of (words, voice, face) steps a row."""
    random = torch.Generator().manual_seed(seed)
    batch = {}
    for i, modality in enumerate(MODALITIES):
        sequences = []
        for row in rows:
            values = size * torch.randn(row[i], analyst.profile.dims[modality], generator=random)
            ids = None
            if modality is Modality.TEXT:
                ids = torch.randint(1000, 20_000, (row[i],), generator=random)
            sequences.append(Sequence.single(values, values.shape[1], ids))
        batch[str(modality)] = Sequence.stack(sequences)
    return Features(**batch)


STEPS = st.tuples(st.integers(1, 40), st.integers(1, 120), st.integers(1, 60))


@METHODS
@tried(6)
@given(
    rows=st.lists(STEPS, min_size=2, max_size=5),
    seed=st.integers(0, 2**31),
    size=st.sampled_from([0.0, 1e-30, 1.0, 30.0]),
    subset=st.sampled_from(Modality.subsets()),
)
def test_neither_batch_mates_nor_their_order_nor_threads_move_a_score(
    analyst, method, rows, seed, size, subset
):
    model = analyst.checkpoint(method).model
    batch = states_of(analyst, rows, seed, size).only(subset)
    with torch.inference_mode():
        together = model(batch).score
        backwards = model(batch.select(torch.arange(len(rows)).flip(0))).score.flip(0)
        alone = torch.cat([model(batch.select(torch.tensor([i]))).score for i in range(len(rows))])
        with threads(2 if torch.get_num_threads() == 1 else 1):
            otherwise = model(batch).score
    for found in (backwards, alone, otherwise):
        torch.testing.assert_close(found, together, atol=TOLERANCE, rtol=0)
    assert together.isfinite().all() and together.abs().max() <= 3


@METHODS
@tried(6)
@given(
    row=STEPS,
    size=st.sampled_from([1e-30, 1.0, 1e3, 1e6, 1e19, 3e38]),
    spoilt=st.sampled_from([None, np.nan, np.inf, -np.inf]),
    subset=st.sampled_from(Modality.subsets()),
)
@example(row=(5, 5, 5), size=3e38, spoilt=None, subset=(Modality.AUDIO, Modality.VISION))
@example(row=(5, 5, 5), size=1e6, spoilt=None, subset=(Modality.AUDIO, Modality.VISION))
def test_any_features(analyst, method, row, size, spoilt, subset):
    """Signs by chance, all of one size: there is a score, or it is said what states may be."""
    features = states_of(analyst, [row], seed=row[0], size=1.0).only(subset)
    states = {m: sequence.values[0].sign() * size for m, sequence in features if m in subset}
    if spoilt is not None:
        states[subset[-1]][-1, 0] = spoilt
    query = Query(method=method, modalities=subset)
    try:
        score = analyst.analyze_features(states, query, session="test").score
    except AnalysisError as error:
        reads_words = spec(method).model.needs_language_model and Modality.TEXT in subset
        assert error.code == "wrong_features" or (reads_words and error.code == "needs_words")
        assert error.code == "needs_words" or spoilt is not None or size > 1e6
    else:
        assert spoilt is None and size <= 1e6 and isfinite(score) and -3 <= score <= 3
    finally:
        analyst.forget("test")


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads of torch within the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def test_a_clip_is_read_the_same_by_one_thread_and_by_two(analyst, example_clip, tmp_path):
    clip = as_new(example_clip, tmp_path)
    found = []
    for count in (1, 2):
        with threads(count):
            answers = [answered(analyst, Query(clip, method=method)) for method in ("lmf", "mla")]
            features = analyst.open(Query(clip), session="test")[0].features
            answers += [analyst.analyze(Query(clip, method=m), session="test") for m in FUSION_MODELS]
        analyst.forget("test")
        found.append((features, [answer.score for answer in answers], answers[0].transcript))
    (one, scores, words), (two, others, same) = found
    for modality, sequence in one:
        torch.testing.assert_close(sequence.values, two[modality].values, atol=TOLERANCE, rtol=0)
    assert scores == pytest.approx(others, abs=TOLERANCE) and words == same


def test_the_order_of_requests_and_of_modalities_moves_no_score(analyst, example_clip, tmp_path):
    clip = as_new(example_clip, tmp_path)
    queries = [
        Query(clip, modalities=("vision",)),
        Query(clip, method="mla", modalities=("vision", "text")),
        Query(clip, text="It was terrible."),
        Query(clip, method="tfn", modalities=("audio", "vision", "text")),
        Query(text="I love it.", method="mfm"),
    ]

    def scores(asked: list[Query], only_asked: bool) -> dict[Query, float]:
        found = {q: analyst.analyze(q, session="test", only_asked=only_asked).score for q in asked}
        analyst.forget("test")
        return found

    wanted = {query: answered(analyst, query).score for query in queries}
    for asked, only_asked in ((queries, True), (queries[::-1], True), (queries[2:] + queries[:2], False)):
        assert scores(asked, only_asked) == pytest.approx(wanted, abs=TOLERANCE)
    assert Query(clip, modalities=("vision", "text")) == Query(clip, modalities=("text", "vision"))
