"""How much Gradio's routes take at once; `app.rest.access` closes those that the page does not need."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.rest import schema
from app.rest.admission import told
from app.rest.service import JSON_MB

API = "/gradio_api/"
FORM_MB = 1  # MB (10^6 bytes) of an upload that are not the file


class Gate:
    """ASGI middleware in front of Gradio's routes.

    max_mb : MB (10^6 bytes) of an uploaded file, which Gradio keeps to
    max_files : that may come in one upload; of anything else that is posted there may be JSON_MB
    """

    def __init__(self, app: ASGIApp, max_mb: int, max_files: int):
        self.app, self._max_mb, self._max_files = app, max_mb, max_files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if not path.startswith(API):
            return await self.app(scope, receive, send)
        if scope.get("method") == "POST":
            is_upload = path.rstrip("/") == f"{API}upload"
            most = self._max_mb * self._max_files + FORM_MB if is_upload else JSON_MB
            length = Headers(scope=scope).get("content-length", "")
            if not length.isdecimal():
                error = schema.Error(code="malformed", message="Send it with its Content-Length.")
                return await told(411, error)(scope, receive, send)
            refusal = _too_large(self._max_mb if is_upload else JSON_MB)
            if int(length) > 1e6 * most:
                return await refusal(scope, receive, send)
            if is_upload:
                return await self._upload(refusal, scope, receive, send)
        await self.app(scope, receive, send)

    async def _upload(self, refusal: Response, scope: Scope, receive: Receive, send: Send) -> None:
        """As Gradio's; its own refusal of a large file has no code."""
        refused = False

        async def send_unless_refused(message: Message) -> None:
            nonlocal refused
            refused = refused or message.get("status") == 413
            if not refused:
                await send(message)

        await self.app(scope, receive, send_unless_refused)
        if refused:
            await refusal(scope, receive, send)


def _too_large(limit: int) -> Response:
    text = f"More was sent than {limit} MB, the most there may be. Cut it, or export it smaller."
    return told(413, schema.Error(code="too_large", message=text, values={"limit": limit}))
