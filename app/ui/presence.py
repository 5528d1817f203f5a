"""Whose page is open: a visit ends once its page has been away for a while."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

AWAY_SECONDS = 60.0  # s for a connection that was only lost to come back, as a phone's does
HEARTBEAT = "/gradio_api/heartbeat/"  # every open page holds a request for this and its session


class Presence:
    """Counts the connections that the page of each session holds.

    ended : told of each session without one for AWAY_SECONDS, from a thread of its own
    """

    def __init__(self, ended: Callable[[str], None]):
        self._ended = ended
        self._connections: Counter[str] = Counter()
        self._timers: dict[str, threading.Timer] = {}
        self._lock = threading.Lock()

    def watched(self, app: ASGIApp) -> ASGIApp:
        """The application, with the connections of its pages counted."""

        async def watched_app(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            if not path.startswith(HEARTBEAT):
                return await app(scope, receive, send)
            session = path.removeprefix(HEARTBEAT)
            self._count(session, 1)
            try:
                await app(scope, receive, send)
            finally:
                self._count(session, -1)

        return watched_app

    def seen(self, session: str) -> None:
        """The session did something; it may be a program's, which holds no connection."""
        self._count(session, 0)

    def _count(self, session: str, change: int) -> None:
        with self._lock:
            self._connections[session] += change
            if timer := self._timers.pop(session, None):
                timer.cancel()
            if self._connections[session]:
                return
            timer = self._timers[session] = threading.Timer(AWAY_SECONDS, self._end, [session])
            timer.daemon = True
            timer.start()

    def _end(self, session: str) -> None:
        with self._lock:
            if self._connections[session]:
                return
            del self._connections[session]
            self._timers.pop(session, None)
        self._ended(session)
