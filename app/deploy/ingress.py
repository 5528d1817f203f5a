"""REST and the reading of clips for a page, in front of the deployments."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from fastapi import FastAPI, Request, Response
from ray import serve
from ray.serve.handle import DeploymentHandle
from starlette.routing import Route, request_response

from app.deploy.cluster_analyst import ClusterAnalyst
from app.deploy.deployments import READING, Decoding, Fusing, Reading, replicas
from app.rest import schema
from app.rest.access import Access
from app.rest.admission import Admission, Places
from app.rest.service import HANDLERS, RequestHandler, routes
from app.service.analyst import Analyst
from app.service.query import Query
from app.service.reader import Progress
from app.settings import Settings

AT_ONCE = 100  # requests of one ingress: each waits for others' work in a thread


class ReadQuestion(schema.Strict):
    """The fields of a form: what a page wants to have read of its files."""

    clip: Path | None = None
    audio: Path | None = None
    modalities: schema.Modalities


class ReadHandler(RequestHandler):
    """The requests of pages, as those of REST."""

    def __init__(self, analyst: ClusterAnalyst, places: Places):
        super().__init__(cast("Analyst", analyst), places)
        self._cluster = analyst

    async def answer(self, request: Request) -> Response:
        """The utterance of a clip, as `app.service.stored` writes it."""
        with TemporaryDirectory(prefix="call-") as folder:
            asked = await self._form(request, ReadQuestion, Path(folder))
            query, wanted = Query(asked.clip, asked.audio), schema.as_modalities(asked.modalities)

            def work(session: str, progress: Progress) -> tuple[bytes, dict[str, float]]:
                return self._cluster.read_files(query, wanted, progress=progress)

            content, timings_ms = await self._run(request, work)
        timing = ", ".join(f"{stage};dur={ms:.1f}" for stage, ms in timings_ms.items() if ms)
        return Response(content, media_type="application/octet-stream", headers={"Server-Timing": timing})


@serve.deployment(**replicas(2 * AT_ONCE, 0.1, 0.75))
@serve.ingress()
class Ingress:
    """REST and /read over the deployments; holds no weights, and fetches neither clips nor utterances."""

    def __init__(self, settings: Settings, *parts: DeploymentHandle):
        self._analyst = ClusterAnalyst(settings, *parts)
        threading.Thread(target=self._analyst.prepare, daemon=True).start()

    def __serve_build_asgi_app__(self) -> FastAPI:
        places = Places(self._analyst.settings.max_waiting, AT_ONCE, share=1)  # pages ask for many
        read = Admission(request_response(ReadHandler(self._analyst, places).answer), places)
        site = FastAPI(
            routes=[*routes(cast("Analyst", self._analyst), places), Route("/read", read, methods=["POST"])],
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
        )
        site.add_middleware(Access, accounts=self._analyst.settings.login)
        for kind, handler in HANDLERS.items():
            site.add_exception_handler(kind, handler)
        return site


def build(settings: Settings) -> serve.Application:
    """The application; each reading replica has a quarter of a GPU where `settings.device` names one."""
    settings = replace(settings, serve="")
    reading = Reading
    if settings.device.startswith("cuda"):
        options = READING["ray_actor_options"]
        reading = Reading.options(ray_actor_options={**options, "num_gpus": 0.25})
        settings = replace(settings, device="cuda")  # the one that Ray lends
    else:  # auto would take GPUs that Ray did not lend
        settings = replace(settings, device="cpu")
    parts = (Decoding.bind(settings), reading.bind(settings), Fusing.bind(replace(settings, device="cpu")))
    return Ingress.bind(settings, *parts)
