"""Gradio's Blocks, with errors that programs can read, and little kept of sessions that are over."""

from __future__ import annotations

from copy import copy
from typing import Any

import gradio as gr

MALFORMED = (
    "The arguments cannot be read: give clip and audio as handle_file(…) or as an uploaded file's "
    '{"path": …, "meta": {"_type": "gradio.FileData"}}, all others as text; see /gradio_api/info.'
)


def as_data(code: str, message: str, values: dict) -> gr.Error:
    """An error for a program: `code` stays the same in every version, `values` are those in the message."""
    told: Any = {"code": code, "message": message, "values": values}  # Gradio hands on what JSON can hold
    return gr.Error(told, print_exception=False)


def _names_address(given: Any) -> bool:
    """Whether a file among the arguments of an event is an address."""
    if isinstance(given, dict):
        path = given.get("path")
        return (isinstance(path, str) and "://" in path) or any(map(_names_address, given.values()))
    return isinstance(given, list | tuple) and any(map(_names_address, given))


class Page(gr.Blocks):
    """Blocks that answer a call of the wrong shape with an error, and not with a traceback on the log.

    Of a session that is over they keep little. Gradio keeps every component and all that was painted in it,
    for links into the middle of a page, which this page does not have.
    """

    async def preprocess_data(self, block_fn, *args, **kwargs) -> list:
        """As Gradio's; a file is one that was uploaded, never an address to be fetched."""
        if _names_address([args, kwargs]):
            raise as_data("malformed", MALFORMED, {})
        try:
            return await super().preprocess_data(block_fn, *args, **kwargs)
        except ValueError as error:
            if isinstance(error, gr.Error) or block_fn.api_visibility != "public":
                raise
            raise as_data("malformed", MALFORMED, {}) from error

    async def process_api(self, block_fn, *args, session_hash: str | None = None, **kwargs) -> dict:
        """As Gradio's; a program's call leaves no session behind."""
        try:
            return await super().process_api(block_fn, *args, session_hash=session_hash, **kwargs)
        finally:
            if block_fn.api_visibility == "public":
                self._drop(session_hash)

    def leave(self, session: str) -> None:
        """The visitor has left; an answer stays, for one whose connection was only lost."""
        kept = self.state_holder[session]
        kept.config_values.clear()
        kept.blocks_config = copy(self.default_config)
        if not kept.state_data:
            self._drop(session)

    def _drop(self, session: str | None) -> None:
        if session is None:
            return
        self.state_holder.session_data.pop(session, None)
        self.state_holder.time_last_used.pop(session, None)
