"""What a visitor's page shows now, and whose page it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import gradio as gr

from app.rest.visitors import Visitors
from app.service.analysis import Analysis
from app.service.calls import ADDRESS
from app.service.query import Query
from app.ui import words
from models.types import Modality


@dataclass(frozen=True)
class PageState:
    """The answer on a visitor's page.

    analysis : of the modalities that are `on`, or the last one before all were switched off
    on : present modalities whose switch is on
    before : the answer before it, of the same clip; None where there is nothing to compare
    title : the method's title
    """

    analysis: Analysis
    on: tuple[Modality, ...]
    before: PageState | None
    title: str

    @property
    def query(self) -> Query:
        """What was asked."""
        return self.analysis.query

    def uses(self, modality: str) -> bool:
        """True where `modality` takes part in the score shown."""
        return modality in self.on and self.analysis.modalities[modality].used

    def without_pictures(self) -> PageState:
        """What is kept between events: without faces and voice, which the analyst forgets with the visit."""
        before = self.before and self.before.without_pictures()
        return replace(self, analysis=self.analysis.without_pictures(), before=before)

    def was(self, language: str) -> str:
        """The score before beside this one: "was +1.9 with voice"; "" where there is nothing to compare."""
        if self.before is None or not self.on:
            return ""
        score = words.signed(self.before.analysis.score)
        then, now = set(self.before.on), set(self.on)
        if then == now:
            if self.before.query.method != self.query.method:
                return words.say("was_method", language, score=score, method=self.before.title)
            other_face = self.before.query.face != self.query.face
            return words.say("was_face" if other_face else "was_words", language, score=score)
        if now > then:
            return words.say("was_without", language, score=score, names=words.names(now - then, language))
        lost = then - now if then > now else then
        return words.say("was_with", language, score=score, names=words.names(lost, language))


def session_of(request: gr.Request) -> str:
    """The session that an event of the page belongs to."""
    return request.session_hash or ""


def visitor_of(request: gr.Request, visitors: Visitors) -> str:
    """The address of whom an event or a call comes from."""
    return visitors.address(request.client.host, request.headers.getlist("x-forwarded-for"))


@dataclass(frozen=True)
class Visit:
    """Who asks: the owner of what is cached, the language to answer in, and where the page was reached."""

    session: str
    language: str
    address: str = ADDRESS

    @classmethod
    def of(cls, request: gr.Request, language: str) -> Visit:
        """The visit that an event of the page belongs to."""
        page = urlsplit(request.headers.get("referer", ""))
        known = page.scheme in ("http", "https") and page.netloc
        address = f"{page.scheme}://{page.netloc}{page.path}".rstrip("/") if known else ADDRESS
        return cls(session_of(request), language, address)
