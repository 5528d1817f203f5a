"""What /openapi.json says is what REST does: schemathesis asks right and wrong things, made up from it.

`SCHEMA_CASES=2000 python -m pytest tests/app/rest/test_openapi.py` asks so many instead of a minute's share.
"""

from __future__ import annotations

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.applications import Starlette

from app.rest.admission import Places
from app.rest.service import routes

# {operation: its share of the cases}; /methods takes nothing
OPERATIONS = {"POST /analyze": 0.6, "POST /segments": 0.2, "POST /transcribe": 0.2, "GET /methods": 0.0}
CASES = int(os.environ.get("SCHEMA_CASES", "200"))
BY_CONTENT = [positive_data_acceptance]  # whether bytes are a clip, no description says


def is_a_form(case: schemathesis.Case) -> bool:
    """Whether all that is sent is text: a `true` where words belong is the word "true" by then."""
    return (case.media_type or "").startswith("multipart/")


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_as_described(analyst, name):
    site = Starlette(routes=routes(analyst, Places(100, 2)))
    schema = schemathesis.openapi.from_asgi("/openapi.json", site)
    operations = {each.ok().label: each.ok() for each in schema.get_all_operations()}
    assert operations.keys() == OPERATIONS.keys()
    asked = [0]

    @settings(
        max_examples=max(1, round(CASES * OPERATIONS[name])),
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(*(operations[name].as_strategy(mode) for mode in GenerationMode)))
    def ask(case: schemathesis.Case) -> None:
        asked[0] += 1
        case.call_and_validate(
            excluded_checks=[*BY_CONTENT, *([negative_data_rejection] if is_a_form(case) else [])]
        )

    ask()
    print(f"{name}: {asked[0]} cases")
