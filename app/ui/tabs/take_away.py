"""The tab of what a visitor takes home: files, and the calls that repeat the analysis."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import gradio as gr

from app.service.calls import Call
from app.service.comparison import compare
from app.service.take_away import analysis_json, features_npz, features_pkl, name_of, versions
from app.ui import words
from app.ui.controller import Controller, in_plain_words
from app.ui.page_state import PageState, Visit, session_of
from app.ui.panels import LazyTab, TabContext, nothing_yet
from app.ui.report import Circumstances, report
from app.ui.templates import fill

FILES = {"report": ".html", "json": ".json", "npz": ".npz", "pkl": ".pkl"}  # {what: the file's ending}
# {how: the language it is written in}
CALLS: dict[str, Literal["python", "shell"]] = {"python": "python", "curl": "shell", "command": "shell"}
SAVE = "() => document.querySelector('#take-away-file').click()"


def build(context: TabContext) -> LazyTab:
    """The tab, its buttons out of sight until there is an answer."""
    files = _Files(context.controller)

    def render(state: PageState | None, visit: Visit) -> list:
        language = visit.language
        if state is None or not state.on:
            hidden = gr.Column(visible=False)
            return [nothing_yet(state, language), hidden, None, *[""] * (len(FILES) + len(CALLS))]
        call = Call(state.query)
        calls = {
            "python": call.python(visit.address),
            "curl": call.curl(visit.address),
            "command": call.command(),
        }
        sizes = files.sizes(state, visit)
        hints = [
            fill("charts.small", language, text=words.say(f"take_away_{what}_hint", language, sizes=sizes))
            for what in FILES
        ]
        return ["", gr.Column(visible=True), None, *hints, *(calls[how] for how in CALLS)]

    def make(what: str) -> Callable:
        def made(state: PageState | None, language: str, request: gr.Request) -> str | dict:
            if state is None or not state.on:
                return gr.skip()
            gr.Progress()(None, desc=words.say("take_away_making", language))
            with in_plain_words(language):
                content = files.content(what, state, Visit.of(request, language))
            name = file_name(what, state)
            return context.uploads.hand_out(session_of(request), content, name, handed.GRADIO_CACHE)

        return made

    empty = gr.HTML(nothing_yet(None, words.ENGLISH), elem_id="take-away")
    with gr.Column(visible=False, elem_id="take-away-all") as everything:
        gr.HTML(f'<h2 class="fb-title">{words.label("take_away_files")}</h2>')
        buttons: dict[str, gr.Button] = {}
        hints: list[gr.HTML] = []
        with gr.Row(elem_id="take-away-files"):
            for what in FILES:
                with gr.Column(min_width=150):
                    buttons[what] = gr.Button(words.label(f"take_away_{what}"), elem_id=f"take-away-{what}")
                    hints.append(gr.HTML("", elem_id=f"take-away-{what}-hint"))
        gr.HTML(f'<p class="fb-small">{words.label("take_away_kept")}</p>')
        # Gradio's own button saves what it held before the click, so a second one, out of sight, is clicked
        # once the file is there.
        handed = gr.DownloadButton(visible="hidden", elem_id="take-away-file")
        gr.HTML(f'<h2 class="fb-title">{words.label("take_away_again")}</h2>', elem_id="take-away-again")
        gr.HTML(f'<p class="fb-small">{words.label("take_away_again_hint")}</p>')
        codes = []
        with gr.Tabs(elem_id="take-away-calls"):
            for how, written_in in CALLS.items():
                with gr.Tab(words.label(f"take_away_{how}")):
                    codes.append(
                        gr.Code(
                            "",
                            language=written_in,
                            label=words.label(f"take_away_{how}"),
                            show_label=False,
                            interactive=False,
                            lines=4,
                            wrap_lines=True,
                            show_line_numbers=False,
                            buttons=["copy"],
                            elem_id=f"take-away-{how}",
                        )
                    )
                    gr.HTML(f'<p class="fb-small">{words.label(f"take_away_{how}_note")}</p>')
    for what, button in buttons.items():
        button.click(
            make(what),
            [context.page_state, context.language],
            handed,
            show_progress_on=button,
            api_visibility="private",
        ).success(None, js=SAVE)
    return LazyTab("take_away", [empty, everything, handed, *hints, *codes], render)


def file_name(what: str, state: PageState) -> str:
    """ "fusebox-delight.json"."""
    return f"fusebox-{name_of(state.query.video, state.query.audio)}{FILES[what]}"


class _Files:
    """Makes the files of one answer; leaves nothing on the disk."""

    def __init__(self, controller: Controller):
        self._controller = controller
        self._methods = controller.available

    def content(self, what: str, state: PageState, visit: Visit) -> bytes:
        """The bytes of one of FILES."""
        if what == "json":
            return analysis_json(state.analysis).encode()
        if what == "report":
            return self._report(state, visit).encode()
        opened, name = self._controller.open(state, visit), name_of(state.query.video, state.query.audio)
        if what == "pkl":
            return features_pkl(*opened, state.analysis.score, name)
        return features_npz(*opened, state.analysis.score, name, self._controller.analyst.profile.columns)

    def sizes(self, state: PageState, visit: Visit) -> str:
        """ "Words 15 × 769, …": steps and widths of the features that there are."""
        utterance, _, _ = self._controller.open(state, visit)
        return ", ".join(
            f"{words.modality_name(m, visit.language)} {int(s.lengths[0])} × {s.values.shape[2]}"
            for m, s in utterance.features
            if m in utterance.present
        )

    def _report(self, state: PageState, visit: Visit) -> str:
        utterance, checkpoint, used = self._controller.open(state, visit)
        made_with = Circumstances(
            methods=self._methods,
            answers=compare(utterance, used, self._controller.analyst.checkpoint, self._methods),
            fingerprints=checkpoint.meta.fingerprints,
            versions=versions(),
            made=datetime.now().astimezone(),
        )
        return report(self._controller.again(state, visit), made_with, visit.language)
