"""What the page says, one file a part of it, in English and Chinese. `words.py` picks the language."""

from __future__ import annotations

from app.ui.phrases import (
    compare,
    history,
    imagined,
    live,
    many,
    methods,
    page,
    recording,
    robustness,
    score_sentence,
    take_away,
    timeline,
    why,
)

# {key: (English, Chinese)}; keys are unique over all parts
PHRASES: dict[str, tuple[str, str]] = {
    **page.PHRASES,
    **score_sentence.PHRASES,
    **imagined.PHRASES,
    **why.PHRASES,
    **timeline.PHRASES,
    **recording.PHRASES,
    **many.PHRASES,
    **history.PHRASES,
    **live.PHRASES,
    **compare.PHRASES,
    **robustness.PHRASES,
    **take_away.PHRASES,
    **methods.PHRASES,
}
