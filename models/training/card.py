"""The card beside weights that were trained on a researcher's features."""

from __future__ import annotations

from pathlib import Path

from models.catalogue import adapters_sentence
from models.checkpoint import CheckpointMeta
from models.fusion.spec import ModelSpec
from models.training.tables import figures_table


def departures(method: ModelSpec) -> str:
    """Where a method departs from its paper, as a Markdown list."""
    return "\n".join(["**Faithful**, but for:", "", *(f"- {sentence}" for sentence in method.faithful)])


def write_card(path: Path, method: ModelSpec, meta: CheckpointMeta, sizes: dict[str, int]) -> None:
    """What the weights are, what they learned from, how good they are, and the command that made them."""
    training = meta.training
    items = ", ".join(f"{count} {split}" for split, count in training["items"].items())
    settings = ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in training["recipe"].items() if value is not None
    )
    parameters = f"Parameters: {sizes['total']:,} in all, {sizes['fusion']:,} of them in the fusion."
    low, high = meta.label_range
    path.write_text(
        f"# {method.title}, trained on {training['data']}\n\n"
        f"{method.paper} ({method.year}), {method.url}\n\n"
        f"{departures(method)}\n\n"
        f"{' '.join(filter(None, (parameters, adapters_sentence(sizes))))}\n\n"
        "## Trained on\n\n"
        f"{training['data']} (digest {training['digest']}): {items} utterances, labels in "
        f"[{low:g}, {high:g}], states of the profile `{meta.profile}`. Seed {training['seed']}; {settings}; "
        f"epoch {training['best_epoch']} of {training['epochs']}, the best on the validation split.\n\n"
        "## Figures\n\n"
        f"{figures_table('split', meta.figures)}\n\n"
        "The validation split chose the epoch; only the test split was not looked at. "
        f"Made by `python -m models train {method.name} --data {training['data']}`.\n\n"
        "What the weights may be used for is up to the terms of that data.\n"
    )
