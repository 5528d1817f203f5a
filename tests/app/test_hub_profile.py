"""From clips to a page with the profile `hub`, over tiny encoders: extract, train, analyse, show."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from app import doctor
from app.predict import describe
from app.service.analyst import Analyst
from app.service.query import Query
from app.service.stored import EXAMPLES
from app.service.take_away import features_npz
from app.service.timeline import read_timeline
from app.settings import PROFILES, Settings, SettingsError
from app.ui import fuses_panel, page, sentiment_panel, tabs, words
from app.ui.controller import Controller
from app.ui.page_state import Visit
from app.ui.panels import TabContext, paint
from app.ui.tabs.take_away import _Files
from app.ui.uploads import UploadSessions
from models.extractors.hub.encoders import HubEncoders
from models.features.feature_set import has_tokens
from models.features.files import load_features
from models.registry import EXTRACTORS
from models.tensors import CheckpointError
from models.training import extraction
from models.training.extraction import extract_features
from models.training.feature_weights import train_on_features
from models.training.fitting import ResearchRecipe
from models.types import MODALITIES, Modality
from tests.tiny_encoders import write_encoders

ROWS = [
    ["delight.mp4", "i really liked it", "2", "train"],
    ["letdown.mp4", "the film was bad", "-2", "train"],
    ["sarcasm.mp4", "what a good day", "-1", "valid"],
]
QUERY = Query(str(EXAMPLES / "delight.mp4"), text="i really liked it")
VISIT = Visit("hub", words.ENGLISH)


def write_manifest(folder: Path, rows: list[list[str]]) -> Path:
    path = folder / "clips.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "text", "score", "split"], *rows])
    return path


def name_encoders(patch: pytest.MonkeyPatch, encoders: HubEncoders) -> None:
    for modality in MODALITIES:
        patch.setenv(f"FUSEBOX_HUB_{modality.upper()}", getattr(encoders, modality))


@pytest.fixture(scope="module")
def encoders(tmp_path_factory) -> HubEncoders:
    return write_encoders(tmp_path_factory.mktemp("encoders"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory, encoders) -> Path:
    """Folder of LMF and, in `with_mla`, of MLA too, trained on three clips for an epoch."""
    folder = tmp_path_factory.mktemp("runs")
    manifest = write_manifest(folder, [[str(EXAMPLES / file), *row] for file, *row in ROWS])
    with pytest.MonkeyPatch.context() as patch:
        name_encoders(patch, encoders)
        extract_features(manifest, folder / "features.npz", "hub")
    dataset, recipe = load_features(folder / "features.npz"), ResearchRecipe(epochs=1)
    for name, out in (("lmf", folder), ("lmf", folder / "with_mla"), ("mla", folder / "with_mla")):
        train_on_features(name, dataset, "features.npz", out, 0, recipe)
    return folder


@pytest.fixture(scope="module")
def settings(encoders, runs) -> Settings:
    named = {f"hub_{m}": getattr(encoders, m) for m in MODALITIES}
    return Settings(device="cpu", profile="hub", checkpoints=runs, **named)


@pytest.fixture(scope="module")
def analyst(settings) -> Analyst:
    return Analyst(settings)


def test_every_profile_can_be_set():
    assert tuple(EXTRACTORS) == PROFILES
    assert Settings.from_environment({"FUSEBOX_PROFILE": "Hub"}).profile == "hub"
    with pytest.raises(SettingsError, match="FUSEBOX_PROFILE is 'cloud'; give local or hub"):
        Settings.from_environment({"FUSEBOX_PROFILE": "cloud"})


def test_clips_become_features_of_the_encoders(runs, analyst):
    dataset = load_features(runs / "features.npz")
    assert dataset.profile == "hub"
    assert dataset.dims == analyst.profile.dims
    assert dataset.fingerprints == analyst.profile.fingerprints
    assert all(set(item.states) == set(MODALITIES) for item in [*dataset.train, *dataset.valid])
    assert not has_tokens(dataset)  # they are not those of BERT, which methods and MMSA would take them for


def test_what_other_encoders_gave_is_not_continued_with(tmp_path, encoders, monkeypatch):
    manifest, out = write_manifest(tmp_path, [["", "what a good day", "1", "train"]]), tmp_path / "f.npz"

    def interrupt(*_):
        raise KeyboardInterrupt

    name_encoders(monkeypatch, encoders)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(extraction, "save_features", interrupt)
        extract_features(manifest, out, "hub")
    (part,) = (tmp_path / "f.npz.parts").iterdir()
    stamp = part.stat().st_mtime_ns
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(extraction, "save_features", interrupt)
        extract_features(manifest, out, "hub")
    assert part.stat().st_mtime_ns == stamp  # kept: the same encoders
    name_encoders(monkeypatch, write_encoders(tmp_path / "other", seed=1))
    other = extract_features(manifest, out, "hub").train[0].states[Modality.TEXT]
    name_encoders(monkeypatch, encoders)
    own = extract_features(manifest, out, "hub").train[0].states[Modality.TEXT]
    assert (other - own).abs().max() > 0.1


def test_a_clip_is_answered_by_what_was_trained(analyst):
    assert [info.spec.name for info in analyst.methods() if info.available] == ["lmf"]
    analyst.prepare()
    analysis = analyst.analyze(QUERY)
    assert -3 <= analysis.interval[0] <= analysis.score <= analysis.interval[1] <= 3
    assert len(analysis.subsets) == 7
    assert not analysis.certain
    for part in analysis.modalities.values():
        assert part.present and part.used and part.score is not None
        assert part.entropy is part.probabilities is part.weight is None
    assert "stays unknown: mla is not trained" in describe(analysis)
    without = analyst.analyze(replace(QUERY, modalities=(Modality.AUDIO, Modality.VISION)))
    assert without.imagined == {}
    assert without.score == pytest.approx(analysis.subsets["audio+vision"].score, abs=1e-4)


def test_words_in_other_languages_are_no_fault_of_these_encoders(analyst):
    notices = analyst.analyze(Query(text="das war ein wirklich schöner Film, und so gut gespielt")).notices
    assert "not_english" not in [notice.code for notice in notices]


def test_the_certainty_is_there_once_mla_is_trained(settings, runs, analyst):
    with_mla = Analyst(replace(settings, checkpoints=runs / "with_mla"), analyst.profile)
    analysis = with_mla.analyze(QUERY)
    assert analysis.certain
    assert sum(part.weight for part in analysis.modalities.values()) == pytest.approx(1, abs=1e-3)
    assert analysis.score == pytest.approx(analyst.analyze(QUERY).score, abs=1e-5)


def test_what_was_not_trained_or_cannot_be_is_refused(analyst):
    with pytest.raises(CheckpointError, match=r"'tfn' .* `python -m models train tfn --data FILE`"):
        analyst.analyze(replace(QUERY, method="tfn"))
    with pytest.raises(
        CheckpointError, match="'lrcmt' runs a language model itself, and the profile 'hub' has"
    ):
        analyst.analyze(replace(QUERY, method="lrcmt"))


def test_where_nothing_is_trained_a_start_says_what_to_do(settings, tmp_path, analyst):
    with pytest.raises(CheckpointError, match=r"no method is trained .* --profile hub --data"):
        Analyst(replace(settings, checkpoints=tmp_path), analyst.profile).prepare()


def test_weights_of_other_encoders_are_refused(settings, tmp_path):
    other = write_encoders(tmp_path, seed=1)
    with pytest.raises(CheckpointError, match=r"wants the audio extractor .* of profile 'hub'"):
        Analyst(replace(settings, hub_audio=other.audio)).analyze(Query(text="good"))


def test_the_timeline_has_all_but_the_moods(analyst):
    utterance, checkpoint, used = analyst.open(QUERY)
    timeline = read_timeline(utterance, checkpoint, used, analyst.profile)
    assert timeline.voice is None and timeline.face is None
    assert timeline.pitch is not None
    assert [word.text for word in timeline.spoken.words] == QUERY.text.split()
    for modality in MODALITIES:
        assert any(part.value for part in timeline.contributions[modality])


def test_features_taken_home_say_what_they_are(analyst):
    opened = analyst.open(QUERY)
    arrays = np.load(io.BytesIO(features_npz(*opened, 0.0, "delight", analyst.profile.columns)))
    about = str(arrays["about"])
    assert "profile hub" in about and "what the picture encoder pools" in about and "[CLS]" not in about
    assert str(arrays["profile"]) == "hub"
    assert "text_ids" not in arrays


@pytest.mark.parametrize("language", [words.ENGLISH, words.CHINESE])
def test_every_panel_and_tab_says_what_there_is(analyst, language):
    controller = Controller(analyst)
    with gr.Blocks():
        fuses, _ = fuses_panel.build()
        uploads = UploadSessions(lambda session: None, lambda files: None)
        language_radio = gr.Radio(words.LANGUAGES, value=words.ENGLISH)
        context = TabContext(controller, uploads, gr.State(None), language_radio)
        below = tabs.build(context)
        panels = [sentiment_panel.build(), fuses, below.evidence]
    everything = controller.ask(QUERY, None, VISIT)
    for state in (everything, controller.switch(everything, ("text", "audio"), VISIT)):
        shown = "".join(map(str, paint(panels, state, language, clip=True).values()))
        assert words.signed(state.analysis.score) in shown
        assert words.say("no_certainty", language) in shown
        assert words.say("sure", language) not in shown
        for name, tab in below.lazy.items():
            values = tab.render(state.without_pictures(), Visit(VISIT.session, language))
            assert len(values) == len(tab.components), name
            html = "".join(value for value in values if isinstance(value, str))
            assert ("fb-empty" in html) == (name == "imagined"), name
            assert not re.search(r"\bnan\b|\bNone\b|\{\w+\}", re.sub(r"<[^>]*>", " ", html)), name
            if name == "imagined":
                assert words.say("imagined_unreadable", language) in html


def test_the_page_and_its_report_are_made(analyst):
    assert page.create_demo(analyst)
    controller = Controller(analyst)
    state = controller.ask(QUERY, None, VISIT)
    content = _Files(controller).content("report", state.without_pictures(), VISIT).decode()
    assert (
        words.signed(state.analysis.score) in content
        and words.say("report_entropy", words.ENGLISH) not in content
    )


def test_the_doctor_knows_the_profile(settings, runs, monkeypatch):
    found = list(doctor.weights(settings))
    assert all(finding.ok or not finding.required for finding in found)
    assert any(finding.subject.startswith("LMF (") for finding in found)  # and the data
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(runs / "nothing is here"))
    lacking = replace(settings, hub_text="", hub_vision="me/vision")
    text, audio, vision, *_ = doctor.weights(lacking)
    assert (text.ok, audio.ok, vision.ok) == (False, True, False)
    assert "xlm-roberta-base" in text.state and "about 1140 MB" in text.state
    assert "hf download" in text.remedy and "FUSEBOX_HUB_TEXT" in text.remedy
    assert "me/vision" in vision.state and "size not known" in vision.state
    methods = list(doctor.weights(replace(lacking, checkpoints=runs / "with_mla" / "hub")))[-1]
    assert methods.required and "no method is trained for the profile 'hub'" in methods.state
