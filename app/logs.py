"""What is logged: warnings as plain lines, or everything as JSON for a collector."""

from __future__ import annotations

import logging
import sys

from pythonjsonlogger.json import JsonFormatter


def set_up(wanted: str) -> None:
    """Log as FUSEBOX_LOG says: text, Python's own lines for warnings; json, an object a line, calls too.

    No line holds words, or names and addresses of callers and of what they send: those are not logged.
    """
    if wanted == "text":
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter(
            "{levelname}{name}{message}", style="{", timestamp=True, rename_fields={"levelname": "level"}
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("app").setLevel(logging.INFO)
