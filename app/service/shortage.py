"""A machine that is short of something for a moment says so: its disk is full, or its memory used up."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from app.media.guard import no_space
from app.service.query import AnalysisError

FULL = (errno.ENOSPC, errno.EDQUOT)
NO_MEMORY = "DefaultCPUAllocator: can't allocate memory"  # torch has no class of its own for the CPU's

log = logging.getLogger(__name__)


@contextmanager
def told_when_short() -> Iterator[None]:
    """AnalysisError or MediaError in the place of what a full disk or spent memory, a GPU's too, raises.

    The log has the error itself.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        log.error("the disk is full: %s", error)
        raise no_space() from error
    except (MemoryError, RuntimeError) as error:
        if not (isinstance(error, MemoryError | torch.OutOfMemoryError) or NO_MEMORY in str(error)):
            raise
        log.error("memory has ended: %s", error)
        text = "This server has too little memory left; try again in a minute, or with a shorter clip."
        raise AnalysisError("no_memory", text) from error
