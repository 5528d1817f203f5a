"""One analysis as one HTML file that opens anywhere: pictures inside, no scripts, nothing to load."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from app.service.calls import Call
from app.service.comparing import MethodAnswer
from app.ui import charts, fuses_panel, imagined_pictures, words
from app.ui.shown import Shown
from models.catalogue import MethodInfo

STYLE = Path(__file__).resolve().parents[2] / "assets" / "report.css"
# Whatever a transcript or a file's name holds, a browser runs and loads nothing.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Circumstances:
    """What an analysis was made with.

    methods : {registry name: MethodInfo}
    answers : of every method to the same question
    fingerprints : {modality: of its extractor's weights}, and of a language model that the method runs
    versions : {package: version}
    made : when
    """

    methods: dict[str, MethodInfo]
    answers: list[MethodAnswer]
    fingerprints: dict[str, str]
    versions: dict[str, str]
    made: datetime


def report(shown: Shown, made_with: Circumstances, language: str) -> str:
    """The page, from an answer with its pictures."""
    file = shown.query.video or shown.query.audio
    name = Path(file).name if file else words.say("report_words_only", language)
    title = words.say("report_title", language, name=name)
    date = words.say("report_made", language, date=f"{made_with.made:%Y-%m-%d %H:%M %Z}")
    sections = (
        _sentiment(shown, language),
        _fuses(shown, language),
        _imagined(shown, language),
        _words(shown, language),
        _pictures(shown, language),
        _subsets(shown, language),
        _methods(shown, made_with, language),
        _settings(shown, made_with, name, language),
    )
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>\n{STYLE.read_text(encoding='utf-8')}</style></head>\n<body><main>"
        f"<h1>{escape(title)}</h1><p class=soft>{escape(date)}</p>"
        f"<p class=caution>{escape(words.say('report_caution', language))}</p>\n"
        + "\n".join(sections)
        + "\n</main></body></html>\n"
    )


def _sentiment(shown: Shown, language: str) -> str:
    analysis = shown.analysis
    label, score = words.class_label(analysis.label, language), words.signed(analysis.score)
    interval = words.interval(analysis, language)
    spoken = words.say("gauge", language, score=score, label=label, interval=interval)
    gauge = charts.gauge(analysis.score, analysis.interval, None, spoken, language)
    notices = "".join(f"<li>{escape(words.notice(notice, language))}</li>" for notice in analysis.notices)
    by = words.say("by", language, method=shown.title)
    return _section(
        "report_sentiment",
        f"<p class=score><b>{score}</b> {escape(label)}</p>{gauge}"
        f"<p class=soft>{escape(interval)} · {escape(by)}</p>"
        f"{f'<ul class=notices>{notices}</ul>' if notices else ''}",
        language,
    )


def _fuses(shown: Shown, language: str) -> str:
    named = fuses_panel.columns(shown, language)
    order = [key for key in ("guess", "sure", "alone", "counts", "own") if key in named]
    heads = [words.say(key, language) for key in ("report_modality", "report_fuse")]
    heads += [named[key][0] for key in order]
    heads.insert(3, words.say("report_entropy", language))
    rows = []
    for modality, part in shown.analysis.modalities.items():
        used = shown.uses(modality)
        state = "in" if used else "out" if part.present else "absent"
        guess = charts.distribution(part.probabilities, modality, language) if part.present else "–"
        cells = [
            escape(words.say(f"report_{state}", language)),
            guess,
            _number(part.entropy),
            f"{charts.bar(part.weight, modality)}{_number(part.weight)}" if used else "–",
            words.signed(part.score) if used else "–",
            _number(part.occlusion, 1),
        ]
        if "own" in named:
            cells.append(_number(part.own_weight))
        name = escape(words.modality_name(modality, language))
        rows.append((f'<i class="fb-key fb-{modality}"></i>{name}', cells, False))
    meanings = "".join(f"<dt>{escape(named[key][0])}</dt><dd>{escape(named[key][1])}</dd>" for key in order)
    return _section("fuses", f"{_table(heads, rows)}<dl class=soft>{meanings}</dl>", language)


def _imagined(shown: Shown, language: str) -> str:
    """What takes the place of the modalities that are out or absent; "" where nothing does."""
    rows = [
        f"<dt>{escape(words.modality_name(modality, language))}</dt>"
        f"<dd>{imagined_pictures.glimpse(seen, modality, language)}</dd>"
        for modality, seen in shown.analysis.imagined.items()
    ]
    return _section("report_imagined", f"<dl>{''.join(rows)}</dl>", language) if rows else ""


def _words(shown: Shown, language: str) -> str:
    transcript = shown.analysis.transcript
    note = words.words_note(transcript.source, transcript.rough, language)
    if not transcript.text:
        return _section(
            "report_transcript", f"<p class=soft>{words.say('report_no_words', language)}</p>", language
        )
    return _section(
        "report_transcript",
        f"<blockquote>{escape(transcript.text)}</blockquote><p class=soft>{escape(note)}</p>",
        language,
    )


def _pictures(shown: Shown, language: str) -> str:
    analysis, parts = shown.analysis, []
    if analysis.crops is not None and len(analysis.crops):
        caption = words.say("faces_count", language, count=len(analysis.crops))
        strip = charts.face_strip(analysis.crops, analysis.crop_times, language)
        parts.append(_section("faces", f"{strip}<p class=soft>{escape(caption)}</p>", language))
    if analysis.log_mel is not None:
        seconds = f"{analysis.log_mel.shape[1] / charts.MEL_FRAMES:.1f}"
        caption = words.say("log_mel_caption", language, seconds=seconds)
        picture = charts.log_mel_picture(analysis.log_mel, caption)
        parts.append(_section("log_mel", f"{picture}<p class=soft>{escape(caption)}</p>", language))
    return "\n".join(parts)


def _subsets(shown: Shown, language: str) -> str:
    heads = [words.say(f"subsets_{key}", language) for key in ("name", "score", "scale")]
    rows = []
    for name, answer in shown.analysis.subsets.items():
        modalities = tuple(name.split("+"))
        said = words.interval_of(answer.interval, language)
        cells = [
            f"<b>{words.signed(answer.score)}</b>",
            charts.track(answer.score, answer.interval, said),
            escape(said),
        ]
        rows.append((escape(words.names(modalities, language)), cells, modalities == shown.on))
    return _section("subsets", _table([*heads, ""], rows), language)


def _methods(shown: Shown, made_with: Circumstances, language: str) -> str:
    heads = [words.say(f"compare_{key}", language) for key in ("method", "score", "scale")]
    rows = []
    for answer in made_with.answers:
        spec = made_with.methods[answer.method].spec
        title = f'<a href="{escape(spec.url)}">{escape(spec.title)}</a> ({spec.year})'
        said = words.interval_of(answer.interval, language)
        cells = [
            f"<b>{words.signed(answer.score)}</b>",
            charts.track(answer.score, answer.interval, said),
            escape(said),
        ]
        rows.append((title, cells, answer.method == shown.query.method))
    note = f"<p class=soft>{escape(words.say('report_scores_note', language))}</p>"
    return _section("compare_title", _table([*heads, ""], rows) + note, language)


def _settings(shown: Shown, made_with: Circumstances, name: str, language: str) -> str:
    spec = made_with.methods[shown.query.method].spec
    facts = {
        "report_file": name,
        "report_method": f"{spec.title}: {spec.paper} ({spec.year}), {spec.url}",
        "report_modalities": words.names(shown.on, language),
        "report_extractors": ", ".join(f"{key} {value}" for key, value in made_with.fingerprints.items()),
        "report_versions": ", ".join(f"{key} {value}" for key, value in made_with.versions.items()),
    }
    rows = [(key, escape(value)) for key, value in facts.items()]
    rows.append(("report_command", f"<code>{escape(Call(shown.query).command())}</code>"))
    listed = "".join(f"<dt>{words.say(key, language)}</dt><dd>{value}</dd>" for key, value in rows)
    return _section("report_settings", f"<dl>{listed}</dl>", language)


def _section(key: str, content: str, language: str) -> str:
    return f"<section><h2>{escape(words.say(key, language))}</h2>{content}</section>"


def _table(heads: list[str], rows: list[tuple[str, list[str], bool]]) -> str:
    """Rows of a heading, cells and whether it is the one in force; heads are escaped, rows are HTML."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(
        f"<tr{' aria-current=true' if current else ''}><th scope=row>{name}</th>"
        f"{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        for name, cells, current in rows
    )
    return f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _number(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
