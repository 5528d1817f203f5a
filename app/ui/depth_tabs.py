"""The tabs below the answer: what it rests on, open from the start, and the deeper looks."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.ui import (
    compare_panel,
    evidence_panel,
    imagined_panel,
    stress_panel,
    take_away_panel,
    timeline_panel,
    why_panel,
    words,
)
from app.ui.panels import DeepPanel, Desk, Panel

EVIDENCE = "evidence"
# {name of the tab: what builds it}, in their order
DEEPER = {
    "imagined": imagined_panel.build,
    "why": why_panel.build,
    "timeline": timeline_panel.build,
    "compare": compare_panel.build,
    "stress": stress_panel.build,
    "take_away": take_away_panel.build,
}


@dataclass(frozen=True)
class Depth:
    """The tabs; `opened` holds the name of the open one, `tabs` and `panels` are the deeper looks'."""

    opened: gr.Textbox
    evidence: Panel
    evidence_tab: gr.Tab
    tabs: dict[str, gr.Tab]
    panels: dict[str, DeepPanel]


def build(desk: Desk) -> Depth:
    """The tabs, as first shown to a visitor who reads English."""
    opened = gr.Textbox(EVIDENCE, visible="hidden")
    tabs, panels = {}, {}
    with gr.Tabs(selected=EVIDENCE, elem_id="depth", overflow_behavior="wrap"):
        with gr.Tab(words.label("tab_evidence"), id=EVIDENCE) as evidence_tab:
            evidence = evidence_panel.build()
        for name, build_panel in DEEPER.items():
            with gr.Tab(words.label(f"tab_{name}"), id=name, elem_id=f"depth-{name}") as tabs[name]:
                panels[name] = build_panel(desk)
    return Depth(opened, evidence, evidence_tab, tabs, panels)
