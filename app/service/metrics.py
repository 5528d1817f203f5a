"""What an operator sees of the calls: counts, times and outcomes, for Prometheus; no words, no names."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram

from app.service.cache import Cancelled
from app.service.shortage import told_when_short
from models.media.clip import InputError

SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)  # upper ends of the buckets

CALLS = Counter("fusebox_calls", "Calls, and how they ended: ok, or an error's code.", ["call", "outcome"])
RUNNING = Gauge("fusebox_calls_running", "Calls that are being answered.", ["call"])
TIMES = Histogram("fusebox_call_seconds", "From call to answer.", ["call"], buckets=SECONDS)
STAGE_SECONDS = Histogram("fusebox_stage_seconds", "Stages that really ran.", ["stage"], buckets=SECONDS)
PLACES = Gauge("fusebox_places_taken", "Requests of REST and tools that wait or are being answered.")

log = logging.getLogger(__name__)


@contextmanager
def counted(call: str) -> Iterator[None]:
    """Counts and times a call, and logs how it ended; see `told_when_short` for what that may be.

    A generator that nobody goes on reading is a cancelled call.
    """
    start, outcome = perf_counter(), "internal"
    RUNNING.labels(call).inc()
    try:
        with told_when_short():
            yield
        outcome = "ok"
    except InputError as error:
        outcome = error.code
        raise
    except (Cancelled, GeneratorExit):
        outcome = "cancelled"
        raise
    finally:
        seconds = perf_counter() - start
        RUNNING.labels(call).dec()
        CALLS.labels(call, outcome).inc()
        TIMES.labels(call).observe(seconds)
        log.info("call", extra={"call": call, "outcome": outcome, "ms": round(1000 * seconds, 1)})
