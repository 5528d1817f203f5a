"""`/v1`: clips, words and features in, analyses out; a FastAPI application beside the page."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import threading
import uuid
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Message

from app.media.whisper import RecogniserError
from app.rest import schema
from app.rest.admission import Admission, Places, Refused, told
from app.service.cache import Cancelled
from app.service.query import Query
from app.service.reader import Progress
from app.service.recordings.export import as_object
from app.service.recordings.speakers import with_speakers
from app.service.shortage import told_when_short
from app.temporary import temporary_folder
from models.media.clip import InputError
from models.tensors import CheckpointError

if TYPE_CHECKING:
    from app.service.analyst import Analyst

PREFIX = "/v1"
FORM, JSON = "multipart/form-data", "application/json"
FILES = ("clip", "audio")  # fields of a form that are files
JSON_MB = 10  # MB (10^6 bytes) of a body of words or features
FORM_FIELDS = 10
LOOK_SECONDS = 0.5  # between two looks whether the caller is still there

STATUS = {  # of an error's code; 400 for every other
    "too_large": 413,
    "not_media": 415,
    "picture": 415,
    "no_streams": 415,
    "unknown_method": 422,
    "unknown_modality": 422,
    "no_face_number": 422,
    "text_too_long": 413,
    "too_many_requests": 429,
    "readers_away": 503,  # these are of the machines that read for a page
    "machines_ended": 503,
    "other_extractors": 503,
    "no_weights": 503,
    "no_space": 503,
    "no_memory": 503,
    "busy": 503,
    "wrong_features": 422,
    "wrong_span": 422,
}
MEANT = {
    400: "The input cannot be analysed.",
    408: "The request did not arrive in time.",
    413: "The input is too large.",
    415: "The file is no video and no sound, or the body neither a form nor JSON.",
    422: "The request does not fit this description.",
    429: "This caller has too many requests waiting, or has asked too often.",
    500: "Something went wrong here.",
    503: "Too many requests are waiting, or the server lacks weights, memory or room on its disk.",
}
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": schema.Error, "description": text} for status, text in MEANT.items()
}

log = logging.getLogger(__name__)

Asked = TypeVar("Asked", bound=schema.Strict)
Given = TypeVar("Given")


def routes(analyst: Analyst, places: Places) -> list[BaseRoute]:
    """What the page's server answers beside the page.

    `/v1/…`, `/openapi.json` and `/docs`; `/healthz`, 200 once a real answer was given, before that 503; and
    `/metrics`, for Prometheus.
    """
    rest = create(analyst, places)

    async def openapi(request: Request) -> JSONResponse:
        return JSONResponse(rest.openapi())

    async def healthz(request: Request) -> JSONResponse:
        ready = analyst.ready.is_set()
        return JSONResponse({"status": "ready" if ready else "starting"}, 200 if ready else 503)

    async def metrics(request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def docs(request: Request) -> HTMLResponse:
        # all from this server: the page calls nobody, nor does its documentation
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title=rest.title,
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="favicon.ico",
        )

    return [
        Mount(PREFIX, rest),
        Route("/healthz", healthz),
        Route("/metrics", metrics),
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        Mount("/docs", StaticFiles(directory=str(files("fastapi_swagger") / "resources"))),
    ]


def create(analyst: Analyst, places: Places) -> FastAPI:
    """The application, to be mounted at PREFIX."""
    rest = FastAPI(
        title="Fusebox",
        summary="Multimodal sentiment of clips, words and features.",
        version="1",
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    rest.add_middleware(Admission, places=places)
    handler = RequestHandler(analyst, places)
    json_body = {"anyOf": [_described(schema.WordsQuestion), _described(schema.FeaturesQuestion)]}

    @rest.post(
        "/analyze",
        response_model=schema.Analysis,
        responses=ERRORS,
        openapi_extra=_body({FORM: _described(schema.ClipQuestion), JSON: json_body}),
    )
    async def analyze(request: Request) -> JSONResponse:
        """Sentiment of a clip (a form with files), of words, or of features (JSON)."""
        return JSONResponse(await handler.analyze(request))

    @rest.post(
        "/segments",
        response_model=schema.Segments,
        responses=ERRORS,
        openapi_extra=_body({FORM: _described(schema.RecordingQuestion)}),
    )
    async def segments(request: Request) -> JSONResponse:
        """A recording of any length, utterance by utterance; long ones take minutes."""
        return JSONResponse(await handler.segments(request))

    @rest.post(
        "/transcribe",
        response_model=schema.Transcription,
        responses=ERRORS,
        openapi_extra=_body({FORM: _described(schema.Recording)}),
    )
    async def transcribe(request: Request) -> JSONResponse:
        """The words of a video or a sound."""
        return JSONResponse(await handler.transcribe(request))

    @rest.get("/methods", response_model=list[schema.Method])
    def methods() -> JSONResponse:
        """Every fusion method, where it comes from, and its figures."""
        return JSONResponse([method.to_json() for method in analyst.methods()])

    for kind, tell in HANDLERS.items():
        rest.add_exception_handler(kind, tell)
    return rest


class RequestHandler:
    """Answers requests in threads, so many at once."""

    def __init__(self, analyst: Analyst, places: Places):
        self.analyst, self.limits, self._running = analyst, analyst.settings, places.running

    async def analyze(self, request: Request) -> dict:
        """The answer to a question in any of the three forms."""
        if _content_type(request) == JSON:
            return await self._of_json(request)
        with told_when_short(), temporary_folder("call-") as folder:
            asked = await self._form(request, schema.ClipQuestion, folder)
            span = asked.start, asked.end
            query = Query(asked.clip, asked.audio, asked.text, asked.method, asked.used, asked.face, *span)
            return await self._answer(request, query)

    async def segments(self, request: Request) -> dict:
        """The utterances of the recording in the form's field `clip`."""
        with told_when_short(), temporary_folder("call-") as folder:
            asked = await self._form(request, schema.RecordingQuestion, folder)
            query = Query(asked.clip, asked.audio, None, asked.method, asked.used)

            def work(session: str, progress: Progress) -> dict:
                def look(seconds: float, whole: float | None) -> None:
                    progress("segments")

                found = self.analyst.segments(query, session=session, progress=look, only_asked=True)
                return as_object(with_speakers(found))

            return await self._run(request, work)

    async def transcribe(self, request: Request) -> dict:
        """The words of the file in the form's field `clip`."""
        with told_when_short(), temporary_folder("call-") as folder:
            asked = await self._form(request, schema.Recording, folder)

            def work(session: str, progress: Progress) -> dict:
                heard = self.analyst.transcribe(video=asked.clip, session=session, progress=progress)
                return schema.Transcription.of(*heard).model_dump(mode="json")

            return await self._run(request, work)

    async def _of_json(self, request: Request) -> dict:
        body = b"".join([part async for part in _limited(request, JSON_MB).stream()])
        given = _validated(from_json, body)
        if not isinstance(given, dict) or "features" not in given:
            asked = _validated(schema.WordsQuestion.model_validate, given)
            query = Query(text=asked.text, method=asked.method, modalities=asked.used)
            return await self._answer(request, query)
        asked = _validated(schema.FeaturesQuestion.model_validate, given)
        del body, given  # while it waits
        query = Query(method=asked.method, modalities=asked.used)

        def work(session: str, progress: Progress) -> dict:
            given = dict(asked.features)
            return self.analyst.analyze_features(given, query, session=session, progress=progress).to_json()

        return await self._run(request, work)

    async def _answer(self, request: Request, query: Query) -> dict:
        def work(session: str, progress: Progress) -> dict:
            return self.analyst.analyze(query, session=session, progress=progress, only_asked=True).to_json()

        return await self._run(request, work)

    async def _run(self, request: Request, work: Callable[[str, Progress], Given]) -> Given:
        """What `work` gives, in a thread; it ends at its next stage where the caller has gone."""
        session, gone = f"rest-{uuid.uuid4()}", threading.Event()

        def progress(stage: str) -> None:
            if gone.is_set():
                raise Cancelled

        async def look() -> None:
            while not await request.is_disconnected():
                await asyncio.sleep(LOOK_SECONDS)
            gone.set()

        looking = asyncio.create_task(look())
        try:
            return await to_thread.run_sync(work, session, progress, limiter=self._running)
        finally:
            looking.cancel()
            self.analyst.forget(session)

    async def _form(self, request: Request, kind: type[Asked], folder: Path) -> Asked:
        """The fields of a form, its files in `folder` under their own endings."""
        if _content_type(request) != FORM:
            raise Refused(415, "wrong_body", f"Send a form ({FORM}), or {JSON} to /analyze.")
        fields: dict[str, Any] = {}
        # two files, each of which the analyst measures too
        limited = _limited(request, 2 * self.limits.max_mb + 1)
        most = {"max_files": len(FILES), "max_fields": FORM_FIELDS, "max_part_size": int(1e6 * JSON_MB)}
        async with limited.form(**most) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile) != (name in FILES):  # a text there would be a path of ours
                    raise Refused(422, "malformed", f"{name}: only clip and audio are files.", place=name)
                if isinstance(value, UploadFile):
                    if (value.size or 0) > 1e6 * self.limits.max_mb:
                        raise _too_large(self.limits.max_mb)
                    ending = re.sub(r"[^.\w]", "", PurePath(value.filename or "").suffix)[:8]
                    fields[name] = folder / f"{name}{ending}"
                    await to_thread.run_sync(_save, value, fields[name])
                elif name == "modalities":
                    fields.setdefault(name, []).extend(part.strip() for part in value.split(","))
                else:
                    fields[name] = value
        return _validated(kind.model_validate, fields)


def _save(upload: UploadFile, path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file)


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _validated(validate: Callable[[Any], Given], given: Any) -> Given:
    try:
        return validate(given)
    except ValidationError as error:
        raise _malformed(error.errors()) from None
    except ValueError as error:
        raise Refused(422, "malformed", f"The body is no JSON: {error}.") from None


def _malformed(errors: Any) -> Refused:
    first = errors[0]
    place = ".".join(map(str, first["loc"])) or "the body"
    return Refused(422, "malformed", f"{place}: {first['msg']}; see /docs.", place=place)


def _too_large(most: float) -> Refused:
    text = f"More was sent than {most:g} MB, the most there may be. Cut it, or export it smaller."
    return Refused(413, "too_large", text, limit=most)


def _limited(request: Request, most: float) -> Request:
    """The same request, Refused as soon as its body has more than so many MB (10^6 bytes)."""
    read = 0

    async def receive() -> Message:
        nonlocal read
        message = await request.receive()
        read += len(message.get("body", b""))
        if read > 1e6 * most:
            raise _too_large(most)
        return message

    return Request(request.scope, receive)


def _body(contents: dict[str, dict]) -> dict:
    """What OpenAPI says of a body that `analyze` reads itself: {content type: schema}."""
    described = {kind: {"schema": about} for kind, about in contents.items()}
    return {"requestBody": {"required": True, "content": described}}


def _described(kind: type[schema.Strict]) -> dict:
    """JSON schema without definitions of its own, so that it can stand anywhere."""
    described = kind.model_json_schema()
    definitions = described.pop("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolved(definitions[node["$ref"].rsplit("/", 1)[1]])
            return {key: resolved(value) for key, value in node.items()}
        return [resolved(item) for item in node] if isinstance(node, list) else node

    return resolved(described)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return told(error.status, error.error)


async def _bad_input(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, InputError)
    about = schema.Error(code=error.code, message=str(error), values=error.values)
    return told(STATUS.get(error.code, 400), about)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    log.error("%s", error)  # it names places on this machine
    text = "Weights are missing here, or do not fit; the log of the server says which."
    return told(503, schema.Error(code="no_weights", message=text))


async def _gone(request: Request, error: Exception) -> JSONResponse:
    return told(400, schema.Error(code="gone", message="The caller left before the answer."))


async def _failed(request: Request, error: Exception) -> JSONResponse:
    text = "Something went wrong here; the log of the server says what."
    return told(500, schema.Error(code="internal", message=text))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "malformed")
    about = schema.Error(code=code, message=f"{error.detail}; see /docs.")
    return told(error.status_code, about, dict(error.headers or {}))


HANDLERS: dict[type[Exception], Callable] = {
    Refused: _refused,
    InputError: _bad_input,
    Cancelled: _gone,
    ClientDisconnect: _gone,
    CheckpointError: _unavailable,
    RecogniserError: _unavailable,
    HTTPException: _http,
    Exception: _failed,
}
