"""What every method says of one utterance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.service.subsets import Subset, interval, score_subsets
from app.service.utterance import Utterance
from models.checkpoint import Checkpoint

if TYPE_CHECKING:
    from models.types import Modality


@dataclass(frozen=True)
class MethodAnswer:
    """One method's answer from the used modalities; fields as in `Analysis`."""

    method: str
    score: float
    interval: tuple[float, float]
    own_weights: dict[Modality, float] | None


def compare(
    utterance: Utterance, used: Subset, checkpoints: Callable[[str], Checkpoint], methods: Iterable[str]
) -> list[MethodAnswer]:
    """The answers of `methods`, in their order; `checkpoints` gives the weights of a name."""
    answers = []
    for name in methods:
        checkpoint = checkpoints(name)
        said = score_subsets(checkpoint.model, utterance.features, used)
        around = interval(checkpoint, said.score, used, utterance.transcript)
        answers.append(MethodAnswer(name, said.score, around, said.own_weights))
    return answers
