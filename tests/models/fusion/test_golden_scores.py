"""The shipped methods give the scores that they gave: no faster way to compute may change an answer."""

from __future__ import annotations

import json

import pytest

from models.registry import FUSION_MODELS
from tests.models.fusion.golden_scores import PATH, golden_scores


@pytest.mark.parametrize("method", FUSION_MODELS)
def test_scores_are_what_they_were(method):
    expected = json.loads(PATH.read_text(encoding="utf-8"))[method]
    found = golden_scores(method)
    assert found.keys() == expected.keys()
    for subset, scores in expected.items():
        assert found[subset] == pytest.approx(scores, abs=1e-4), subset
