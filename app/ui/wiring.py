"""Which event asks for what, and what it repaints.

Switches and methods answer from cached features without a queue, in milliseconds; whatever may decode a clip
waits in one queue. Every listener here is private: the public endpoints are in `api.py`.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import gradio as gr

from app.service.cache import Cancelled
from app.service.query import Query
from app.service.reader import DOING
from app.ui import input_panel, sentiment_panel, words
from app.ui.answering import Answering, in_plain_words
from app.ui.blocks import Page
from app.ui.depth_tabs import EVIDENCE, Depth
from app.ui.input_panel import AUDIO, CLIP, TEXT, Example, InputPanel
from app.ui.panels import DeepPanel, Panel, components, paint
from app.ui.shown import Shown, Visit
from app.ui.turns import Turns
from app.ui.uploads import UploadSessions
from models.media.clip import InputError

ANALYSES = "analyses"  # the queue of events that may decode a clip
LOOKS = "looks"  # the queue of what fills an open tab
AT_ONCE = 2  # of them running at the same time
AT_SIGHT = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

USE_LANGUAGE = "(language) => { window.fusebox.chooseLanguage(language); return [language]; }"
SHOW_ANSWER = "() => window.fusebox.showAnswer()"
FIND_LANGUAGE = "() => [window.fusebox.findLanguage()]"
START_OVER = "(...inputs) => { window.fusebox.startOver(); return inputs; }"
EMPTIED = "() => { window.fusebox.emptying -= 1; }"
WRITE_HEARD = "(typed, heard) => window.fusebox.wordsHeard(typed, heard)"
WHEN_EMPTIED = "async (language) => { await window.fusebox.emptied(); return [language]; }"

Tell = Callable[[str], str]  # language -> what stands in place of the score


@dataclass(frozen=True)
class Arrival:
    """An answer that has just come: its query, and the words and the language it was asked with."""

    query: Query
    written: str
    language: str


def wire(
    demo: Page,
    answering: Answering,
    given: InputPanel,
    panels: list[Panel],
    switches: list[gr.Checkbox],
    depth: Depth,
    language: gr.Radio,
    shown: gr.State,
    examples: list[Example],
    uploads: UploadSessions,
) -> None:
    """Connect the components of the page, inside its Blocks."""
    everything = [shown, *components(panels, clip=True)]
    moved = [shown, *components(panels, clip=False)]
    sentiment = panels[1].per_answer[0]
    questions, looks = Turns(), {name: Turns() for name in depth.panels}
    arrivals: dict[str, Arrival] = {}  # {session: the answer that it has just been given}
    told: dict[str, Tell] = {}  # {session: what stands in place of its score}
    opening = input_panel.first_shown(examples)
    depth_tabs = {EVIDENCE: depth.evidence_tab, **depth.tabs}
    every_tab = {**given.each_tab, **depth_tabs}

    def titles(language_now: str) -> dict:
        # Gradio leaves the titles of tabs that nobody has opened in the language before.
        return {
            tab: gr.update(label=words.say(f"tab_{name}", language_now)) for name, tab in every_tab.items()
        }

    def greet(language_now: str, request: gr.Request) -> dict:
        spoken = {language: language_now, **titles(language_now)}
        if questions.latest(request.session_hash) is not None:  # a quick visitor has asked already
            return spoken
        tell = to_say("press" if opening else "waiting")
        return {**spoken, **unanswered(request.session_hash, language_now, tell)}

    def instead(session: str, language_now: str, tell: Tell) -> dict:
        """What is told in place of the score, whatever else the page shows."""
        told[session] = tell
        return {sentiment: sentiment_panel.unanswered(tell(language_now), language_now)}

    def unanswered(session: str, language_now: str, tell: Tell) -> dict:
        """The panels without a score, and what they tell instead."""
        return {**paint(panels, None, language_now, clip=True), **instead(session, language_now, tell)}

    def retell(now: Shown | None, written: str, language_now: str, request: gr.Request) -> dict:
        visit = Visit.of(request, language_now)
        if now is None:
            tell = told.get(visit.session, to_say("waiting"))
            return {**titles(language_now), **unanswered(visit.session, language_now, tell)}
        try:
            now = answering.again(now, visit)
        except gr.Error as refusal:
            return {**titles(language_now), **instead(visit.session, language_now, to_refuse(refusal))}
        edits = note_on_edits(now, written, language_now)
        return {**titles(language_now), **paint(panels, now, language_now, clip=True), **edits}

    def note_on_edits(now: Shown, written: str, language_now: str) -> dict:
        """What stands above words that are not those of the answer."""
        if written.strip() == now.analysis.transcript.text.strip():
            return {}
        return {given.words: gr.update(info=words.say("words_pending", language_now))}

    def note_as_typed(now: Shown | None, written: str, language_now: str) -> dict:
        if now is None:
            return gr.update(
                info=words.say("words_typed" if written.strip() else "words_empty", language_now)
            )
        edits = note_on_edits(now, written, language_now)
        return edits.get(given.words, gr.update(info=input_panel.note(now, examples, language_now)))

    def start_over(
        now: Shown | None,
        video: str | None,
        audio: str | None,
        written: str,
        language_now: str,
        request: gr.Request,
    ) -> dict:
        questions.begin(request.session_hash)  # whatever is still being analysed is about another clip
        # Words belong to the clip they were shown with; those typed before any answer are kept.
        kept = {} if now is None else {"value": ""}
        emptied = gr.update(**kept, info=words.say("words_empty", language_now))
        tell = to_say("press" if video or audio else "waiting")
        fresh = {**unanswered(request.session_hash, language_now, tell), **given.when_answered()}
        return {shown: None, **fresh, given.words: emptied}

    def loads(example: Example) -> Callable[[str, gr.Request], dict]:
        def load(language_now: str, request: gr.Request) -> dict:
            questions.begin(request.session_hash)
            return {
                shown: None,
                **given.when_answered(),
                **unanswered(request.session_hash, language_now, to_say("press")),
                given.tab: example.tab,
                given.tabs: gr.Tabs(selected=example.tab),
                given.video: str(example.file) if example.tab == CLIP else None,
                given.audio: str(example.file) if example.tab == AUDIO else None,
                given.words: gr.update(value=example.text or "", info=words.say("words_empty", language_now)),
            }

        return load

    def ask(language_now: str, request: gr.Request) -> dict:
        """Lets one question into the queue, unless that is full; from now on it can be cancelled."""
        if len(demo._queue) >= demo._queue.max_size:  # Gradio's own refusal knows only English
            return instead(request.session_hash, language_now, to_say("error_busy"))
        return {given.request_number: str(questions.begin(request.session_hash)), **given.while_asking()}

    def analyse(
        request_number: str,
        tab: str,
        video: str | None,
        audio: str | None,
        written: str,
        method: str,
        now: Shown | None,
        language_now: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio asks for a progress bar
    ) -> dict:
        visit, number = Visit.of(request, language_now), int(request_number)

        def go_on(stage: str) -> None:
            if questions.overtaken(visit.session, number):
                raise Cancelled
            progress(DOING.index(stage) / len(DOING), desc=words.doing(stage, language_now))

        asked = query(tab, video, audio, written, method, now)
        if asked is None:
            gr.Warning(words.say(f"need_{tab}", language_now))
            return given.when_answered()
        uploads.keep(visit.session, asked.video, asked.audio)
        try:
            progress(0.0, desc=words.say("doing", language_now))
            answer = answering.ask(asked, now, visit, go_on)
        except Cancelled:
            return given_up(visit)
        except gr.Error as refusal:
            if questions.overtaken(visit.session, number):
                return given_up(visit)
            told_instead = unanswered(visit.session, language_now, to_refuse(refusal))
            return {shown: None, **told_instead, **given.when_answered()}
        if questions.overtaken(visit.session, number):
            return given_up(visit)
        arrivals[visit.session] = Arrival(asked, written, language_now)
        return {**repainted(answer, visit, clip=True), **given.when_answered()}

    def given_up(visit: Visit) -> dict:
        """Nothing is painted of a question that another overtook, or whose session is over."""
        if questions.latest(visit.session) is not None:
            return gr.skip()
        answering.analyst.forget(visit.session)  # what came after the session's end
        return given.when_answered()

    def cancel(now: Shown | None, language_now: str, request: gr.Request) -> dict:
        """Ends the question before its next stage; the answer before it, if there is one, stays."""
        questions.begin(request.session_hash)
        if now:
            said = {sentiment: panels[1].render_answer(now, language_now)[0]}
        else:
            said = instead(request.session_hash, language_now, to_say("cancelled"))
        return {**said, **given.when_answered()}

    def catch_up(
        now: Shown | None, method: str, written: str, language_now: str, request: gr.Request
    ) -> dict:
        """What the visitor typed or chose while an answer was on its way is kept."""
        visit = Visit.of(request, language_now)
        number, arrival = questions.latest(visit.session), arrivals.get(visit.session)
        nothing_heard = {given.heard: ""}
        if now is None or arrival is None or arrival.query != replace(now.query, modalities=words.MODALITIES):
            return nothing_heard
        arrivals.pop(visit.session, None)
        answer, retold = now, language_now != arrival.language
        try:
            if method != now.query.method:
                answer = answering.with_method(now, method, visit)
            elif retold:
                answer = answering.again(now, visit)
        except gr.Error as refusal:
            return {**nothing_heard, **instead(visit.session, language_now, to_refuse(refusal))}
        if questions.overtaken(visit.session, number):
            return nothing_heard
        new = {} if answer is now else repainted(answer, visit, clip=retold)
        if written == arrival.written:
            return {**new, given.heard: json.dumps([written, now.analysis.transcript.text])}
        return {**new, **nothing_heard, **note_on_edits(now, written, language_now)}

    def switch(
        now: Shown | None, text: bool, audio: bool, vision: bool, language_now: str, request: gr.Request
    ) -> dict:
        if now is None:  # switches move only under an answer
            return instead(request.session_hash, language_now, to_say("error_gone"))
        wanted = zip(words.MODALITIES, (text, audio, vision), strict=True)
        on = tuple(m for m, is_on in wanted if is_on and now.analysis.modalities[m].present)
        return moved_by(lambda visit: answering.switch(now, on, visit), Visit.of(request, language_now))

    def choose_method(now: Shown | None, method: str, language_now: str, request: gr.Request) -> dict:
        if now is None:
            return gr.skip()
        return moved_by(
            lambda visit: answering.with_method(now, method, visit), Visit.of(request, language_now)
        )

    def moved_by(ask: Callable[[Visit], Shown], visit: Visit) -> dict:
        """The page with what `ask` answers, unless a new question was begun meanwhile."""
        number = questions.latest(visit.session)
        try:
            answer = ask(visit)
        except gr.Error as refusal:
            return instead(visit.session, visit.language, to_refuse(refusal))
        return gr.skip() if questions.overtaken(visit.session, number) else repainted(answer, visit)

    def repainted(answer: Shown, visit: Visit, *, clip: bool = False) -> dict:
        return {shown: answer.without_pictures(), **paint(panels, answer, visit.language, clip=clip)}

    def forget(request: gr.Request) -> None:
        demo.leave(request.session_hash)
        uploads.end(request.session_hash)
        questions.forget(request.session_hash)
        told.pop(request.session_hash, None)
        arrivals.pop(request.session_hash, None)
        for turns in looks.values():
            turns.forget(request.session_hash)

    def rendered(panel: DeepPanel, values: dict, request: gr.Request) -> dict:
        """New values of the panel's components; none where a later look overtook this one."""
        visit = Visit.of(request, values[language])
        turns = looks[panel.name]
        number = turns.begin(visit.session)
        gr.Progress()(None, desc=words.doing(panel.name, visit.language))
        with in_plain_words(visit.language):
            new = panel.render(values[shown], visit, *(values[control] for control in panel.controls))
        if turns.overtaken(visit.session, number):
            if turns.latest(visit.session) is None:
                answering.analyst.forget(visit.session)  # what came after the session's end
            return gr.skip()
        return dict(zip(panel.components, new, strict=True))

    def look_at(panel: DeepPanel) -> Callable[[dict, gr.Request], dict]:
        def look(values: dict, request: gr.Request) -> dict:
            return rendered(panel, values, request)

        return look

    def look_again(values: dict, request: gr.Request) -> dict:
        # A dict leaves the tabs that nobody looks at as they are.
        panel = depth.panels.get(values[depth.opened])
        if panel is None:
            return gr.skip()
        return rendered(panel, values, request)

    controls = {control for panel in depth.panels.values() for control in panel.controls}
    looking = {
        "concurrency_id": LOOKS,
        "concurrency_limit": AT_ONCE,
        "trigger_mode": "always_last",
        "api_visibility": "private",
    }
    refilling = {
        "fn": look_again,
        "inputs": {depth.opened, shown, language, *controls},
        "outputs": [c for panel in depth.panels.values() for c in panel.components],
        **looking,
    }
    for name, tab in depth_tabs.items():
        tab.select(None, None, depth.opened, js=f"() => '{name}'")
    for name, panel in depth.panels.items():
        needed = {shown, language, *panel.controls}
        depth.tabs[name].select(look_at(panel), needed, panel.components, **looking)
        for control in panel.asking:
            waiting = panel.components[-1]  # what the controls stand above
            control.input(look_at(panel), needed, panel.components, show_progress_on=waiting, **looking)

    asking = {
        "fn": analyse,
        "inputs": [
            given.request_number,
            given.tab,
            given.video,
            given.audio,
            given.words,
            given.method,
            shown,
            language,
        ],
        "outputs": [*everything, *given.buttons],
        "show_progress_on": sentiment,
        "concurrency_id": ANALYSES,
        "concurrency_limit": AT_ONCE,
        "trigger_mode": "multiple",  # a new clip does not wait for the answer to the one before
        "api_visibility": "private",
    }
    catching_up = {
        "fn": catch_up,
        "inputs": [shown, given.method, given.words, language],
        "outputs": [*everything, given.heard],
        **AT_SIGHT,
    }
    taking = {
        "fn": ask,
        "inputs": language,
        "outputs": [given.request_number, *given.buttons, sentiment],
        **AT_SIGHT,
    }
    gr.on([given.analyse.click, given.words.submit], **taking, js=WHEN_EMPTIED)
    asked = given.request_number.change(**asking)
    caught_up = asked.success(**catching_up).success(
        None, [given.words, given.heard], given.words, js=WRITE_HEARD
    )
    caught_up.success(**refilling)
    asked.failure(given.when_answered, None, given.buttons, **AT_SIGHT)
    given.cancel.click(cancel, [shown, language], [*given.buttons, sentiment], cancels=asked, **AT_SIGHT)

    gr.on(
        [given.analyse.click, given.words.submit, *(card.click for card in given.cards)], None, js=SHOW_ANSWER
    )

    for name, tab in given.each_tab.items():
        tab.select(None, None, given.tab, js=f"() => '{name}'")
    starting = gr.on(
        [
            given.video.upload,
            given.video.clear,
            given.video.stop_recording,
            given.audio.upload,
            given.audio.clear,
            given.audio.stop_recording,
        ],
        start_over,
        [shown, given.video, given.audio, given.words, language],
        [*everything, *given.buttons],
        js=START_OVER,
        cancels=asked,
        **AT_SIGHT,
    )
    starting.then(None, js=EMPTIED)
    starting.success(**refilling)
    given.words.input(
        note_as_typed, [shown, given.words, language], given.words, trigger_mode="always_last", **AT_SIGHT
    )
    loaded = [*everything, *given.buttons, given.tab, given.tabs, given.video, given.audio]
    for index, (card, example) in enumerate(zip(given.cards, examples, strict=True)):
        card.click(None, js=f"() => window.fusebox.mark({index})")
        loading = card.click(loads(example), language, loaded, cancels=asked, **AT_SIGHT)
        loading.success(**refilling)  # an open tab does not go on about the clip before
        loading.then(**taking)

    for fuse in switches:
        fuse.input(
            switch, [shown, *switches, language], moved, trigger_mode="always_last", **AT_SIGHT
        ).success(**refilling)
    given.method.input(
        choose_method, [shown, given.method, language], moved, trigger_mode="always_last", **AT_SIGHT
    ).success(**refilling)

    told_anew = [*every_tab.values(), *components(panels, clip=True)]
    greeting = demo.load(greet, language, [language, *told_anew], js=FIND_LANGUAGE, **AT_SIGHT)
    if opening:
        greeting.success(None, js=f"() => window.fusebox.open({examples.index(opening)})")
    language.input(
        retell,
        [shown, given.words, language],
        told_anew,
        trigger_mode="always_last",
        **AT_SIGHT,
    ).success(**refilling)
    language.input(None, language, language, js=USE_LANGUAGE)
    demo.unload(forget)


def to_say(key: str) -> Tell:
    """Tells the phrase `key`."""
    return lambda language: words.say(key, language)


def to_refuse(error: gr.Error) -> Tell:
    """Tells why there is no score; what is not about the input stays in the language it was raised in."""
    reason, message = error.__cause__, html.unescape(error.message)
    if not isinstance(reason, InputError):
        return lambda language: message
    told = reason.code, str(reason), reason.values  # an exception itself would keep all that it has seen
    return lambda language: words.error(*told, language)


def query(
    tab: str, video: str | None, audio: str | None, written: str, method: str, now: Shown | None
) -> Query | None:
    """What the open tab asks; None where it holds nothing to ask about."""
    video, audio = (video if tab == CLIP else None), (audio if tab == AUDIO else None)
    written = (written or "").strip()
    if tab == TEXT:
        return Query(None, None, written, method) if written else None
    if not (video or audio):
        return None
    asked = Query(video, audio, written or None, method)
    untouched = (
        now is not None
        and now.query.text is None
        and now.query.same_files(asked)
        and written == now.analysis.transcript.text.strip()
    )
    return Query(video, audio, None, method) if untouched else asked
