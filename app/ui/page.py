"""The page: layout, and which component asks for what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio import themes

from app.rest.admission import Places
from app.rest.service import routes
from app.settings import Settings
from app.ui import events, fuses_panel, how_panel, input_panel, sentiment_panel, tabs, words
from app.ui.api import add_endpoints
from app.ui.blocks import Page
from app.ui.controller import Controller
from app.ui.events.context import AT_ONCE, EventContext
from app.ui.panels import TabContext
from app.ui.phrases import PHRASES
from app.ui.phrases.gradio import GRADIO
from app.ui.templates import fill
from app.ui.uploads import UploadSessions, own_folder

if TYPE_CHECKING:
    from app.service.analyst import Analyst

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SCRIPTS = (ASSETS / "fusebox.js", ASSETS / "live.js")
HOUR = 3600  # s; uploads older than this are deleted, looked for as often
FIRST_METHOD = "lmf"

SYSTEM_FONTS = [
    "system-ui",
    "Segoe UI",
    "Roboto",
    "Noto Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
]


def serve(analyst: Analyst, settings: Settings) -> None:
    """Show the page at the settings' host and port until interrupted."""
    with own_folder():
        create_demo(analyst).launch(**launch_options(settings), app_kwargs=beside(analyst))


def beside(analyst: Analyst) -> dict:
    """What FastAPI, which Gradio's server is, must know of REST and MCP on the same server."""
    no_own = dict.fromkeys(("docs_url", "redoc_url", "openapi_url"))
    places = Places(analyst.settings.max_waiting, AT_ONCE)
    shared = {"routes": routes(analyst, places), **no_own}
    if not analyst.settings.mcp:
        return shared
    from app.mcp_server import mounted  # half a second, for those who want it

    tools, lifespan = mounted(analyst, places)
    return {**shared, "routes": [*shared["routes"], *tools], "lifespan": lifespan}


def launch_options(settings: Settings) -> dict:
    """Keyword arguments of `Blocks.launch`: address, limits, looks and languages; nothing that calls out."""
    return {
        "server_name": settings.host,
        "server_port": settings.port,
        "state_session_capacity": 500,  # visitors whose last answer is remembered
        "max_file_size": f"{settings.max_mb}mb",
        "show_error": False,  # errors meant for visitors are gr.Error; no other text may reach them
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "share": False,
        "theme": create_theme(),
        "css_paths": sorted((ASSETS / "styles").glob("*.css")),
        "head": f"<script>{_texts()}{''.join(file.read_text(encoding='utf-8') for file in SCRIPTS)}</script>",
        "i18n": words.TRANSLATIONS,
    }


def create_theme() -> themes.Base:
    """A calm theme in system fonts: ink on paper, so that the only colours are the modalities'."""
    return themes.Base(
        primary_hue="zinc",
        secondary_hue="zinc",
        neutral_hue="zinc",
        radius_size="lg",
        font=[*SYSTEM_FONTS, "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    ).set(
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*neutral_900",
        button_primary_background_fill_hover="*neutral_700",
        button_primary_text_color="white",
        button_primary_background_fill_dark="*neutral_100",
        button_primary_background_fill_hover_dark="*neutral_300",
        button_primary_text_color_dark="*neutral_900",
    )


def create_demo(analyst: Analyst) -> gr.Blocks:
    """The page over an analyst, ready to launch with `launch_options`."""
    controller = Controller(analyst)
    methods = list((controller.available or controller.methods).values())
    names = [method.spec.name for method in methods]
    first = FIRST_METHOD if FIRST_METHOD in names else names[0]
    examples = input_panel.read_examples()
    # Served from where they lie: Gradio's copies would be deleted with the uploads.
    gr.set_static_paths([file for example in examples for file in (example.file, example.poster) if file])
    with Page(title="Fusebox", analytics_enabled=False, delete_cache=(HOUR, HOUR), fill_width=True) as demo:
        page_state = gr.State(None)
        with gr.Row(elem_id="head"):
            gr.HTML(_mark(), elem_id="brand")
            gr.HTML(words.label("tagline"), elem_id="tagline")
            language = gr.Radio(
                words.LANGUAGES,
                value=words.ENGLISH,
                label=words.label("language"),
                show_label=False,
                container=False,
                min_width=0,
                elem_id="language",
            )
        with gr.Row(elem_id="columns"):
            with gr.Column(scale=5, min_width=340, elem_id="give"):
                inputs = input_panel.build(methods, first, examples)
            with gr.Column(scale=7, min_width=340, elem_id="get"):
                sentiment = sentiment_panel.build("press" if input_panel.first_shown(examples) else "waiting")
                fuses, switches = fuses_panel.build()
                below = tabs.build(TabContext(controller, page_state, language))
        how_panel.build(methods, first, language)
        gr.HTML(words.label("caution"), elem_id="caution")
        # What is read aloud stands in a part of the page that is never drawn anew.
        gr.HTML('<p id="announced" class="fb-spoken" aria-live="polite"></p>', elem_id="announcements")
        uploads = UploadSessions(analyst.forget)
        add_endpoints(analyst, methods, first, uploads)
        # closed: a direct request would go past the queue and its limits
        demo.queue(max_size=analyst.settings.max_waiting, api_open=False)
        events.connect(
            EventContext(
                demo=demo,
                controller=controller,
                uploads=uploads,
                examples=examples,
                page_state=page_state,
                language=language,
                inputs=inputs,
                sentiment=sentiment,
                panels=[inputs.panel, sentiment, fuses, below.evidence],
                switches=switches,
                tabs=below,
            )
        )
    return demo


def _texts() -> str:
    """What the page's script says itself, in English and Chinese."""
    told = {key: PHRASES[key] for key in ("title", "loading")}
    return f"window.fuseboxTexts = {json.dumps({**told, 'gradio': GRADIO})};"


def _mark() -> str:
    return fill("charts.brand", words.ENGLISH)
