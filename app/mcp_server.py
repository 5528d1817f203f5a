"""Tools for models that speak the Model Context Protocol (MCP), on the page's server at /mcp."""

from __future__ import annotations

import base64
import logging
import mimetypes
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import BaseModel, Field
from starlette.routing import BaseRoute, Route

from app.media.whisper import RecogniserError
from app.rest import schema
from app.rest.admission import Admission, Places
from app.rest.schema import as_modalities
from app.service.comparison import compare
from app.service.query import Query
from app.service.recordings.export import as_object
from app.service.recordings.speakers import with_speakers
from app.service.shortage import told_when_short
from app.temporary import temporary_folder
from models.media.clip import InputError
from models.tensors import CheckpointError
from models.types import MODALITIES, Modality

if TYPE_CHECKING:
    from starlette.types import Lifespan

    from app.service.analyst import Analyst

PATH = "/mcp"
OWN_MACHINE = ("127.0.0.1", "localhost", "::1")  # addresses that only this machine reaches
FORWARDED = {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"}  # headers of proxies
LONGEST = 1000  # characters of a path; more is something else
BASE64 = 4 / 3  # bytes of a file as text
DATA = re.compile(r"data:(?P<kind>[\w.+-]+/[\w.+-]+)(?:;[^;,]*)*;base64,(?P<content>.*)", re.DOTALL)

log = logging.getLogger(__name__)

Given = TypeVar("Given")
Clip = Annotated[
    str,
    Field(
        description="A video or sound file: its path, where the server is on your machine, or "
        "data:video/mp4;base64,… with its content."
    ),
]
Method = Annotated[str, Field(max_length=100, description="Name of a fusion method, see list_methods.")]
Modalities = Annotated[schema.Modalities, Field(description="Which of words, voice and face to use.")]
Words = Annotated[
    str | None,
    Field(description="The words; recognised where left out.", json_schema_extra=schema.up_to_longest),
]
EVERYTHING: list[schema.ModalityName] = ["text", "audio", "vision"]


class MethodScore(BaseModel):
    """One method's answer."""

    method: str
    score: schema.Score
    interval: tuple[schema.Score, schema.Score] = Field(description="80 %, split conformal")
    own_weights: dict[schema.ModalityName, float] | None = Field(description="where it has some")


class MethodSummary(BaseModel):
    """A method in short; REST's /methods tells all."""

    name: str
    title: str
    paper: str
    year: int
    weights_kind: str | None = Field(description="what its own modality weights are, where it has some")
    mean_absolute_error: float | None = Field(
        description="on people whom it had never seen, words+voice+face"
    )


def create(analyst: Analyst, running: CapacityLimiter) -> MCPServer:
    """The server with its tools, which answer in threads of `running`."""
    server = MCPServer(
        "Fusebox",
        instructions="Sentiment from words, voice and face: scores from -3, strongly negative, to +3.",
        log_level="WARNING",
    )
    settings = analyst.settings

    def opens_paths(context: Context) -> bool:
        """Whether only this machine asks: the address says so, and no proxy that the call came through."""
        return settings.host in OWN_MACHINE and FORWARDED.isdisjoint(context.headers or {})

    async def answered(work: Callable[[str], Given]) -> Given:
        """What `work` gives, in a thread; what is wrong with the input as words that a model can act on."""
        session = f"mcp-{uuid.uuid4()}"
        try:
            return await to_thread.run_sync(work, session, limiter=running)
        except InputError as error:
            raise ToolError(f"{error.code}: {error}") from error
        except (CheckpointError, RecogniserError) as error:
            log.error("%s", error)  # it names places on this machine
            raise ToolError("no_weights: weights are missing; the log of the server says which.") from error
        finally:
            analyst.forget(session)

    def analysis(query: Query, session: str) -> schema.Analysis:
        return schema.Analysis.model_validate(
            analyst.analyze(query, session=session, only_asked=True).to_json()
        )

    @server.tool()
    async def analyze_clip(
        context: Context,
        clip: Clip,
        method: Method = "lmf",
        modalities: Modalities = EVERYTHING,
        text: Words = None,
    ) -> schema.Analysis:
        """Sentiment of a video or sound clip from words, voice and face.

        Gives the score with an 80 % interval, the transcript, and for each modality how sure it is, what it
        says alone and how much it changes the score.
        """

        def work(session: str) -> schema.Analysis:
            with file_of(clip, opens_paths(context)) as path:
                return analysis(Query(path, None, text, method, as_modalities(modalities)), session)

        return await answered(work)

    @server.tool()
    async def analyze_words(
        text: Annotated[str, Field(description="English words.", json_schema_extra=schema.up_to_longest)],
        method: Method = "lmf",
    ) -> schema.Analysis:
        """Sentiment of words alone."""
        return await answered(
            lambda session: analysis(Query(text=text, method=method, modalities=(Modality.TEXT,)), session)
        )

    @server.tool()
    async def compare_methods(
        context: Context,
        clip: Annotated[Clip | None, Field(description="As for analyze_clip; leave out for words.")] = None,
        text: Words = None,
        modalities: Modalities = EVERYTHING,
    ) -> list[MethodScore]:
        """What every fusion method says of the same clip or words."""

        def work(session: str) -> list[MethodScore]:
            with file_of(clip, opens_paths(context)) as path:
                query = Query(path, None, text, modalities=as_modalities(modalities))
                utterance, _, used = analyst.open(query, session=session)
            names = [info.spec.name for info in analyst.methods() if info.available]
            return [
                MethodScore.model_validate(answer, from_attributes=True)
                for answer in compare(utterance, used, analyst.checkpoint, names)
            ]

        return await answered(work)

    @server.tool()
    def list_methods() -> list[MethodSummary]:
        """The fusion methods: where each comes from, and its error on people whom it had never seen."""
        return [
            MethodSummary(
                name=info.spec.name,
                title=info.title,
                paper=info.spec.paper,
                year=info.spec.year,
                weights_kind=info.spec.weights_kind,
                mean_absolute_error=info.held_out(MODALITIES).get("mae", [None])[0],
            )
            for info in analyst.methods()
        ]

    @server.tool()
    async def analyze_recording(
        context: Context, clip: Clip, method: Method = "lmf", modalities: Modalities = EVERYTHING
    ) -> schema.Segments:
        """A recording of any length, utterance by utterance: when, who, which words, which score.

        And what it comes to: the mean, of each speaker too, the extremes, and where the score turns. Long
        ones take minutes.
        """

        def work(session: str) -> schema.Segments:
            with file_of(clip, opens_paths(context)) as path:
                query = Query(path, method=method, modalities=as_modalities(modalities))
                found = with_speakers(analyst.segments(query, session=session, only_asked=True))
            return schema.Segments.model_validate(as_object(found))

        return await answered(work)

    @server.tool()
    async def transcribe(context: Context, clip: Clip) -> schema.Transcription:
        """The words that are spoken in a video or sound file, with their times."""

        def work(session: str) -> schema.Transcription:
            with file_of(clip, opens_paths(context)) as path:
                return schema.Transcription.of(*analyst.transcribe(video=path, session=session))

        return await answered(work)

    return server


def mounted(analyst: Analyst, places: Places) -> tuple[list[BaseRoute], Lifespan]:
    """The routes of the server, for a Starlette application, and the lifespan that this must have."""
    server = create(analyst, places.running)
    settings = analyst.settings
    own = settings.host in OWN_MACHINE  # then no page of another site may reach it through a browser
    application = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        json_response=True,
        max_request_body_size=int(1e6 * settings.max_mb * BASE64) + 100_000,
        transport_security=None if own else TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    # as an instance it is an ASGI application, called for every verb
    routes: list[BaseRoute] = [Route(PATH, Admission(application, places))]
    return routes, lambda app: server.session_manager.run()


@contextmanager
def file_of(clip: str | None, opens_paths: bool) -> Iterator[Path | None]:
    """The file that a call gives, for as long as the block lasts; ToolError says what would work."""
    if clip is None:
        yield None
        return
    found = DATA.fullmatch(clip.strip())
    if found is None:
        if not opens_paths:
            raise ToolError("not_readable: this server opens no paths; send data:video/mp4;base64,… instead.")
        if len(clip) > LONGEST or not Path(clip).is_file():
            raise ToolError(f"missing: there is no file {clip[:100]}; give a path or data:video/mp4;base64,…")
        yield Path(clip)
        return
    with told_when_short(), temporary_folder("call-") as folder:
        path = folder / f"clip{mimetypes.guess_extension(found['kind']) or ''}"
        try:
            path.write_bytes(base64.b64decode("".join(found["content"].split()), validate=True))
        except ValueError as error:
            raise ToolError(f"malformed: the content is not base64 ({error}).") from error
        yield path
