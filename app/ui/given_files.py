"""Many files that a visitor gives, by their names.

A module of its own: Gradio writes a .pyi beside one with a component, and of that only the class is kept up.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.data_classes import ListFiles


class GivenFiles(gr.File):
    """Many files with the names that the visitor gave them.

    Gradio's own leaves an empty file behind for each, and gives paths alone.
    """

    is_template = True  # in the browser it is Gradio's own

    def preprocess(self, payload: ListFiles | None) -> list[tuple[str, str]]:  # pyright: ignore
        """[(path, name)]"""
        return [(file.path, file.orig_name or Path(file.path).name) for file in payload or ()]
