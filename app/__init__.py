"""What visitors and callers touch: media, service, page, REST, command line.

In Python: `from app import Analyst, Query`, then `Analyst().analyze(Query("clip.mp4")).score`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import models  # noqa: F401  (says how torch's threads wait, before torch is loaded)

if TYPE_CHECKING:
    from app.service.analyst import Analyst as Analyst
    from app.service.query import Query as Query

__all__ = ["Analyst", "Query"]


def __getattr__(name: str) -> Any:
    """Imported when asked for: the command line starts without torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"app.service.{name.lower()}"), name)
