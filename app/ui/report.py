"""One analysis as one HTML file that opens anywhere: pictures inside, no scripts, nothing to load."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.service.calls import Call
from app.service.comparison import MethodAnswer
from app.service.subsets import Subset
from app.ui import fuses_panel, words
from app.ui.page_state import PageState
from app.ui.templates import fill
from models.catalogue import MethodInfo

STYLE = Path(__file__).resolve().parents[2] / "assets" / "report.css"
# Whatever a transcript or a file's name holds, a browser runs and loads nothing.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
COLUMNS = ("guess", "sure", "alone", "counts", "own")  # of the fuses, from left to right


@dataclass(frozen=True)
class Circumstances:
    """What an analysis was made with.

    methods : {registry name: MethodInfo}
    answers : of every method to the same question
    fingerprints : {modality: of its extractor's weights}
    versions : {package: version}
    made : when
    """

    methods: dict[str, MethodInfo]
    answers: list[MethodAnswer]
    fingerprints: dict[str, str]
    versions: dict[str, str]
    made: datetime


def report(state: PageState, made_with: Circumstances, language: str) -> str:
    """The page, from an answer with its pictures."""
    file = state.query.video or state.query.audio
    name = Path(file).name if file else words.say("report_words_only", language)
    transcript = state.analysis.transcript
    columns = fuses_panel.columns(state, language)
    return fill(
        "report.page",
        language,
        **frame(name, made_with.made),
        state=state,
        notices=[words.notice(notice, language) for notice in state.analysis.notices],
        columns={key: columns[key] for key in COLUMNS if key in columns},
        words_note=words.words_note(transcript, transcript.source, language),
        answers=[(answer, made_with.methods[answer.method].spec) for answer in made_with.answers],
        settings=_settings(state, made_with, name, language),
        command=Call(state.query).command(),
    )


def frame(name: str, made: datetime) -> dict[str, str]:
    """What every report's page needs of its file's name and of when it was made."""
    style = STYLE.read_text(encoding="utf-8")
    return {"policy": POLICY, "style": style, "name": name, "date": f"{made:%Y-%m-%d %H:%M %Z}"}


def asked_for(name: str, method: MethodInfo, modalities: Subset, language: str) -> dict[str, str]:
    """{key of the setting's name: the setting} of what was asked."""
    spec = method.spec
    return {
        "report_file": name,
        "report_method": f"{spec.title}: {spec.paper} ({spec.year}), {spec.url}",
        "report_modalities": words.names(modalities, language),
    }


def _settings(state: PageState, made_with: Circumstances, name: str, language: str) -> dict[str, str]:
    """{key of the setting's name: the setting}."""
    return {
        **asked_for(name, made_with.methods[state.query.method], state.on, language),
        "report_extractors": ", ".join(f"{key} {value}" for key, value in made_with.fingerprints.items()),
        "report_versions": ", ".join(f"{key} {value}" for key, value in made_with.versions.items()),
    }
