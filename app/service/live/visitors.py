"""Who is live: a few at once, so that each is answered in time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.service.live.reading import LiveReading

AT_ONCE = 2  # on two cores a second's work takes about as long as that
LEFT = 15.0  # s without a block after which a visitor has left


class LiveVisitors:
    """The readings of those who are live now, one a session.

    begin : makes one
    """

    def __init__(self, begin: Callable[[], LiveReading]):
        self._begin = begin
        self._readings: dict[str, LiveReading] = {}
        self._lock = threading.Lock()

    def begin(self, session: str) -> bool:
        """A new stream in place of the session's last one; False where too many others are live."""
        self.end(session)
        with self._lock:
            for other, reading in list(self._readings.items()):
                if reading.over or reading.silent_for > LEFT:
                    self._readings.pop(other).end()
            if len(self._readings) >= AT_ONCE:
                return False
            self._readings[session] = self._begin()
            return True

    def reading(self, session: str) -> LiveReading | None:
        """The stream of a session; None where it has none, or it was ended."""
        return self._readings.get(session)

    def end(self, session: str) -> None:
        """Stopped, or left."""
        with self._lock:
            reading = self._readings.pop(session, None)
        if reading is not None:
            reading.end()
