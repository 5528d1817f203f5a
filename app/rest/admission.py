"""Who may ask now: the places in the queue, and the threads, that REST and MCP share."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from anyio import CapacityLimiter
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.rest import schema
from app.rest.visitors import Visitors
from app.service.metrics import PLACES
from app.service.query import AnalysisError

SHARE = 4  # of all requests that may wait, one caller may have a quarter
AGAIN_SECONDS = 5  # after which one that was turned away should ask again
IDLE_SECONDS = 30.0  # s between two parts of a body
BODY_SECONDS = 600.0  # s for all of it


class Refused(Exception):
    """A request that is not answered: its status, and the error that the caller gets."""

    def __init__(self, status: int, code: str, message: str, **values: Any):
        super().__init__(message)
        self.status, self.error = status, schema.Error(code=code, message=message, values=values)


def told(status: int, error: schema.Error, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as its caller gets it."""
    again = {"Retry-After": str(AGAIN_SECONDS)} if status in (429, 503) else {}
    return JSONResponse(error.model_dump(mode="json"), status, {**again, **(headers or {})})


class Places:
    """Places in the queue.

    most : requests that may be here; at_once : that are answered at the same time, by threads of `running`
    share : one caller may have this part of `most`: a quarter with 4
    visitors : tell callers apart, and count what they ask
    """

    def __init__(self, most: int, at_once: int, share: int = SHARE, visitors: Visitors | None = None):
        self.visitors = visitors or Visitors()
        self.most, self.running, self._share = most, CapacityLimiter(at_once), share
        self._taken: Counter[str] = Counter()

    @contextmanager
    def place(self, caller: str) -> Iterator[None]:
        """A place, for as long as the block lasts; Refused without one, or where a caller has a quarter."""
        if self._taken.total() >= self.most:
            text = f"{self.most} requests are waiting, the most there may be; ask again in a few seconds."
            raise Refused(503, "busy", text, waiting=self.most)
        own = max(1, self.most // self._share)
        if self._taken[caller] >= own:
            text = f"You have {own} requests waiting, the most that one caller may; wait for an answer first."
            raise Refused(429, "too_many_requests", text, waiting=own)
        self._taken[caller] += 1
        with PLACES.track_inprogress():
            try:
                yield
            finally:
                self._taken -= Counter({caller: 1})


class Admission:
    """ASGI middleware: what is posted needs a place, and must arrive in time."""

    def __init__(self, app: ASGIApp, places: Places):
        self.app, self.places = app, places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "POST":
            return await self.app(scope, receive, send)
        forwarded = Headers(scope=scope).getlist("x-forwarded-for")
        caller = self.places.visitors.address((scope.get("client") or [""])[0], forwarded)
        try:
            self.places.visitors.admit(caller)
            with self.places.place(caller):
                await self.app(scope, _in_time(receive), send)
        except AnalysisError as often:
            about = schema.Error(code=often.code, message=str(often), values=often.values)
            again = {"Retry-After": str(often.values["seconds"])}
            await told(429, about, again)(scope, receive, send)
        except Refused as refused:
            await told(refused.status, refused.error)(scope, receive, send)


def _in_time(receive: Receive) -> Receive:
    """The same messages; Refused where the next part of a body is long in coming."""
    end, complete = monotonic() + BODY_SECONDS, False

    async def receive_in_time() -> Message:
        nonlocal complete
        if complete:  # then only whether the caller has gone is left to be told
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), min(IDLE_SECONDS, end - monotonic()))
        except TimeoutError:
            raise Refused(408, "too_slow", "The rest of the request did not arrive; send it again.") from None
        complete = not message.get("more_body", False)
        return message

    return receive_in_time
