"""Trains a fusion model: first on everything that is not a clip, then on clips among the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from models.features.utterances import Utterance, collate
from models.fusion.base import FusionModel
from models.registry import spec
from models.shipped.sources import Sources, Speech, left_by_words
from models.shipped.triples import TripleMaker
from models.training.loop import TrainingLoop
from models.types import Features, Modality


@dataclass(frozen=True)
class Recipe:
    """How every method is trained; the same numbers for all, learning rate and decay from its spec.

    Stage one shows `general_epochs` times a draw of each source but clips; then, to what generates,
    `generation_epochs` times triples whose voice and face all match the words, in arousal too: what would
    fit. Stage two shows `clip_epochs` times the training clips, each `clip_repeats` times, among a draw of
    `replay` as large and `borrowed` as many scored transcripts that borrow a training clip's voice and face,
    and with them what that clip's words left over: a natural voice adds to whatever is said.
    """

    general_epochs: int = 8
    generation_epochs: int = 4
    clip_epochs: int = 3
    clip_repeats: int = 3
    text: int = 1200  # transcripts a stage-one epoch
    speech: int = 2000
    faces: int = 800
    triples: int = 2400
    triple_noise: float = 1.0  # of the partners' valence
    unrelated: float = 0.7  # share of triples whose voice and face are drawn regardless of the words
    replay: float = 0.5  # items of stage one for each clip shown in stage two
    borrowed: float = 0.3  # transcripts with a clip's voice and face for each clip shown
    batch: int = 128
    modality_dropout: float = 0.5
    clip_lr: float = 0.5  # of the stage-one learning rate


class FusionTrainer:
    """Trains one method on sources whose held-out speakers were taken out by the caller."""

    def __init__(
        self,
        sources: Sources,
        speech: Speech,
        dims: dict[Modality, int],
        recipe: Recipe | None = None,
        device: str = "cpu",
    ):
        self.sources, self.speech, self.dims, self.device = sources, speech, dims, device
        self.recipe = recipe or Recipe()
        looseness = self.recipe.triple_noise, self.recipe.unrelated
        self._triples = TripleMaker(speech.train, sources.faces, *looseness)
        self._matched = TripleMaker(
            speech.train,
            sources.faces,
            looseness[0],
            unrelated=0.0,
            arousal_rank=sources.text_arousal_rank,
        )
        validation_triples = TripleMaker(speech.validation, sources.faces_validation, *looseness, partners=15)
        rng = np.random.default_rng(0)
        self.validation = [
            *sources.text_validation,
            *speech.validation,
            *sources.faces_validation,
            *(validation_triples.make(transcript, rng) for transcript in sources.text_validation),
        ]

    def pretrain(self, name: str, seed: int, log: Callable[[str], None] | None = None) -> FusionModel:
        """Stage one: transcripts, acted speech, faces and label-matched triples."""
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        model = spec(name).build(self.dims)
        if model.needs_language_model:
            assert self.sources.language_model is not None
            model.attach_language_model(self.sources.language_model())
        model.to(self.device)
        everything = [*self.sources.text[:1500], *self.speech.train, *self.sources.faces[:1500]]
        model.set_normalisation(collate(everything, self.dims)[0].to(self.device))
        recipe = self.recipe
        share = spec(name).training.items
        counts = [int(share * n) for n in (recipe.text, recipe.speech, recipe.faces, recipe.triples)]
        epochs = (self._draw(counts, rng) for _ in range(recipe.general_epochs))
        groups = model.parameter_groups(spec(name).training.lr)
        self._run(model, name, epochs, recipe.general_epochs, groups, seed, log)
        self.teach_generation(model, name, seed, log)
        model.end_pretraining()
        self.calibrate(model)
        return model

    def teach_generation(
        self, model: FusionModel, name: str, seed: int, log: Callable[[str], None] | None = None
    ) -> None:
        """The end of stage one for a model that generates: what it learns from triples that match."""
        groups = model.generation_parameter_groups(spec(name).training.lr)
        if not groups:
            return
        rng, count = np.random.default_rng(seed + 2), self.recipe.generation_epochs
        epochs = (
            [self._matched.make(item, rng) for item in _some(self.sources.text, self.recipe.triples, rng)]
            for _ in range(count)
        )
        with _learning_alone(model, groups):
            self._run(model, name, epochs, count, groups, seed + 2, log)

    def fine_tune(
        self,
        model: FusionModel,
        name: str,
        clips: list[Utterance],
        seed: int,
        log: Callable[[str], None] | None = None,
    ) -> FusionModel:
        """Stage two, in place: the clips among items of stage one."""
        rng = np.random.default_rng(seed + 1)
        recipe = self.recipe
        shown = recipe.clip_repeats * len(clips)
        counts = [int(recipe.replay * shown / 4)] * 4
        epochs = (
            clips * recipe.clip_repeats
            + self._draw(counts, rng)
            + self._borrow(clips, int(recipe.borrowed * shown), rng)
            for _ in range(recipe.clip_epochs)
        )
        groups = model.clip_parameter_groups(recipe.clip_lr * spec(name).training.lr)
        with _learning_alone(model, groups):
            self._run(model, name, epochs, recipe.clip_epochs, groups, seed + 1, log)
        self.calibrate(model)
        return model

    def calibrate(self, model: FusionModel) -> None:
        """Fit a method's temperatures, where it has some, on the validation items, and switch to eval."""
        model.eval()
        model.calibrate(*self._batch(self.validation))

    def fit_readout(self, model: FusionModel, clips: list[Utterance]) -> None:
        """Fit a method's readout, which it must have, to clips."""
        model.fit_readout(*self._batch(clips))

    def describe(self) -> dict:
        """Recipe and numbers of items, JSON-able."""
        return {
            "recipe": asdict(self.recipe),
            "items": {
                "clips": len(self.sources.clips),
                "text": len(self.sources.text),
                "speech": len(self.speech.train),
                "faces": len(self.sources.faces),
            },
        }

    def _batch(self, items: list[Utterance]) -> tuple[Features, Tensor]:
        features, target = collate(items, self.dims)
        return features.to(self.device), target.to(self.device)

    def _draw(self, counts: list[int], rng: np.random.Generator) -> list[Utterance]:
        """Items of an epoch: so many transcripts, voices, faces and triples."""
        text, speech, faces, triples = counts
        return [
            *_some(self.sources.text, text, rng),
            *_some(self.speech.train, speech, rng),
            *_some(self.sources.faces, faces, rng),
            *(self._triples.make(item, rng) for item in _some(self.sources.text, triples, rng)),
        ]

    def _borrow(self, clips: list[Utterance], count: int, rng: np.random.Generator) -> list[Utterance]:
        """Transcripts with a clip's voice and face, and with what its own words left over of its label."""
        items = []
        for i in rng.integers(len(self.sources.text), size=count):
            transcript, clip = self.sources.text[i], clips[rng.integers(len(clips))]
            states = {**clip.states, Modality.TEXT: transcript.states[Modality.TEXT]}
            target = float(np.clip(transcript.target + left_by_words(clip), -3, 3))
            items.append(Utterance(states, target, "borrowed", transcript.group, transcript.ids))
        return items

    def _run(
        self,
        model: FusionModel,
        name: str,
        epochs: Iterator[list[Utterance]],
        count: int,
        groups: list[dict],
        seed: int,
        log: Callable[[str], None] | None,
    ) -> None:
        loop = TrainingLoop(
            model,
            groups,
            spec(name).training.weight_decay,
            count,
            self.recipe.batch,
            self.recipe.modality_dropout,
            torch.Generator().manual_seed(seed),
            self.device,
            _batches_of_like_length,
            bf16=model.needs_language_model and _has_bf16(self.device),  # it takes nearly all the time
        )
        for epoch, items in enumerate(epochs):
            loss = loop.epoch(epoch, items)
            if log:
                log(f"epoch {epoch + 1}/{count}: loss {loss:.3f}")


def _has_bf16(device: str) -> bool:
    """Whether bfloat16 is quick there; without AVX-512 a processor is slower with it than in float32."""
    return device != "cpu" or torch.backends.cpu.get_cpu_capability().startswith("AVX512")


def _some(items: list[Utterance], count: int, rng: np.random.Generator) -> list[Utterance]:
    """So many of the items; with replacement only where there are fewer (speech)."""
    return [items[i] for i in rng.choice(len(items), count, replace=count > len(items))]


@contextmanager
def _learning_alone(model: FusionModel, groups: list[dict]) -> Iterator[None]:
    """Within the block only the parameters of `groups` have gradients."""
    learning = {parameter for group in groups for parameter in group["params"]}
    asked = {parameter: parameter.requires_grad for parameter in model.parameters()}
    for parameter in asked:
        parameter.requires_grad_(parameter in learning)
    try:
        yield
    finally:
        for parameter, learns in asked.items():
            parameter.requires_grad_(learns)


def _batches_of_like_length(
    items: list[Utterance], size: int, generator: torch.Generator
) -> Iterator[list[Utterance]]:
    """Shuffled batches; words of like length share one, since the text subnet's time is its padding."""
    order = torch.randperm(len(items), generator=generator).tolist()
    for start in range(0, len(order), 16 * size):
        pool = sorted(order[start : start + 16 * size], key=lambda i: _words(items[i]))
        batches = [pool[at : at + size] for at in range(0, len(pool), size)]
        for i in torch.randperm(len(batches), generator=generator).tolist():
            if len(batches[i]) > 1:
                yield [items[j] for j in batches[i]]


def _words(item: Utterance) -> int:
    states = item.states.get(Modality.TEXT)
    return 0 if states is None else len(states)
