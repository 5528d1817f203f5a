"""Figures of features as Markdown: one row a method, a subset, a missing rate."""

from __future__ import annotations

import numpy as np

COLUMNS = {  # metric: (heading, factor, digits)
    "mae": ("MAE", 1, 3),
    "corr": ("Corr", 1, 3),
    "acc7": ("Acc-7 %", 100, 1),
    "acc2_non0": ("Acc-2 non0 %", 100, 1),
    "acc2_has0": ("Acc-2 has0 %", 100, 1),
    "f1_non0": ("F1 non0 %", 100, 1),
    "f1_has0": ("F1 has0 %", 100, 1),
    "coverage": ("80 % interval covers %", 100, 1),
    "width": ("its width", 1, 2),
}
# metric: (heading, factor, digits); the last two are CH-SIMS's
METRICS = {
    **{metric: COLUMNS[metric] for metric in ("mae", "corr", "acc7")},
    "acc5": ("Acc-5 %", 100, 1),
    "acc3": ("Acc-3 %", 100, 1),
    **{metric: COLUMNS[metric] for metric in ("acc2_non0", "acc2_has0", "f1_non0", "f1_has0")},
    "acc2": ("Acc-2 %", 100, 1),
    "f1": ("F1 %", 100, 1),
    "items": ("items", 1, 0),
}


def figures_table(corner: str, rows: dict[str, dict]) -> str:
    """Markdown table of {row: {metric: value, or [mean, standard deviation]}}.

    "–" stands where a row lacks a metric, or it is NaN.
    """
    metrics = [metric for metric in METRICS if any(metric in row for row in rows.values())]
    cells = [[name, *(_cell(row.get(metric), metric) for metric in metrics)] for name, row in rows.items()]
    return markdown_table([corner, *(METRICS[metric][0] for metric in metrics)], cells)


def markdown_table(headings: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: float | list[float] | None, metric: str) -> str:
    if value is None or np.isnan(value).any():
        return "–"
    _, factor, digits = METRICS[metric]
    if isinstance(value, list):
        return " ± ".join(f"{factor * part:.{digits}f}" for part in value)
    return f"{factor * value:.{digits}f}"
