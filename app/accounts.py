"""Who may log in. Of the passwords only digests are kept, and nothing prints them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

ACCOUNT = re.compile(r"[^:]+:.+")


@dataclass(frozen=True)
class Accounts:
    """Users and their passwords; false where there is none, so that nobody has to log in."""

    digests: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Accounts:
        """From lines `user:password`; ValueError, which quotes nothing of them, for any other or none."""
        given = [line.strip() for line in lines if line.strip()]
        if not given or not all(map(ACCOUNT.fullmatch, given)):
            raise ValueError("an account is user:password")
        return cls(tuple(map(_digest, given)))

    def __bool__(self) -> bool:
        return bool(self.digests)

    def __str__(self) -> str:
        return f"accounts: {len(self.digests)}"

    def admit(self, user: str, password: str) -> bool:
        """Whether there is such an account; how long it takes does not tell how much of it was right."""
        given = _digest(f"{user}:{password}")
        same = [hmac.compare_digest(given, known) for known in self.digests]  # all are compared
        return any(same) and ":" not in user

    def admit_basic(self, header: str) -> bool:
        """Whether an `Authorization` header names an account in the way of HTTP's Basic."""
        scheme, _, code = header.partition(" ")
        try:
            user, colon, password = base64.b64decode(code, validate=True).decode().partition(":")
        except ValueError:
            return False
        return scheme.lower() == "basic" and bool(colon) and self.admit(user, password)


NOBODY = Accounts()


def _digest(account: str) -> bytes:
    return hashlib.sha256(account.encode()).digest()
