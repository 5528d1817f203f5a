"""What every fusion method is: a module from `Features` to `Prediction` with its own loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any, ClassVar, Self, get_type_hints

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import Config
from models.types import MODALITIES, Features, Modality, Prediction

GRADIENT_NORM = 1.0  # updates are clipped to this norm
LEAST_HELD_OUT = 16  # utterances that a readout is fitted to
CLASSES = 7  # of the classifiers: the scores -3 … 3


class FusionModel(nn.Module, PyTorchModelHubMixin, ABC, library_name="fusebox", license="other"):
    """Base of all methods; `save_pretrained`, `from_pretrained` and `push_to_hub` as every model on the Hub.

    dims : {modality: d}, widths of the states it reads
    config : its settings, of a class of its own; each field has its comment there
    The module keeps no state between calls, treats every row of a batch alone, and reads only embeddings of
    present modalities: whatever stands in the values of an absent one, NaN too, changes nothing.
    """

    subnets: nn.Module  # states -> one embedding per modality; the rest of the module is the fusion
    # True where `attach_language_model(weights)` must give it the profile's language model before it runs
    needs_language_model: ClassVar[bool] = False
    # what its own loss hides from it in training, beside any dropout of the trainer: "modalities", "frames"
    hides: ClassVar[str] = ""
    # True where the method's score has the right order but another scale: see `fit_readout`
    has_readout: ClassVar[bool] = False
    readout: Tensor  # (8, 2), where it has one
    warm_up: float = 0.0  # share of the training before the method is complete: no earlier epoch is its best

    def __init__(self, dims: dict[Modality, int], config: Config):
        super().__init__()
        self.config = config
        self.dims = {Modality(m): int(d) for m, d in dims.items()}
        widths = {str(m): d for m, d in self.dims.items()}
        self._hub_mixin_config = {"dims": widths, "config": asdict(config)}  # what its config.json holds
        # standardisation constants: set from the training data, kept in the checkpoint
        for modality in MODALITIES:
            self.register_buffer(f"{modality}_mean", torch.zeros(self.dims[modality]))
            self.register_buffer(f"{modality}_std", torch.ones(self.dims[modality]))
        if self.has_readout:  # slope and shift, a row for each set of present modalities
            self.register_buffer("readout", torch.tensor([[1.0, 0.0]]).repeat(2 ** len(MODALITIES), 1))

    @classmethod
    def _from_pretrained(cls, *, config: dict[str, Any], **options) -> Self:
        """What `from_pretrained` makes of a config.json and the weights beside it."""
        settings = get_type_hints(cls.__init__)["config"].from_json(config)
        return super()._from_pretrained(config=settings, strict=True, **options)

    @torch.no_grad()
    def set_normalisation(self, features: Features) -> None:
        """Mean and standard deviation per state coordinate over valid steps of present utterances."""
        for modality, sequence in features:
            valid = sequence.values[sequence.mask()]
            if len(valid) > 1:
                std = valid.std(0)
                # a coordinate that hardly moved in training must not explode when it does on a new clip
                floor = max(1e-4, 0.01 * std.mean().item())
                getattr(self, f"{modality}_mean").copy_(valid.mean(0))
                getattr(self, f"{modality}_std").copy_(std.clamp_min(floor))

    def normalised(self, features: Features) -> Features:
        """The same features, states standardised, zero at padding and for absent utterances."""
        standard = {}
        for modality, sequence in features:
            mean, std = getattr(self, f"{modality}_mean"), getattr(self, f"{modality}_std")
            # subtracted first: a dropped frame is the mean, and has to become zero to the last bit
            if sequence.is_complete():
                apart = sequence.values - mean
            else:
                apart = torch.where(sequence.mask()[..., None], sequence.values, mean).sub_(mean)
            standard[modality] = replace(sequence, values=apart.div_(std))
        return Features(**standard)

    def raw(self, modality: Modality, standard: Tensor) -> Tensor:
        """States (..., d) as the profile gives them, of standardised ones."""
        return standard * getattr(self, f"{modality}_std") + getattr(self, f"{modality}_mean")

    def bounded(self, score: Tensor) -> Tensor:
        """Scores (B,) clamped to [-3, 3], except in training, where a clamp would stop the gradient."""
        return score if self.training else score.clamp(-3, 3)

    def read_out(self, score: Tensor, features: Features) -> Tensor:
        """Scores (B,) mapped by `fit_readout`, in [-3, 3] outside training; before it, as they are."""
        slope, shift = self.readout[_set_number(features.present())].unbind(1)
        return self.bounded(slope * score + shift)

    @torch.no_grad()
    def fit_readout(self, features: Features, target: Tensor) -> None:
        """Map the scores by least squares to target (B,) of held-out utterances, for each set of modalities.

        An expectation over classes, or a mean over modalities, is drawn to the middle. Without words, which
        say too little for a slope, the map is a shift alone.
        """
        for subset in Modality.subsets():
            given = features.only(subset)
            number = int(_set_number(torch.tensor([[m in subset for m in MODALITIES]])))
            rows = _set_number(given.present()) == number
            self.readout[number] = self.readout.new_tensor([1.0, 0.0])
            with evaluating(self):
                score, wanted = self(given).score[rows], target[rows]
            if len(score) < LEAST_HELD_OUT:
                continue
            apart = score - score.mean()
            slope = (apart * wanted).sum() / apart.square().sum().clamp_min(1e-6)
            slope = slope.clamp_min(0.0) if Modality.TEXT in subset else torch.ones_like(slope)
            self.readout[number] = torch.stack([slope, wanted.mean() - slope * score.mean()])

    def sizes(self) -> dict[str, int]:
        """Counts worth showing: parameters of the subnets, of the fusion, and in total."""
        total = sum(p.numel() for p in self.parameters())
        subnets = sum(p.numel() for p in self.subnets.parameters())
        return {"subnets": subnets, "fusion": total - subnets, "total": total}

    def parameter_groups(self, lr: float) -> list[dict]:
        """Groups for an optimiser, each with its learning rate; all parameters at `lr` unless overridden."""
        return [{"params": list(self.parameters()), "lr": lr}]

    def clip_parameter_groups(self, lr: float) -> list[dict]:
        """Groups for the stage of training that adds natural clips; all parameters unless overridden."""
        return self.parameter_groups(lr)

    def end_pretraining(self) -> None:
        """Stage one is over: what `clip_parameter_groups` leaves out learns no more, and may be frozen."""

    def generation_parameter_groups(self, lr: float) -> list[dict]:
        """Groups of what learns last in stage one, from matched triples, to generate; mostly none."""
        return []

    def attach_language_model(self, weights: Mapping[str, Tensor]) -> None:
        """Take the profile's language model, where `needs_language_model`: {name in BertModel: tensor}."""
        raise NotImplementedError(f"{type(self).__name__} runs no language model")

    @abstractmethod
    def forward(self, features: Features) -> Prediction:
        """Prediction for a batch; any non-empty subset of modalities may be present in a row."""

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """Named scalars the trainer sums; target (B,) in [-3, 3]. L1 unless a method says otherwise."""
        return {"l1": F.l1_loss(self(features).score, target)}

    def training_step(
        self, features: Features, target: Tensor, optimizer: torch.optim.Optimizer, progress: float
    ) -> dict[str, float]:
        """One update, returning the losses before it; methods that alternate modalities override it.

        target : (B,) in [-3, 3]; progress : share of the training done, in [0, 1)
        """
        return self.update(self.loss(features, target), optimizer)

    def update(self, losses: dict[str, Tensor], optimizer: torch.optim.Optimizer) -> dict[str, float]:
        """One clipped optimiser step down the sum of `losses`, named scalars, which it returns as numbers."""
        optimizer.zero_grad(set_to_none=True)
        values = torch.stack(list(losses.values()))
        values.sum().backward()
        nn.utils.clip_grad_norm_(self.parameters(), GRADIENT_NORM)
        optimizer.step()
        return dict(zip(losses, values.tolist(), strict=True))

    def calibrate(self, features: Features, target: Tensor) -> None:
        """Fit what a method fits on held-out data after training, target (B,); most have nothing."""
        return


class WholeRowsModel(FusionModel, ABC):
    """A method that learns some of what it knows from whole rows alone.

    Whole is a row that has every modality of the training data, which may lack one altogether.
    """

    known: Tensor  # (3,) bool: the modalities of the training data

    def __init__(self, dims: dict[Modality, int], config: Config):
        super().__init__(dims, config)
        self.register_buffer("known", torch.ones(len(MODALITIES), dtype=torch.bool))

    def set_normalisation(self, features: Features) -> None:
        """As of every method; and which modalities the training data has."""
        super().set_normalisation(features)
        self.known.copy_(features.present().any(0))

    def whole(self, present: Tensor) -> Tensor:
        """(B,) bool: the whole rows of present (B, 3) bool."""
        return (present | ~self.known).all(1)


def _set_number(present: Tensor) -> Tensor:
    """(B,) the number, 0 … 7, of the set of modalities in present (B, 3) bool."""
    return (present.long() * torch.tensor([1, 2, 4], device=present.device)).sum(1)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """The module in eval mode within the block, and as it was after it."""
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)


def seven_class_target(target: Tensor) -> Tensor:
    """(B,) scores in [-3, 3] -> class indices 0 … 6 (rounded half to even, as Acc-7 does)."""
    return target.clamp(-3, 3).round().long() + 3


def expected_score(logits: Tensor) -> Tensor:
    """(B, 7) logits of the classes -3 … 3 -> their expectation (B,)."""
    classes = torch.arange(-3, 4, device=logits.device, dtype=logits.dtype)
    return (logits.softmax(-1) * classes).sum(-1)
