"""Every method as a page, a listing or an API shows it, read from the registry and the files' headers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.checkpoint import fusion_path, weights_folder
from models.fusion.spec import ModelSpec
from models.registry import FUSION_MODELS
from models.tensors import CHECKPOINTS, CheckpointError, read_meta
from models.types import Modality


@dataclass(frozen=True)
class MethodInfo:
    """A method and the weights that there are of it.

    spec : its entry in the registry
    checkpoint : path from the project's folder; None without usable weights
    problem : why there are none, else None
    sizes : counts of its parameters by part; training : how they were trained; figures : held-out results, by
    what they were measured on; each None without weights
    """

    spec: ModelSpec
    checkpoint: str | None = None
    problem: str | None = None
    sizes: dict[str, int] | None = None
    training: dict[str, Any] | None = None
    figures: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        """What people call it, and the data where it was trained on a researcher's."""
        own = (self.training or {}).get("data")
        return f"{self.spec.title} ({own})" if own else self.spec.title

    @property
    def available(self) -> bool:
        """True where there are weights."""
        return self.problem is None

    def held_out(self, modalities: Iterable[str]) -> dict[str, Any]:
        """{metric: (mean, spread over seeds)} on speakers never seen with these; empty without such."""
        return (self.figures or {}).get("clips", {}).get("+".join(modalities), {})

    def to_json(self) -> dict[str, Any]:
        """What programs get: the origin of the method, then its weights."""
        told = ("name", "title", "paper", "year", "url", "kind", "aligned", "weights_kind", "reconstructs")
        return {
            **{name: getattr(self.spec, name) for name in told},
            "faithful": list(self.spec.faithful),
            "available": self.available,
            "checkpoint": self.checkpoint,
            "problem": self.problem,
            "parameters": self.sizes and self.sizes["total"],
            "sizes": self.sizes,
            "training": self.training,
            "figures": self.figures,
        }


def describe_methods(*roots: Path | None, profile: str = "local") -> list[MethodInfo]:
    """Every method, in the registry's order; no weights are loaded.

    roots : folders of the profiles' folders, of which the first that has a method counts; `checkpoints/`
    where none is given
    """
    folders = {name: weights_folder(name, profile, *(roots or (None,))) for name in FUSION_MODELS}
    return [
        _describe(method, fusion_path(name, profile, folders[name])) for name, method in FUSION_MODELS.items()
    ]


def adapters_sentence(sizes: dict[str, int]) -> str:
    """What a method trains inside the language model and beside it; "" for one that runs none."""
    if "adapters" not in sizes:
        return ""
    whole, adapters, trained = sizes["language_model"], sizes["adapters"], sizes["total"]
    return (
        f"Not counted: the frozen language model's {whole:,}. The adapters inside it are {adapters:,}, "
        f"{100 * adapters / whole:.2f} % of that; all that is trained with the fusion is "
        f"{100 * trained / whole:.2f} %."
    )


def _describe(method: ModelSpec, path: Path) -> MethodInfo:
    try:
        meta = read_meta(path)
        sizes = _sizes(method, meta)
    except CheckpointError as error:
        return MethodInfo(method, problem=str(error))
    return MethodInfo(
        method,
        checkpoint=_from_project(path),
        sizes=sizes,
        training=meta.get("training"),
        figures=meta.get("figures"),
    )


def _sizes(method: ModelSpec, meta: dict[str, Any]) -> dict[str, int]:
    try:
        # in memory for a moment: on the meta device torch would import its compiler, for a second or two
        config = method.read_config(meta["config"])
        return method.build({Modality(m): d for m, d in meta["dims"].items()}, config).sizes()
    except (TypeError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"the weights of {method.name!r} were written for another version of it ({error}); train it again"
        ) from error


def _from_project(path: Path) -> str:
    path, project = path.resolve(), CHECKPOINTS.parent
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)
