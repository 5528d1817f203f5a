"""Each method's traces as figures; a method that has no view of its own here is shown by `other`."""

from __future__ import annotations

from collections.abc import Callable

from app.service.traces import Traces
from app.ui.why import attending, deciding, multiplying, other, stepping

View = Callable[[Traces, str], str]  # traces, language -> HTML

VIEWS: dict[str, View] = {
    "lmf": multiplying.lmf,
    "tfn": multiplying.tfn,
    "ef_lstm": stepping.ef_lstm,
    "mfn": stepping.mfn,
    "mfm": stepping.mfm,
    "mla": deciding.mla,
    "qmf": deciding.qmf,
    "late": deciding.late,
    "mclea": deciding.mclea,
    "mmin": deciding.mmin,
    "lrcmt": attending.lrcmt,
    "tfr_net": attending.tfr_net,
    "tate": attending.tate,
    "meaformer": attending.meaformer,
}


def view_of(traces: Traces, language: str) -> str:
    """The figures of a method's traces as HTML."""
    return VIEWS.get(traces.method, other.view)(traces, language)
