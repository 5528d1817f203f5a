"""Gradio's Blocks, with errors that programs can read, and little kept of sessions that are over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder, is_static_file
from gradio_client.utils import is_file_obj, traverse
from starlette.middleware import Middleware

from app.ui import words
from app.ui.presence import Presence

MALFORMED = (
    "The arguments cannot be read: give clip and audio as handle_file(…) or as an uploaded file's "
    '{"path": …, "meta": {"_type": "gradio.FileData"}}, all others as text; see /gradio_api/info.'
)
UNEXPECTED = words.say("error_unexpected", words.ENGLISH)

log = logging.getLogger(__name__)


def as_data(code: str, message: str, values: dict) -> gr.Error:
    """An error for a program: `code` stays the same in every version, `values` are those in the message."""
    told: Any = {"code": code, "message": message, "values": values}  # Gradio hands on what JSON can hold
    return gr.Error(told, print_exception=False)


class Page(gr.Blocks):
    """Blocks that answer a call of the wrong shape with an error, and not with a traceback on the log.

    Of a session that is over they keep nothing. Gradio keeps every component and all that was painted in it,
    for links into the middle of a page, which this page does not have.
    """

    def __init__(self, **settings: Any):
        super().__init__(**settings)
        self._ended: Callable[[str], None] = self.drop
        self._presence = Presence(lambda session: self._ended(session))

    @property
    def middleware(self) -> list[Middleware]:
        """What its server needs, to know which visitors are there."""
        return [Middleware(self._presence.watched)]

    def when_ended(self, ended: Callable[[str], None]) -> None:
        """Tells `ended` of each session whose page was closed and has not come back."""
        self._ended = ended

    async def preprocess_data(self, block_fn, inputs, *args, **kwargs) -> list:
        """As Gradio's, which would fetch what an address names, and follow a link out of its folder."""
        traverse(inputs, _refuse_elsewhere, is_file_obj)
        try:
            return await super().preprocess_data(block_fn, inputs, *args, **kwargs)
        except ValueError as error:
            if isinstance(error, gr.Error) or block_fn.api_visibility != "public":
                raise
            raise as_data("malformed", MALFORMED, {}) from error

    async def process_api(
        self, block_fn, *args, session_hash: str | None = None, event_id: str | None = None, **kwargs
    ) -> dict:
        """As Gradio's, which would print messages; a program's call leaves no session behind."""
        asked = {"session_hash": session_hash, "event_id": event_id, **kwargs}
        try:
            return await super().process_api(block_fn, *args, **asked)
        except gr.Error:
            raise
        except Exception as error:
            log.exception("an event failed")
            raise gr.Error(UNEXPECTED, print_exception=False) from error
        finally:
            self._empty(event_id)
            if session_hash is not None:
                if block_fn.api_visibility == "public":
                    self.drop(session_hash)
                else:
                    self._presence.seen(session_hash)
                    self._forget_painted(session_hash)

    def _empty(self, event_id: str | None) -> None:
        """Drop what came with an event: the loop of Gradio's queue holds on to it until the next one."""
        event = self._queue.event_ids_to_events.get(event_id or "")
        if event is None or event.data is None:
            return
        event.data.data = []
        for request in filter(None, (event.request, event.data.request)):
            for read in ("_body", "_json"):  # where starlette keeps what it has read
                vars(request).pop(read, None)

    def _forget_painted(self, session: str) -> None:
        """Drop what only links into the middle of a page need, and the components of updates.

        Gradio makes a new component for each update, and keeps one more with every second of them.
        """
        kept = self.state_holder.session_data.get(session)
        if kept is None:
            return
        for key in kept.blocks_config.blocks.keys() - self.default_config.blocks.keys():
            del kept.blocks_config.blocks[key]
            kept.config_values.pop(key, None)
        for config in kept.config_values.values():
            config.get("props", {})["value"] = None

    def leave(self, session: str) -> None:
        """The page was closed; an answer stays for a while, should the connection only be lost."""
        kept = self.state_holder[session]
        kept.config_values.clear()
        kept.blocks_config = copy(self.default_config)
        if not kept.state_data:
            self.drop(session)

    def drop(self, session: str) -> None:
        """Keep nothing of the session."""
        self.state_holder.session_data.pop(session, None)
        self.state_holder.time_last_used.pop(session, None)

    def delete(self, files: set[Path]) -> None:
        """Delete those that lie in Gradio's folder, and forget their names."""
        for file in files:
            if _is_upload(file):
                file.unlink(missing_ok=True)
                with suppress(OSError):  # the same content under another name is another visitor's
                    file.parent.rmdir()
            for known in self.temp_file_sets:
                known.discard(str(file))


def _is_upload(file: Path) -> bool:
    return file.resolve().is_relative_to(Path(get_upload_folder()).resolve())


def _refuse_elsewhere(file: dict) -> dict:
    """The same file; gr.Error where it is neither an upload nor an example of the page's."""
    try:
        if _is_upload(Path(file["path"])) or is_static_file(file["path"]):
            return file
    except (OSError, ValueError):  # no path at all
        pass
    raise as_data("malformed", MALFORMED, {})
