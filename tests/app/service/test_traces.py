"""Every method's own traces, of every subset, as they are read and as the panel shows them."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

from app.service.analyst import Analyst
from app.service.query import Query
from app.service.traces import Traces, read_traces
from app.settings import Settings
from app.ui.phrases import PHRASES
from app.ui.tabs.why import VIEWS, explain
from models.checkpoint import subset_name
from models.registry import FUSION_MODELS
from models.types import MODALITIES, Modality
from tests.app.conftest import TinyProfile

TEXT, AUDIO, VISION = MODALITIES
SENTENCE = "so that was a really fine film"
METHODS = pytest.mark.parametrize("method", FUSION_MODELS)
SUBSETS = pytest.mark.parametrize("used", Modality.subsets(), ids=subset_name)
UNCLOSED = ("img", "input")


@pytest.fixture(scope="module")
def analyst(checkpoints) -> Analyst:
    """One for all tests here: the clip is decoded once."""
    return Analyst(Settings(device="cpu", checkpoints=checkpoints), TinyProfile())


@pytest.fixture
def traces_of(analyst, write_clip):
    """traces_of(method, used, text) of a clip of two seconds."""

    def traces_of(method: str, used=MODALITIES, text: str = SENTENCE) -> Traces:
        clip = write_clip(seconds=2.0)
        return read_traces(*analyst.open(Query(video=clip, text=text, method=method, modalities=used)))

    return traces_of


class Shown(HTMLParser):
    """Reads a panel; fails where a tag is not closed."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.text = [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag not in UNCLOSED:
            self.open.append(tag)
        elif tag == "img":
            assert dict(attributes).get("alt")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@METHODS
@SUBSETS
def test_every_method_shows_its_traces_of_every_subset(method, used, traces_of):
    traces = traces_of(method, used)
    assert traces.used == used
    assert all(np.isfinite(trace).all() for trace in traces.named.values())
    assert set(traces.adds) == (set(used) if len(used) > 1 else set())
    for language in ("en", "zh-CN"):
        html = explain(traces, FUSION_MODELS[method], language)
        said = " ".join(Shown(html).text)
        assert FUSION_MODELS[method].url in html
        assert "nan" not in re.findall(r"\w+", said)
        for modality in set(MODALITIES) - set(used):  # what is pulled out has no weight to show
            assert traces.weights is None or modality not in traces.weights


@METHODS
def test_every_method_says_how_to_read_it(method):
    assert f"why_read_{method}" in PHRASES
    assert method in VIEWS or method == "concat"  # which has nothing of its own


def test_rank_terms_and_constant_are_the_score(traces_of):
    traces = traces_of("lmf")
    total = traces.named["rank_terms"].sum() + traces.constant
    assert np.clip(total, -3, 3) == pytest.approx(traces.score, abs=1e-5)
    assert "Rank 4" in explain(traces, FUSION_MODELS["lmf"], "en")


def test_blocks_with_a_missing_modality_are_empty(traces_of):
    html = explain(traces_of("tfn", (TEXT, AUDIO)), FUSION_MODELS["tfn"], "en")
    rows = re.findall(r'<th scope="row">([^<]+)</th><td>(.*?)</td>', html)
    empty = {name for name, drawn in rows if "fb-hatched" in drawn}
    assert empty == {"Face", "Words × Face", "Voice × Face", "Words × Voice × Face"}


def test_steps_are_the_words_in_their_order(traces_of):
    for method in ("mfn", "ef_lstm", "mfm", "mfm_tfn"):
        assert [step for step in traces_of(method).steps if step] == SENTENCE.split()
        assert re.fullmatch(r"\d\.\d", traces_of(method, (AUDIO, VISION)).steps[0])


@pytest.mark.parametrize(
    ("used", "language", "head"),
    [
        (MODALITIES, "en", "Voice: for the score"),
        ((TEXT, VISION), "en", "Voice, imagined: for the score"),
        ((TEXT, VISION), "zh-CN", "声音（想象）: 用于分数"),
    ],
)
def test_what_mfm_generates_is_followed_to_its_latents(traces_of, used, language, head):
    traces = traces_of("mfm", used)
    shared = traces.flow[AUDIO][: len(traces.steps), 0]
    assert set(traces.flow) == set(MODALITIES) and (shared > 0).all()
    table = next(
        part
        for part in explain(traces, FUSION_MODELS["mfm"], language).split("<table")
        if f'<th scope="col">{head}</th>' in part
    )
    column = re.findall(r'<th scope="col">(.*?)</th>', table).index(head) - 1
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in table.split("<tr>")[2:]]
    assert [row[column] for row in rows] == [f"{100 * value:.2f}" for value in shared]
    assert traces_of("mfn").flow == {}


def test_many_words_share_steps_and_none_is_lost(traces_of):
    sentence = " ".join(f"word{i}" for i in range(30))
    traces = traces_of("mfn", text=sentence)
    assert len(traces.steps) == 24
    assert " ".join(" ".join(traces.steps).split()) == sentence


def test_an_axis_names_words_and_seconds(traces_of):
    traces = traces_of("lrcmt")
    assert traces.axis(TEXT, 7) == SENTENCE.split()
    assert traces.axis(TEXT, 2) == ["so that was a", "really fine film"]
    gates = explain(traces_of("tfr_net"), FUSION_MODELS["tfr_net"], "en")
    assert re.findall(r'class="fb-shaded[^>]*>([^<]*) <small>', gates) == SENTENCE.split()
    seconds = [float(second) for second in traces.axis(AUDIO, 8)]
    assert seconds == sorted(seconds)
    assert 0 < seconds[0] < seconds[-1] < 2.1


def test_traces_agree_with_what_the_method_answers(traces_of, analyst, write_clip):
    for method in ("mla", "qmf", "tate", "meaformer", "mclea"):
        for used in ((TEXT, VISION), (AUDIO,)):
            answer = analyst.analyze(
                Query(video=write_clip(seconds=2.0), text=SENTENCE, method=method, modalities=used)
            )
            traces = traces_of(method, used)
            assert traces.score == pytest.approx(answer.score, abs=1e-5)
            for modality, weight in traces.weights.items():
                assert weight == pytest.approx(answer.modalities[modality].own_weight, abs=1e-5)


def test_adapted_and_rebuilt_methods_say_so(traces_of):
    for method, said in (
        ("mclea", "Adapted from entity alignment"),
        ("meaformer", "Adapted from entity alignment"),
        ("lrcmt", "Rebuilt from the paper's abstract"),
    ):
        assert said in unescape(explain(traces_of(method), FUSION_MODELS[method], "en"))


def test_a_method_that_the_panel_does_not_know_is_shown_all_the_same(traces_of):
    named = {
        "gate": np.float64(0.5),
        "trust": np.array([0.2, 0.3, 0.5]),
        "spectrum": np.linspace(-1, 1, 90),
        "routing": np.eye(3),
        "cube": np.ones((4, 5, 6)),
    }
    traces = replace(traces_of("lmf"), method="brand_new", named=named)
    html = explain(traces, replace(FUSION_MODELS["lmf"], name="brand_new", title="Brand <new>"), "en")
    said = " ".join(Shown(html).text)
    assert all(name in said for name in named)
    assert "Why Brand <new> says" in said
    assert (
        explain(replace(traces, named={}), FUSION_MODELS["lmf"], "en").count("What each modality adds") >= 1
    )
