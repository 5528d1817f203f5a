"""How much Gradio's routes take at once; `app.rest.access` closes those that the page does not need."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.rest import schema
from app.rest.admission import told
from app.rest.service import JSON_MB

API = "/gradio_api/"
FORM_MB = 1  # MB (10^6 bytes) of an upload that are not the file


class Gate:
    """ASGI middleware in front of Gradio's routes.

    max_mb : MB (10^6 bytes) of an upload; of anything else that is posted there may be JSON_MB
    """

    def __init__(self, app: ASGIApp, max_mb: int):
        self.app, self._max_mb = app, max_mb

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if not path.startswith(API):
            return await self.app(scope, receive, send)
        if scope.get("method") == "POST":
            is_upload = path.rstrip("/") == f"{API}upload"
            most = self._max_mb + FORM_MB if is_upload else JSON_MB
            length = Headers(scope=scope).get("content-length", "")
            if not length.isdecimal():
                error = schema.Error(code="malformed", message="Send it with its Content-Length.")
                return await told(411, error)(scope, receive, send)
            if int(length) > 1e6 * most:
                limit = self._max_mb if is_upload else JSON_MB
                text = f"More was sent than {limit} MB, the most there may be. Cut it, or export it smaller."
                error = schema.Error(code="too_large", message=text, values={"limit": limit})
                return await told(413, error)(scope, receive, send)
        await self.app(scope, receive, send)
