"""What is logged: warnings as plain lines, or everything as JSON for a collector."""

from __future__ import annotations

import logging
import sys
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from app.fault import way_to


def set_up(wanted: str) -> None:
    """Log as FUSEBOX_LOG says: text, Python's own lines for warnings; json, an object a line, calls too.

    No line holds words, or names and addresses of callers and of what they send: those are not logged, and
    of an exception only where it came from and its kind, by whatever library it is logged.
    """
    logging.setLogRecordFactory(_record)
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


def _record(*given: Any, **more: Any) -> logging.LogRecord:
    """A record as Python makes it, its exception without the message."""
    record = logging.LogRecord(*given, **more)
    if record.exc_info and record.exc_info[1]:
        record.exc_text, record.exc_info = way_to(record.exc_info[1]), None
    return record
