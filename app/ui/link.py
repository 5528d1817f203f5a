"""What the address of the page asks for: method, switches and words, never media."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs

from app.ui import words
from app.ui.records import MOST_WORDS
from models.types import Modality

MOST_LINK = 16_000  # characters of an address that are read: MOST_WORDS of three bytes each, escaped
MOST_FIELDS = 50


@dataclass(frozen=True)
class Link:
    """What the address of the page asks for; None and "" for what it does not say.

    ignored : its parts that nothing is known of, as "method=x"
    """

    method: str | None = None
    modalities: tuple[Modality, ...] | None = None
    text: str = ""
    ignored: tuple[str, ...] = ()


def read_link(search: str, methods: Iterable[str]) -> Link:
    """From "?method=…&modalities=…&text=…&lang=…"; methods : those that may be asked for."""
    try:
        given = parse_qs(search[:MOST_LINK].lstrip("?"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return Link(ignored=(search[:40],))
    found = {name: values[-1].strip() for name, values in given.items()}
    ignored, method, modalities = [], found.get("method"), None
    if method is not None and method not in methods:
        ignored.append(f"method={method}")
        method = None
    if "modalities" in found:
        try:
            modalities = Modality.parse(found["modalities"])
        except ValueError:
            ignored.append(f"modalities={found['modalities']}")
    if not found.get("lang", "en").lower().startswith(("en", "zh")):
        ignored.append(f"lang={found['lang']}")
    text = found.get("text", "")[:MOST_WORDS]
    return Link(method, modalities, text, tuple(part[:60] for part in ignored))


def ignored_in_link(link: Link, language: str) -> str:
    """What is told of the parts that nothing is known of; "" where all is."""
    return words.say("link_ignored", language, parts=", ".join(link.ignored)) if link.ignored else ""
