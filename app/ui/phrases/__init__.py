"""What the page says, one file a part of it, in English and Chinese. `words.py` picks the language."""

from __future__ import annotations

from app.ui.phrases import compare, imagined, methods, page, stress

# {key: (English, Chinese)}; keys are unique over all parts
PHRASES: dict[str, tuple[str, str]] = {
    **page.PHRASES,
    **imagined.PHRASES,
    **compare.PHRASES,
    **stress.PHRASES,
    **methods.PHRASES,
}
