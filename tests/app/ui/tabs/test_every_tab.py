"""Every panel and tab of every method for every subset, over the shipped weights and without a browser."""

from __future__ import annotations

import json
import re

import gradio as gr
import pytest

from app.service.analyst import Analyst
from app.service.query import Query
from app.service.stored import EXAMPLES
from app.settings import Settings
from app.ui import fuses_panel, sentiment_panel, tabs, words
from app.ui.controller import Controller
from app.ui.fuses_panel import SUBSETS
from app.ui.page_state import PageState, Visit
from app.ui.panels import TabContext, paint
from app.ui.uploads import UploadSessions
from models.catalogue import describe_methods

METHODS = [info.spec.name for info in describe_methods() if info.available]
VISIT = Visit("grid", words.ENGLISH)
# What these show is about all methods at once, so one chosen method stands for the others.
OF_ALL_METHODS = ("compare", "stress")
# What these show of a part of the clip differs little between methods: these stand for the others.
STAND_FOR_PARTS = {"timeline": METHODS[:1], "imagined": (METHODS[0], "mfm_tfn", "tfr_net")}


@pytest.fixture(scope="module")
def controller() -> Controller:
    return Controller(Analyst(Settings()))


@pytest.fixture(scope="module")
def query() -> Query:
    entries = json.loads((EXAMPLES / "index.json").read_text(encoding="utf-8"))
    entry = next(entry for entry in entries if entry["file"].endswith(".mp4") and entry["text"])
    return Query(str(EXAMPLES / entry["file"]), None, entry["text"], METHODS[0])


@pytest.fixture(scope="module")
def page(controller):
    """The panels of the page's answer and the deeper looks."""
    with gr.Blocks():
        fuses, _ = fuses_panel.build()
        uploads = UploadSessions(lambda session: None, lambda files: None)
        language = gr.Radio(words.LANGUAGES, value=words.ENGLISH)
        context = TabContext(controller, uploads, gr.State(None), language)
        below = tabs.build(context)
        return [sentiment_panel.build(), fuses, below.evidence], below.lazy


@pytest.mark.parametrize("subset", SUBSETS, ids="+".join)
@pytest.mark.parametrize("method", METHODS)
def test_every_panel_renders(controller, query, page, method, subset):
    panels, deeper = page
    asked = Query(query.video, None, query.text, method)
    everything = controller.ask(asked, None, VISIT)
    now = controller.switch(everything, subset, VISIT)
    assert now.on == subset
    language = words.CHINESE if METHODS.index(method) % 2 else words.ENGLISH
    text = "".join(map(str, paint(panels, now, language, clip=True).values()))
    assert words.signed(now.analysis.score) in text
    for name, panel in deeper.items():
        if name in OF_ALL_METHODS and method != METHODS[0]:
            continue
        if len(subset) < 3 and method not in STAND_FOR_PARTS.get(name, METHODS):
            continue
        # As between two events: without the pictures, which the session does not keep.
        values = panel.render(now.without_pictures(), Visit(VISIT.session, language))
        assert len(values) == len(panel.components), name
        html = "".join(value for value in values if isinstance(value, str))
        assert "fb-empty" not in html, name
        assert not re.search(r"\bnan\b|\bNone\b|\{\w+\}", re.sub(r"<[^>]*>", " ", html)), name


def test_the_weights_that_mla_fuses_with_are_the_shares_of_certainty(controller, query):
    asked = Query(query.video, None, query.text, "mla")
    parts = controller.ask(asked, None, VISIT).analysis.modalities.values()
    assert [part.own_weight for part in parts] == pytest.approx([part.weight for part in parts], abs=1e-5)


@pytest.mark.parametrize("given", ["text", "audio"])
def test_every_panel_renders_what_lacks_a_modality(controller, query, page, given):
    panels, deeper = page
    voice = str(EXAMPLES / "voice.mp3")
    asked = Query(None, voice if given == "audio" else None, "" if given == "audio" else "So good.", "mfm")
    now = controller.ask(asked, None, VISIT)
    assert now.on == (given,)
    paint(panels, now, words.ENGLISH, clip=True)
    for name, panel in deeper.items():
        values = panel.render(now.without_pictures(), VISIT)
        assert len(values) == len(panel.components), name


def test_no_answer_and_no_fuse_leave_every_tab_empty(controller, query, page):
    _, deeper = page
    nothing_on = controller.switch(controller.ask(query, None, VISIT), (), VISIT)
    for panel in deeper.values():
        for now in (None, nothing_on):
            assert len(panel.render(now, VISIT)) == len(panel.components)


def test_a_shown_answer_keeps_no_pictures(controller, query):
    now: PageState = controller.ask(query, None, VISIT).without_pictures()
    assert now.analysis.crops is None
    assert now.analysis.log_mel is None
