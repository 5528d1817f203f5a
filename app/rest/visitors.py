"""How often a visitor may ask, and who a visitor is."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from time import monotonic

from app.service.query import AnalysisError

MINUTE = 60.0  # s
HOME_BITS = 64  # of an IPv6 address: what one household has, whatever comes behind


class Visitors:
    """Counts what each visitor has asked within the last minute; may be called from any thread.

    most : questions a minute, 0 for any number
    proxies : between the visitors and this server; each appends to X-Forwarded-For whom it was called by.
        With 0 that header is not read, for anybody may send it.
    """

    def __init__(self, most: int = 0, proxies: int = 0):
        self.most, self._proxies = most, proxies
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()  # who has asked last comes last
        self._lock = threading.Lock()

    def address(self, caller: str, forwarded: Iterable[str] = ()) -> str:
        """The visitor's address.

        caller : who is connected to this server; forwarded : values of X-Forwarded-For, as they came
        """
        hosts = [host.strip() for value in forwarded for host in value.split(",")]
        if self._proxies and hosts:
            caller = hosts[-min(self._proxies, len(hosts))]
        try:
            known = ip_address(caller)
        except ValueError:
            return caller
        if isinstance(known, IPv6Address):
            return str(ip_network((known, HOME_BITS), strict=False))
        return str(known)

    def admit(self, address: str) -> None:
        """Counts a question; AnalysisError where this visitor has had as many as there may be in a minute."""
        if not self.most:
            return
        now = monotonic()
        with self._lock:
            asked = self._asked.setdefault(address, deque(maxlen=self.most))
            self._asked.move_to_end(address)
            if len(asked) == self.most and now - asked[0] < MINUTE:
                raise asked_too_often(self.most, ceil(MINUTE - (now - asked[0])))
            asked.append(now)
            while now - next(iter(self._asked.values()))[-1] > MINUTE:
                self._asked.popitem(last=False)

    def take_back(self, address: str) -> None:
        """The question of this visitor that was counted last was none."""
        with self._lock:
            if asked := self._asked.get(address):
                asked.pop()
                if not asked:
                    del self._asked[address]


def asked_too_often(most: int, seconds: int) -> AnalysisError:
    """The error for one who has had `most` answers within a minute, and may ask again after some seconds."""
    text = f"A visitor may ask {most} times a minute; ask again in {seconds} seconds."
    return AnalysisError("asked_too_often", text, limit=most, seconds=seconds)
