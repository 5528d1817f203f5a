"""The page's texts and panels, without a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from app.service import notices
from app.service.analysis import (
    LABELS,
    Analysis,
    FacesFound,
    ModalityAnalysis,
    Notice,
    SubsetAnswer,
    Transcript,
    label_of,
)
from app.service.query import Query
from app.ui import charts, words
from app.ui.blocks import as_data
from app.ui.controller import Controller, in_plain_words
from app.ui.page_state import PageState, Visit
from app.ui.phrases import PHRASES
from app.ui.phrases.chinese import ERRORS_CHINESE, LABELS_CHINESE, NOTICES_CHINESE
from app.ui.templates import fill
from models.catalogue import MethodInfo
from models.registry import FUSION_MODELS

ROOT = Path(__file__).resolve().parents[2]
SUBSETS = [subset for size in (1, 2, 3) for subset in combinations(words.MODALITIES, size)]
QUERY = Query("clip.mp4")


def analysis(
    used: tuple[str, ...], present: tuple[str, ...], score: float = 1.0, kind: str | None = None
) -> Analysis:
    """An answer as the analyst gives it, with `score` and even shares."""
    parts = {}
    for m in words.MODALITIES:
        on = m in used
        parts[m] = ModalityAnalysis(
            present=m in present,
            used=on,
            entropy=1.2 if m in present else None,
            probabilities=[0.05, 0.05, 0.1, 0.1, 0.2, 0.4, 0.1] if m in present else None,
            weight=1 / len(used) if on else None,
            own_weight=1 / len(used) if on and kind else None,
            score=score if on else None,
            occlusion=0.4 if on and len(used) > 1 else None,
        )
    there = [subset for subset in SUBSETS if set(subset) <= set(present)]
    subsets = {"+".join(subset): SubsetAnswer(score, (score - 1, score + 1)) for subset in there}
    return Analysis(
        score, label_of(score), (score - 1, score + 1), QUERY, kind, Transcript("so <b>good", "typed"), parts,
        subsets, {"decode": 12.0, "text": 3.0, "fusion": 1.0, "total": 16.0},
        (Notice("no_face", "No face was found in the picture."),),
        np.zeros((20, 48, 48), np.uint8), np.arange(20) / 5, np.random.default_rng(0).normal(size=(80, 300)),
        faces=FacesFound(2, 2, 2, np.zeros((2, 48, 48), np.uint8)),
    )  # fmt: skip


def shown(used, present=words.MODALITIES, score=1.0, **more) -> PageState:
    return PageState(analysis(used, present, score), used, None, "LMF", **more)


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)", text))


def test_every_phrase_is_in_both_languages():
    for key, (english, chinese) in PHRASES.items():
        assert placeholders(english) == placeholders(chinese), key
        assert not re.search("[一-鿿]", english), key
        assert re.search("[一-鿿]", chinese), key
    assert set(LABELS_CHINESE) == set(LABELS)


def test_errors_are_escaped_for_the_page_and_plain_for_programs():
    said = []
    for options in ({}, {"error": as_data}):
        with pytest.raises(gr.Error) as raised, in_plain_words(words.ENGLISH, **options):
            raise notices.AnalysisError("no_such_code", "It isn't <b>.")
        said.append(raised.value.message)
    assert said[0] == "It isn&#x27;t &lt;b&gt;."
    assert said[1] == {"code": "no_such_code", "message": "It isn't <b>.", "values": {}}


def test_every_notice_and_error_of_the_service_has_a_translation():
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("app/service", "app/media", "models")
        for path in (ROOT / folder).glob("*.py")
    )
    notices = set(re.findall(r'\bNotice\(\s*"(\w+)"', code))
    errors = set(re.findall(r'\b(?:AnalysisError|MediaError)\(\s*"(\w+)"', code))
    assert notices and errors
    assert notices <= set(NOTICES_CHINESE)
    assert errors <= set(ERRORS_CHINESE)


@pytest.mark.parametrize(
    ("score", "text"), [(1.44, "+1.4"), (-0.3, "−0.3"), (-0.04, "0.0"), (0.0, "0.0"), (-3, "−3.0")]
)
def test_scores_carry_their_sign(score, text):
    assert words.signed(score) == text


@pytest.mark.parametrize("language", [words.ENGLISH, words.CHINESE])
def test_a_notice_names_modalities_in_the_visitors_language(language):
    values = {"modalities": "audio,vision", "used": "text"}
    told = words.notice(Notice("modality_absent", "There is no voice and no face here.", values), language)
    assert ("声音和面部" in told) == (language == words.CHINESE)


def test_what_is_missing_is_told_in_the_visitors_language():
    error = notices.nothing_present([notices.no_words(), Notice("no_face", "No face was found.")])
    assert "No face was found." in words.error(error.code, str(error), error.values, words.ENGLISH)
    told = words.error(error.code, str(error), error.values, words.CHINESE)
    assert NOTICES_CHINESE["no_words"] + NOTICES_CHINESE["no_face"] in told


def test_score_before_names_what_changed():
    full, without = shown(words.MODALITIES, score=1.9), shown(("text", "vision"), score=0.5)
    assert replace(without, before=full).was(words.ENGLISH) == "was +1.9 with voice"
    assert replace(full, before=without).was(words.ENGLISH) == "was +0.5 without voice"
    assert replace(full, before=without).was(words.CHINESE) == "没有声音时为 +0.5"
    other = replace(
        full, analysis=replace(full.analysis, query=replace(QUERY, method="mla")), title="MLA", before=full
    )
    assert other.was(words.ENGLISH) == "was +1.9 by LMF"
    assert full.was(words.ENGLISH) == ""


@pytest.mark.parametrize("language", [words.ENGLISH, words.CHINESE])
@pytest.mark.parametrize("kind", [None, "entropy", "attention"])
def test_every_panel_renders_every_subset_of_every_input(language, kind):
    import gradio as gr

    from app.ui import fuses_panel, sentiment_panel
    from app.ui.panels import paint
    from app.ui.tabs import evidence

    with gr.Blocks():
        fuses, switches = fuses_panel.build()
        panels = [sentiment_panel.build(), fuses, evidence.build()[0]]
    nothing = paint(panels, None, language, clip=True)
    for present in SUBSETS:
        for used in SUBSETS:
            if not set(used) <= set(present):
                continue
            now = PageState(analysis(used, present, kind=kind), used, None, "LMF")
            painted = paint(panels, now, language, clip=True)
            assert painted.keys() == nothing.keys()
            for modality, switch in zip(words.MODALITIES, switches, strict=True):
                assert painted[switch]["interactive"] == (modality in present)
                assert painted[switch]["value"] == (modality in used)
            page = "".join(value for value in painted.values() if isinstance(value, str))
            assert page.count("fb-reason") == 3 - len(present)
            assert ("fb-meter fb-own" in page) == (
                kind == "attention"
            )  # entropy weights: shares of certainty
            assert "{" not in page and "None" not in page and "nan" not in page


def test_gauge_stands_where_the_score_is():
    drawn = fill(
        "charts.gauge", words.ENGLISH, score=-3.0, interval=(-3.0, 0.0), before=None, spoken="spoken"
    )
    assert "left:0.00%" in drawn and "right:calc(100% - 50.00%)" in drawn
    assert charts.position(9) == "100.00%"


def test_long_sound_is_drawn_small():
    log_mel = np.random.default_rng(0).normal(size=(80, 12_000))
    picture = fill("charts.mel", words.ENGLISH, log_mel=log_mel, spoken="two minutes")
    assert 'alt="two minutes"' in picture
    assert len(picture) < 500_000  # characters, for two minutes


class Recorder:
    """An analyst that remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def methods(self):
        return [MethodInfo(FUSION_MODELS[name]) for name in ("lmf", "mla")]

    def analyze(self, query, **more):
        self.asked.append(query.modalities)
        said = analysis(tuple(m for m in query.modalities if m != "vision"), ("text", "audio"))
        return replace(said, query=query)


def test_switches_stay_on_the_same_clip_and_return_with_a_new_one(tmp_path):
    clip, other = tmp_path / "a.mp4", tmp_path / "b.mp4"
    clip.touch(), other.touch()
    analyst = Recorder()
    controller, visit = Controller(analyst), Visit("s", words.ENGLISH)
    first = controller.ask(Query(str(clip)), None, visit)
    assert first.on == ("text", "audio")
    pulled = controller.switch(first, ("text",), visit)
    other_method = controller.with_method(pulled, "mla", visit)
    assert other_method.on == ("text",)
    assert other_method.before.title == "LMF"
    fresh = controller.ask(Query(str(other), method="mla"), other_method, visit)
    assert fresh.on == ("text", "audio") and fresh.before is None


def test_asking_again_for_the_same_keeps_the_comparison(tmp_path):
    clip = tmp_path / "a.mp4"
    clip.touch()
    controller, visit = Controller(Recorder()), Visit("s", words.ENGLISH)
    query = Query(str(clip))
    pulled = controller.switch(controller.ask(query, None, visit), ("text",), visit)
    assert controller.ask(query, pulled, visit).before == pulled.before


def test_deleted_upload_and_unforeseen_failure_are_told_plainly(tmp_path):
    import gradio as gr

    class Broken(Recorder):
        def analyze(self, query, **more):
            raise RuntimeError("secret path /srv/x")

    visit = Visit("s", words.ENGLISH)
    with pytest.raises(gr.Error, match="no longer on the server"):
        Controller(Broken()).ask(Query(str(tmp_path / "gone.mp4")), None, visit)
    with pytest.raises(gr.Error) as raised:
        Controller(Broken()).ask(Query(text="words"), None, visit)
    assert "secret" not in raised.value.message
