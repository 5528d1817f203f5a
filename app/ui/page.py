"""The page: layout, and which component asks for what."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio import themes
from gradio.routes import App
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from app.rest.access import GUESSES, Access
from app.rest.admission import Places
from app.rest.service import routes
from app.rest.visitors import Visitors
from app.service.shortage import told_when_short
from app.settings import Settings
from app.ui import beside_panel, events, fuses_panel, how_panel, input_panel, sentiment_panel, tabs, words
from app.ui.api import add_endpoints
from app.ui.blocks import Page
from app.ui.controller import Controller
from app.ui.events.context import AT_ONCE, EventContext
from app.ui.gate import Gate
from app.ui.panels import TabContext
from app.ui.phrases import PHRASES
from app.ui.phrases.gradio import GRADIO
from app.ui.templates import fill
from app.ui.uploads import UploadSessions, own_folder
from models.media.clip import InputError

if TYPE_CHECKING:
    from app.service.analyst import Analyst

ASSETS = Path(__file__).resolve().parents[2] / "assets"
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
    if settings.login:
        print(f"* Everybody has to log in (FUSEBOX_LOGIN, {settings.login}); /healthz alone is open")
    visitors = Visitors(settings.max_per_visitor, settings.proxies)
    if not settings.proxies:  # uvicorn would take this machine's word for who asks
        os.environ.setdefault("FORWARDED_ALLOW_IPS", "")
    with own_folder():
        demo = create_demo(analyst, visitors)
        server = beside(analyst, visitors)
        server["middleware"] += demo.middleware
        demo.launch(**launch_options(settings), app_kwargs=server, prevent_thread_lock=True)
        try:
            while True:
                time.sleep(60)
        except KeyboardInterrupt:
            demo.close()  # Gradio's own end would wait five seconds for pages that are open


def beside(analyst: Analyst, visitors: Visitors) -> dict:
    """What Gradio's server, a FastAPI, must know of REST and MCP beside the page, and of who may ask."""
    settings, no_own = analyst.settings, dict.fromkeys(("docs_url", "redoc_url", "openapi_url"))
    places = Places(settings.max_waiting, AT_ONCE, visitors=visitors)
    tools, running = [], nullcontext
    if settings.mcp:
        from app.mcp_server import mounted  # half a second, for those who want it

        tools, running = mounted(analyst, places)

    @asynccontextmanager
    async def lifespan(server: App) -> AsyncIterator[None]:
        # around Gradio's own middleware, which a server's `middleware` would stand within
        inner = server.middleware_stack or server.build_middleware_stack()
        server.middleware_stack = Access(inner, settings.login, server.tokens, settings.proxies)
        async with running(server):
            yield

    return {
        "routes": [*routes(analyst, places), *tools],
        "middleware": [Middleware(Gate, max_mb=settings.max_mb, max_files=settings.max_files)],
        "exception_handlers": {OSError: tell_of_full_disk},
        "lifespan": lifespan,
        **no_own,
    }


async def tell_of_full_disk(request: Request, error: Exception) -> PlainTextResponse:
    """What an upload gets, which Gradio writes, where the disk is full."""
    try:
        with told_when_short():
            raise error
    except InputError as told:
        languages = (words.ENGLISH, words.CHINESE)
        lines = (words.error(told.code, str(told), told.values, language) for language in languages)
        return PlainTextResponse("\n".join(lines), 503)


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
        "auth": settings.login.admit if settings.login else None,
        "auth_message": "<br>".join(
            words.say("wrong_passwords", language, most=GUESSES)
            for language in (words.ENGLISH, words.CHINESE)
        ),
        "theme": create_theme(),
        "css_paths": sorted((ASSETS / "styles").glob("*.css")),
        "head": f"<script>{_texts()}{_scripts()}</script>",
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


def create_demo(analyst: Analyst, visitors: Visitors | None = None) -> Page:
    """The page over an analyst, ready to launch with `launch_options`."""
    visitors = visitors or Visitors()
    controller = Controller(analyst)
    methods = list((controller.available or controller.methods).values())
    names = [method.spec.name for method in methods]
    first = FIRST_METHOD if FIRST_METHOD in names else names[0]
    examples = input_panel.read_examples()
    # Served from where they lie: Gradio's copies would be deleted with the uploads.
    gr.set_static_paths([file for example in examples for file in (example.file, example.poster) if file])
    with Page(title="Fusebox", analytics_enabled=False, delete_cache=(HOUR, HOUR), fill_width=True) as demo:
        page_state = gr.State(None)
        uploads = UploadSessions(analyst.forget, demo.delete)
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
                beside = beside_panel.build()
                fuses, switches = fuses_panel.build()
                below = tabs.build(TabContext(controller, uploads, page_state, language))
        how_panel.build(methods, first, language)
        gr.HTML(words.label("caution"), elem_id="caution")
        # What is read aloud stands in a part of the page that is never drawn anew.
        gr.HTML('<p id="announced" class="fb-spoken" aria-live="polite"></p>', elem_id="announcements")
        add_endpoints(analyst, methods, first, uploads, visitors)
        # closed: a direct request would go past the queue and its limits
        demo.queue(max_size=analyst.settings.max_waiting, api_open=False)
        events.connect(
            EventContext(
                demo=demo,
                controller=controller,
                uploads=uploads,
                visitors=visitors,
                examples=examples,
                page_state=page_state,
                language=language,
                inputs=inputs,
                sentiment=sentiment,
                beside=beside,
                panels=[inputs.panel, sentiment, beside.panel, fuses, below.evidence],
                switches=switches,
                tabs=below,
            )
        )
    return demo


def _texts() -> str:
    """What the page's script says itself, in English and Chinese."""
    told = {key: PHRASES[key] for key in ("title", "loading", "link_copied", "link_here")}
    return f"window.fuseboxTexts = {json.dumps({**told, 'gradio': GRADIO})};"


def _scripts() -> str:
    """assets/*.js: fusebox.js, which the others add to, is first by its name."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(ASSETS.glob("*.js")))


def _mark() -> str:
    return fill("charts.brand", words.ENGLISH)
