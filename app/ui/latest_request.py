"""Which of a visitor's requests is the latest, so that a slow older answer does not replace its own."""

from __future__ import annotations

import itertools


class LatestRequest:
    """Numbers the requests of each session; a request is overtaken once another has begun.

    No number is given twice, to whatever session: one that ends and comes back goes on with new ones.
    """

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}
        self._numbers = itertools.count(1)

    def begin(self, session: str) -> int:
        """The number of a request that begins now."""
        number = self._latest[session] = next(self._numbers)
        return number

    def latest(self, session: str) -> int | None:
        """The number of the last request that has begun, None without one."""
        return self._latest.get(session)

    def overtaken(self, session: str, number: int | None) -> bool:
        """True where a later request of the session has begun, or the session is over."""
        return self.latest(session) != number

    def forget(self, session: str) -> None:
        """The session is over."""
        self._latest.pop(session, None)


class StoppableRequest(LatestRequest):
    """The same for requests that the visitor may also stop, to see what there is by then."""

    def __init__(self) -> None:
        super().__init__()
        self._stopped: dict[str, int | None] = {}

    def stop(self, session: str) -> None:
        """The last request that has begun is to go no further; nothing overtakes it."""
        self._stopped[session] = self.latest(session)

    def ended(self, session: str, number: int) -> bool:
        """True where the request was stopped or overtaken."""
        return self._stopped.get(session) == number or self.overtaken(session, number)

    def forget(self, session: str) -> None:
        super().forget(session)
        self._stopped.pop(session, None)
