"""What Gradio keeps of a visitor's page between two events."""

from __future__ import annotations

import gradio as gr
from gradio.routes import App
from starlette.testclient import TestClient

from app.ui.blocks import Page

PAINTED = "painted a while ago"


def test_a_session_does_not_grow_with_what_is_painted():
    with Page() as page:
        shown, ask = gr.HTML(), gr.Button()
        ask.click(lambda: gr.update(value=PAINTED), None, shown, queue=False, api_visibility="private")
        ask.click(lambda: PAINTED, None, shown, queue=False, api_visibility="private")
    client = TestClient(App.create_app(page))

    def paint(event: int) -> str:
        asked = {"data": [], "fn_index": event, "session_hash": "a visitor"}
        return client.post("/gradio_api/run/predict", json=asked).raise_for_status().text

    for event in (0, 1) * 3:
        assert PAINTED in paint(event)
    kept = page.state_holder.session_data["a visitor"]
    assert kept.blocks_config.blocks.keys() == page.blocks.keys()
    assert PAINTED not in str(kept.config_values)
