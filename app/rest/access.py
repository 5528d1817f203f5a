"""Who may ask the server for anything, and what browsers may do with its answers: page, REST, tools alike."""

from __future__ import annotations

import re
import secrets
from collections.abc import MutableMapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.accounts import Accounts
from app.rest import schema
from app.rest.visitors import Visitors
from app.service.query import AnalysisError

# Gradio's page needs its inline scripts and `new Function`; but nothing is loaded from or sent to elsewhere.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self' https://huggingface.co https://*.hf.space",  # a hosted Space is an iframe
    )
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # the page's own calls are told the address that it was opened at
    "content-security-policy": POLICY,
}
# What Gradio offers beyond this page: to fetch any address, to keep a visitor's page in a file, and to hand
# an upload to the system's ffmpeg, without our limits.
CLOSED = re.compile(r"/gradio_api/(file[=/]\w+:/|proxy=|deep_link|dev/|process_recording)", re.IGNORECASE)
# What a login page and a look whether the server lives need.
OPEN = re.compile(
    r"/|/healthz|/log(in|out)/?|/favicon\.ico|/manifest\.json|/robots\.txt|/theme\.css|/(assets|static|svelte)/.*"
    r"|/gradio_api/(startup-events|theme\.css)"
)
COOKIE = "access-token-"  # how Gradio's cookies begin
GUESSES = 10  # wrong passwords a minute from one address; after them it has to wait
LOGIN = re.compile(r"/login/?")


class Access:
    """ASGI middleware around all that a server answers.

    accounts : who may log in; nobody has to where there is none
    tokens : {value of a cookie: user} of those who logged in on the page, as Gradio keeps them
    proxies : between the visitors and this server, as `Visitors` has them

    A caller whose `Authorization` is right is one of them too. `/healthz` is answered to everybody. A page of
    another origin gets no answer that a cookie or a remembered password opened.
    """

    def __init__(
        self,
        app: ASGIApp,
        accounts: Accounts,
        tokens: MutableMapping[str, str] | None = None,
        proxies: int = 0,
    ):
        self._app, self._accounts = app, accounts
        self._tokens = {} if tokens is None else tokens
        self._wrong = Visitors(GUESSES, proxies)
        self._token = secrets.token_urlsafe()  # for who logs in with each request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # there are no websockets
            return await self._app(scope, receive, send)
        headers = MutableHeaders(scope=scope)
        guesser = self._guesser(scope, headers)
        refusal = self._refusal(scope, headers, guesser)

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                if guesser is not None and _logs_in(scope) and message["status"] < 400:
                    self._wrong.take_back(guesser)
                told = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    told.setdefault(name, value)
                # Gradio would let every origin read what a visitor's cookies open
                del told["access-control-allow-credentials"]
            await send(message)

        scope["headers"] = headers.raw
        await (refusal or self._app)(scope, receive, send_protected)

    def _guesser(self, scope: Scope, headers: Headers) -> str | None:
        """The address that gives a password with this request, None where none is given."""
        by_header = headers.get("authorization", "").lower().startswith("basic ")
        if not self._accounts or not (by_header or _logs_in(scope)):
            return None
        caller, _ = scope.get("client") or ("", 0)
        return self._wrong.address(caller, headers.getlist("x-forwarded-for"))

    def _refusal(self, scope: Scope, headers: MutableHeaders, guesser: str | None) -> Response | None:
        """What is answered instead; None where the request may pass, without cookies for another origin."""
        if CLOSED.match(scope["path"]):
            return _error(404, "not_found", "There is nothing here; see /docs.")
        if _foreign(headers):
            del headers["cookie"]
        if not self._accounts:
            return None
        if guesser is not None:
            try:
                self._wrong.admit(guesser)  # before it is answered: many may be asked at once
            except AnalysisError as often:
                wait = often.values["seconds"]
                text = f"{GUESSES} wrong passwords came from here in a minute; try again in {wait} seconds."
                refusal = _error(429, "guessed_too_often", text)
                refusal.headers["retry-after"] = str(wait)
                return refusal
        if self._accounts.admit_basic(headers.get("authorization", "")):
            if guesser is not None and not _logs_in(scope):
                self._wrong.take_back(guesser)
            name = f"{COOKIE}unsecure-{getattr(scope.get('app'), 'cookie_id', '')}"
            self._tokens[self._token], headers["cookie"] = "caller", f"{name}={self._token}"
            return None
        cookies = cookie_parser(headers.get("cookie", ""))
        if any(name.startswith(COOKIE) and value in self._tokens for name, value in cookies.items()):
            return None
        if OPEN.fullmatch(scope["path"]):
            return None
        text = "Log in on the page, or send user and password with the request (HTTP Basic)."
        refusal = _error(401, "login", text)
        refusal.headers["www-authenticate"] = 'Basic realm="Fusebox", charset="UTF-8"'
        return refusal


def _logs_in(scope: Scope) -> bool:
    """True for a password that is given on the login page."""
    return scope["method"] == "POST" and LOGIN.fullmatch(scope["path"]) is not None


def _foreign(headers: Headers) -> bool:
    """True for a request that a browser sends for a page of another origin."""
    origin = headers.get("origin")
    if origin is None or headers.get("sec-fetch-site") == "same-origin":
        return False
    return urlsplit(origin).netloc not in (headers.get("host"), headers.get("x-forwarded-host"))


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse(schema.Error(code=code, message=message).model_dump(mode="json"), status)
