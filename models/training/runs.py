"""A training run that can be interrupted: model, optimiser, random states and history in one file."""

from __future__ import annotations

import hashlib
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.features.feature_set import DataError, FeatureSet
from models.fusion.base import FusionModel
from models.types import MODALITIES


class TrainingRun:
    """Where training stands, and the best epoch so far by validation MAE.

    identity : what must be the same for a run to continue; path : its file, None for a run kept in memory
    epoch : epochs done; best : lowest validation MAE, of epoch best_epoch; stale : epochs since then;
    history : one entry an epoch
    """

    def __init__(
        self,
        model: FusionModel,
        optimizer: torch.optim.Optimizer,
        generator: torch.Generator,
        identity: dict[str, Any],
        path: Path | None = None,
    ):
        self.model, self.optimizer, self.generator = model, optimizer, generator
        self.identity, self.path = identity, path
        self.epoch, self.best, self.best_epoch, self.stale = 0, math.inf, 0, 0
        self.history: list[dict[str, float]] = []
        self._best_state: dict[str, torch.Tensor] = {}

    def resume(self, dataset: FeatureSet) -> None:
        """Continue from the file, if there is one; DataError where it belongs to another run."""
        if self.path is None:
            return
        self.identity["data"] = digest(dataset)
        if not self.path.is_file():
            return
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise DataError(f"{self.path} is damaged ({error}); delete it to start anew") from error
        differing = [key for key, value in self.identity.items() if saved["identity"].get(key) != value]
        if differing:
            raise DataError(
                f"{self.path} is an interrupted run with another {' and '.join(differing)}; finish that one "
                "with its own options, or delete the file (`train --restart` does)"
            )
        try:
            self.model.load_state_dict(saved["model"])
        except RuntimeError as error:
            raise DataError(
                f"{self.path} is a run of another version of {self.identity['method']!r}; delete the file "
                "(`train --restart` does)"
            ) from error
        self.optimizer.load_state_dict(saved["optimizer"])
        self.generator.set_state(saved["generator"])
        torch.set_rng_state(saved["rng"])
        if saved["cuda_rng"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(saved["cuda_rng"])
        self.epoch, self.stale = saved["epoch"], saved["stale"]
        self.best, self.best_epoch = saved["best"], saved["best_epoch"]
        self.history, self._best_state = saved["history"], saved["best_state"]

    def record(self, loss: float, valid_mae: float, complete: bool = True) -> None:
        """An epoch is over: keep its model if it is the best, and write the file.

        complete : False while the method warms up; such an epoch is neither the best nor counts as stale
        """
        self.epoch += 1
        self.history.append({"epoch": self.epoch, "loss": loss, "valid_mae": valid_mae})
        if complete:
            self.stale += 1
        if complete and valid_mae < self.best:
            self.best, self.best_epoch, self.stale = valid_mae, self.epoch, 0
            self._best_state = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
        if self.path is not None:
            self._write(self.path)

    def load_best(self) -> None:
        """Put the best epoch's parameters into the model; ValueError where no epoch gave a number."""
        if not self._best_state:
            if self.path is not None:
                self.path.unlink(missing_ok=True)  # it would stand in the way of another recipe
            raise ValueError(
                f"training {self.identity['method']!r} diverged: no epoch has a validation error; "
                "try a lower learning rate"
            )
        self.model.load_state_dict(self._best_state)

    def _write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        torch.save(
            {
                "identity": self.identity,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "generator": self.generator.get_state(),
                "rng": torch.get_rng_state(),
                "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
                "epoch": self.epoch,
                "best": self.best,
                "best_epoch": self.best_epoch,
                "stale": self.stale,
                "history": self.history,
                "best_state": self._best_state,
            },
            partial,
        )
        partial.replace(path)


def digest(dataset: FeatureSet, splits: tuple[str, ...] = ("train", "valid")) -> str:
    """Short hash of labels and states, by default of what a run learns from; the same on every machine."""
    content = hashlib.sha256()
    for item in (item for split in splits for item in dataset[split]):
        states = [item.states.get(m, torch.zeros(0)) for m in MODALITIES]
        content.update(np.array([item.target, *map(len, states)], np.float32).tobytes())
        for values in states:
            content.update(values.contiguous().numpy().data)
    return content.hexdigest()[:16]
