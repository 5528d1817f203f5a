"""How it works: the idea in a paragraph, each method in three sentences, and the card of its weights."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from app.ui import words
from models.catalogue import MethodInfo
from models.fusion.spec import ModelSpec

ROOT = Path(__file__).resolve().parents[2]


def build(methods: list[MethodInfo], chosen: str, language: gr.Radio) -> None:
    """The section, folded; `methods` as `Analyst.methods` gives them."""
    described = {info.spec.name: info for info in methods}

    def tell(name: str, language_now: str) -> tuple[str, str]:
        return _sentences(described[name].spec, language_now), _card(described[name])

    with gr.Accordion(words.label("how"), open=False, elem_id="how"):
        gr.Markdown(words.label("how_text"))
        method = gr.Radio(
            [(info.title, info.spec.name) for info in methods],
            value=chosen,
            label=words.label("how_method"),
            elem_id="how-method",
        )
        sentences = gr.Markdown(_sentences(described[chosen].spec, words.ENGLISH), elem_id="how-sentences")
        with gr.Accordion(words.label("how_card"), open=False):
            card = gr.Markdown(_card(described[chosen]), elem_id="how-card")
    gr.on(
        [method.input, language.change],
        tell,
        [method, language],
        [sentences, card],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def _sentences(spec: ModelSpec, language: str) -> str:
    paper = f"*{spec.paper}* ({spec.year})"
    told = words.say(f"method_{spec.name}", language) if words.known(f"method_{spec.name}") else ""
    return f"{told}\n\n[{paper}]({spec.url})"


def _card(method: MethodInfo) -> str:
    """The card beside the weights, one heading level down."""
    file = ROOT / method.checkpoint if method.checkpoint else None
    card = file.with_suffix(".md") if file else None
    return f"\n{card.read_text(encoding='utf-8')}".replace("\n#", "\n##") if card and card.is_file() else ""
