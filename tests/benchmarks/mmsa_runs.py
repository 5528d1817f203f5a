"""Trains MMSA's networks with MMSA's own loops and hyper-parameters on a `FeatureSet`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from models.features.feature_set import FeatureSet
from models.features.utterances import Utterance
from models.types import MODALITIES, Modality
from tests.parity import mmsa

PADDINGS = ("front", "back")


def train_and_predict(
    name: str, dataset: FeatureSet, seed: int, padding: str = "front", **changes
) -> dict[str, np.ndarray]:
    """Scores (n,) of the "valid" and "test" split by MMSA's method `name`, at its best validation epoch.

    padding : side of the words on which zeros fill them up to 50 steps. MMSA's own files have "back"; its
    LSTMs then end on zeros, and its LMF stays a constant on these short utterances: "front" is fairer
    changes : hyper-parameters to replace, for trials
    """
    torch.manual_seed(seed)  # all that its networks, loops and the order of batches draw from
    batches = {split: as_tensors(items, dataset.dims, name, padding) for split, items in dataset}
    with tempfile.TemporaryDirectory() as folder:
        dims = tuple(dataset.dims[m] for m in MODALITIES)
        arguments = mmsa.hyper_parameters(
            name, dims, model_save_path=str(Path(folder) / "best.pth"), cur_seed=seed, **changes
        )
        network = mmsa.build(arguments)
        loaders = {
            "train": _loader(batches["train"], arguments.batch_size),
            "valid": DataLoader(_rows(batches["valid"]), batch_size=len(dataset.valid)),
        }
        mmsa.training_loop(arguments).do_train(network, loaders)
        network.load_state_dict(torch.load(arguments.model_save_path, weights_only=True))
    return {split: predict(network, batches[split]) for split in ("valid", "test")}


def as_tensors(
    items: list[Utterance], dims: dict[Modality, int], name: str, padding: str
) -> dict[str, Tensor]:
    """What MMSA's loader gives for these utterances: text (n, 50, d), audio and vision, labels (n, 1).

    Audio and vision are (n, 1, d) means over the utterance for TFN and LMF, over its real steps, which MMSA
    would blur with padding. The others get real sequences, aligned with the words (MMSA's configuration of
    MFN would average them over time); a single state of an utterance stands at all its steps, as MMSA's
    aligner repeats it. A modality that the set leaves out is zero.
    """
    averaged = name in ("tfn", "lmf")

    def states(item: Utterance, modality: Modality) -> Tensor:
        values = item.states[modality]
        if modality is Modality.TEXT:
            return _filled(values, padding)
        if averaged:
            return values.mean(0, keepdim=True)
        return values.expand(mmsa.STEPS, -1) if len(values) == 1 else _filled(values, padding)

    tensors = {str(m): torch.stack([states(item, m) for item in items]) for m in items[0].states}
    for modality in MODALITIES:
        if modality not in tensors:
            steps = 1 if averaged else mmsa.STEPS
            tensors[modality] = torch.zeros(len(items), steps, dims[modality])
    return {**tensors, "labels": torch.tensor([[item.target] for item in items])}


@torch.inference_mode()
def predict(network: nn.Module, batch: dict[str, Tensor]) -> np.ndarray:
    """Scores (n,) in evaluation mode."""
    output = network.eval()(*(batch[m] for m in MODALITIES))
    return (output["M"] if isinstance(output, dict) else output[0])[:, 0].numpy()


def _filled(values: Tensor, padding: str) -> Tensor:
    missing = mmsa.STEPS - len(values)
    return F.pad(values, (0, 0, missing, 0) if padding == "front" else (0, 0, 0, missing))


def _rows(batch: dict[str, Tensor]) -> list[dict]:
    return [
        {**{m: batch[m][i] for m in MODALITIES}, "labels": {"M": batch["labels"][i]}}
        for i in range(len(batch["labels"]))
    ]


def _loader(batch: dict[str, Tensor], size: int) -> DataLoader:
    rows = _rows(batch)
    # a batch of one has no statistics for BatchNorm, and MMSA's squeezes would lose its axis
    return DataLoader(rows, batch_size=size, shuffle=True, drop_last=len(rows) % size == 1)
