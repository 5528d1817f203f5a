"""How a fault is told without what was sent: where it came from and of what kind it is, and no message."""

from __future__ import annotations

import traceback


def way_to(error: BaseException) -> str:
    """The lines of code that led to an exception, and its kind; of what it came from too.

    A message may quote a visitor's words, or the name of a file, as PyAV's do.
    """
    lines = traceback.format_tb(error.__traceback__)
    lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        lines.insert(0, f"{way_to(before)}\n\nthen:\n")
    return "".join(lines)
