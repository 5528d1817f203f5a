"""MFM: Learning Factorized Multimodal Representations (Tsai et al., ICLR 2019)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import Config, ModalityFactors, ModalityWidths
from models.fusion.alignment import Aligned, align, pad_steps, step_traces
from models.fusion.base import WholeRowsModel
from models.fusion.discrepancy import discrepancy
from models.fusion.ef_lstm import EarlyFusion, EarlyFusionConfig
from models.fusion.layers import SubNetsConfig, feed_forward, last_step, mean_over_present, random_part
from models.fusion.mfn import LARGER_MEMORY_FUSION, MemoryFusion, MemoryFusionConfig
from models.fusion.spec import CLAMPED, ModelSpec, TrainingSettings
from models.fusion.tfn import TensorFusion, TensorFusionConfig, TFNConfig
from models.types import MODALITIES, Features, Modality, Prediction

# what Z_y may be read from, and the class of its settings
ENCODERS = {
    "mfn": (MemoryFusion, MemoryFusionConfig),
    "ef_lstm": (EarlyFusion, EarlyFusionConfig),
    "tfn": (TensorFusion, TensorFusionConfig),
}
LABEL = "label"  # the shared, discriminative latent Z_y, beside one private latent per modality
FACTORS = (LABEL, *map(str, MODALITIES))
NEARLY = 0.3  # of the scores' scale: targets that close count as equal
DRAWS = 8  # of Z_m: what is imagined is judged by their mean, its variety by their spread

Latents = dict[str, Tensor]  # {factor: (B, width)}


@dataclass(frozen=True)
class FactorWidths(ModalityWidths):
    """A width for each factor: the shared one and the modalities' private ones."""

    label: int


@dataclass(frozen=True)
class MFMLossFactors(ModalityFactors):
    """Factors of the losses beside the score's: generation of each modality, and three more."""

    mmd: float = 0.1  # lambda, the regulariser
    latents: float = 1.0  # the surrogates' match with Z_y
    borrowed: float = 1.0  # what rows imagine, against the modality of another row
    consistency: float = 0.3  # the score that the surrogate reads in a draw, against that of F_y


@dataclass(frozen=True)
class MFMConfig(Config):
    """Settings of `MFM`."""

    encoder: Literal["mfn", "ef_lstm", "tfn"] = "mfn"  # what Z_y is read from, see ENCODERS
    encoder_config: MemoryFusionConfig | EarlyFusionConfig | TensorFusionConfig = MemoryFusionConfig()
    steps: int = 16  # most steps of an utterance
    latents: FactorWidths = FactorWidths(label=48, text=48, audio=12, vision=32)  # of Z_y and Z_m
    factors: FactorWidths = FactorWidths(label=48, text=48, audio=16, vision=32)  # of F_y and F_m
    hidden: ModalityWidths = ModalityWidths(text=64, audio=16, vision=32)  # units of the LSTMs that read Z_m
    surrogate: int = 64  # units of each surrogate LSTM
    factor_hidden: int = 64  # hidden units of the networks Z -> F
    head: int = 64  # hidden units of the network F_y -> score
    dropout: float = 0.3  # of those networks, in [0, 1)
    weights: MFMLossFactors = MFMLossFactors()

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.encoder_config, ENCODERS[self.encoder][1]):
            raise ValueError(
                f"encoder_config is {type(self.encoder_config).__name__}, not of {self.encoder!r}"
            )


class LastState(nn.Module):
    """LSTM over aligned states, then one linear map per output from its state after the last step."""

    def __init__(self, inputs: int, hidden: int, outputs: dict[str, int]):
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True)
        self.heads = nn.ModuleDict({name: nn.Linear(hidden, width) for name, width in outputs.items()})

    def forward(self, states: Tensor, lengths: Tensor) -> Latents:
        """States (B, S, inputs) of lengths (B,) -> {output: (B, width)}."""
        last = last_step(self.lstm(states)[0], lengths)
        return {name: head(last) for name, head in self.heads.items()}


class Generator(nn.Module):
    """Decoder of one modality: an LSTM that starts from the factors and goes on by itself.

    The authors feed [f_y; f_m] first and then, as input too, the hidden state: W_ih h + W_hh h. That is one
    matrix, so here the later inputs are zero and the recurrent weight stands for the sum of the two. Nothing
    true is ever fed in: generating works as in training.
    """

    def __init__(self, width: int, dim: int):
        super().__init__()
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.draw = nn.Linear(width, dim)

    def forward(self, factors: Tensor, steps: int) -> Tensor:
        """[f_y; f_m] (B, width) -> states (B, steps, dim)."""
        first = F.pad(factors[:, None], (0, 0, 0, steps - 1))
        return self.draw(self.lstm(first)[0])


class MFM(WholeRowsModel):
    """Latents Z_y and Z_m, factors F_y and F_m; the score from F_y, each modality from [F_y; F_m]."""

    config: MFMConfig
    subnets: nn.ModuleDict
    hides = "modalities"

    def __init__(self, dims: dict[Modality, int], config: MFMConfig):
        super().__init__(dims, config)
        latents, factors = config.latents, config.factors
        self.steps = config.steps
        self.encoder = ENCODERS[config.encoder][0](self.dims, config.encoder_config)
        self.label = nn.Linear(self.encoder.width, latents[LABEL])
        self.subnets = nn.ModuleDict(
            {str(m): LastState(self.dims[m], config.hidden[m], {str(m): latents[m]}) for m in MODALITIES}
        )
        self.surrogates = nn.ModuleDict(
            {
                _key(pattern): LastState(
                    sum(self.dims[m] for m in pattern), config.surrogate, {LABEL: latents[LABEL]}
                )
                for pattern in Modality.subsets()
                if len(pattern) < len(MODALITIES)
            }
        )
        self.factors = nn.ModuleDict(
            {
                name: feed_forward(latents[name], config.factor_hidden, factors[name], config.dropout)
                for name in FACTORS
            }
        )
        self.generators = nn.ModuleDict(
            {str(m): Generator(factors[LABEL] + factors[m], self.dims[m]) for m in MODALITIES}
        )
        self.head = feed_forward(factors[LABEL], config.head, 1, config.dropout)

    def forward(self, features: Features) -> Prediction:
        """Score; every modality generated from the factors; the latents.

        reconstructions : {modality: (B, steps, d)}, raw states on aligned steps, zero past an utterance's
        end. For an absent modality Z_y is inferred by the surrogate of those present, and its own latent is
        the middle of its prior, 0; `imagine` draws it. For a present one it is the autoencoding, whose
        error against the aligned truth can be measured.
        Traces: `latent_label`, `latent_text`, … (B, width), `spans` (B, steps, 2), and those of the encoder
        of Z_y, zero in rows where a surrogate inferred it.
        """
        features = self.normalised(features)
        aligned = align(features, self.steps)
        encoding, traces = self.encoder(features, aligned)
        whole = self.whole(aligned.present)
        latents = self.infer(aligned, encoding)

        def generate() -> dict[Modality, Tensor]:
            _, generated = self.generated(latents, aligned.spans.shape[1])
            return {
                m: pad_steps(self.raw(m, states) * aligned.mask()[..., None], self.steps)
                for m, states in generated.items()
            }

        def all_traces() -> dict[str, Tensor]:
            of_whole = {name: x * whole.view(-1, *[1] * (x.dim() - 1)) for name, x in traces().items()}
            return {
                **{f"latent_{name}": latents[name] for name in FACTORS},
                **step_traces({**of_whole, "spans": aligned.spans}, self.steps),
            }

        score = self.bounded(self._label_score(latents[LABEL]))
        return Prediction(score, make_reconstructions=generate, make_traces=all_traces)

    def infer(self, aligned: Aligned, encoding: Tensor | None = None) -> Latents:
        """Latents of standardised aligned states; 0, the prior's mean, is the private one of what is absent.

        encoding : (B, width), of which Z_y is a linear map in whole rows; None without such
        In all others the surrogate for their pattern reads what is present, and gives Z_y.
        """
        latents = {str(m): self._private(m, aligned) for m in MODALITIES}
        label = self._inferred(aligned)
        if encoding is not None:
            label = torch.where(self.whole(aligned.present)[:, None], self.label(encoding), label)
        return {LABEL: label, **latents}

    def _private(self, m: Modality, aligned: Aligned) -> Tensor:
        """Z_m (B, width), 0 where the modality is absent."""
        own = self.subnets[m](aligned.states[m], aligned.lengths)[m]
        return torch.where(aligned.present[:, MODALITIES.index(m), None], own, 0.0)

    def _inferred(self, aligned: Aligned) -> Tensor:
        """Z_y (B, width) by the surrogates, 0 in rows that have everything."""
        label = self.label.bias.new_zeros(len(aligned), self.label.out_features)
        for key, pattern in ((_key(p), p) for p in Modality.subsets() if len(p) < len(MODALITIES)):
            wanted = torch.tensor([m in pattern for m in MODALITIES], device=aligned.lengths.device)
            rows = (aligned.present == wanted).all(1).nonzero()[:, 0]
            if len(rows):
                inferred = self.surrogates[key](aligned.joined(pattern)[rows], aligned.lengths[rows])[LABEL]
                label = label.index_copy(0, rows, inferred.to(label.dtype))
        return label

    def imagine(
        self,
        aligned: Aligned,
        kept: Tensor,
        score: Tensor | None = None,
        seed: int = 0,
        wanted: tuple[Modality, ...] = MODALITIES,
    ) -> dict[Modality, Tensor]:
        """The wanted modalities, standardised {modality: (DRAWS, B, S, d)}, from what `kept` (B, 3) allows.

        aligned : standardised states. On steps given from outside, so that what is imagined can be compared
        with a truth that it did not see; `kept` must not leave a row whole
        score : (B,), moves Z_y to one that has this score, see `moved`
        seed : of the draws of Z_m from its prior N(0, I) for what is not kept, the same in every row. Every
        second one mirrors the one before, so that their mean leans to no side
        """
        seen = aligned.keep(kept)
        label = self._inferred(seen)
        if score is not None:
            label = self.moved(label, score)
        generator, rows = torch.Generator().manual_seed(seed), len(aligned)
        shared = self._factor(LABEL, label).repeat(DRAWS, 1)
        imagined = {}
        for i, m in enumerate(MODALITIES):
            half = torch.randn(DRAWS // 2, self.config.latents[m], generator=generator).to(label)
            if m in wanted:
                private = torch.stack([half, -half], dim=1).flatten(0, 1).repeat_interleave(rows, 0)
                if kept[:, i].any():
                    own = self._private(m, seen).repeat(DRAWS, 1)
                    private = torch.where(kept[:, i].repeat(DRAWS)[:, None], own, private)
                states = self._generated(m, shared, self._factor(m, private), aligned.spans.shape[1])
                imagined[m] = states.unflatten(0, (DRAWS, rows))
        return imagined

    def generated(self, latents: Latents, steps: int) -> tuple[Latents, dict[Modality, Tensor]]:
        """Factors {factor: (B, width)} of latents, and the standardised states {modality: (B, steps, d)}."""
        factors = self._factorise(latents)
        return factors, self._generate(factors, steps)

    def moved(self, label: Tensor, score: Tensor, turns: int = 30, longest: float = 1.0) -> Tensor:
        """Z_y (B, width) moved from `label` along the score's gradient until its score is `score` (B,).

        Newton's method in steps of norm `longest` at most. Z_y stays within twice the prior's norm, sqrt of
        its width: where no such has the score, the answer falls short of it.
        """
        furthest = 2 * label.shape[1] ** 0.5
        with torch.inference_mode(False), torch.enable_grad():
            moved, score = label.detach().clone(), score.clone()
            for _ in range(turns):
                moved.requires_grad_()
                reached = self._label_score(moved)
                (gradient,) = torch.autograd.grad(reached.sum(), moved)
                step = (score - reached)[:, None] * gradient / gradient.square().sum(1, True).clamp_min(1e-6)
                moved = _within(moved + _within(step, longest), furthest).detach()
        return moved

    def generation_parameter_groups(self, lr: float) -> list[dict]:
        """What generates, and the surrogates without words: in company that fits, a voice or a face says more
        than beside the words of anybody. The score of what has words is left alone."""
        wordless = [_key(pattern) for pattern in Modality.subsets() if Modality.TEXT not in pattern]
        return _groups([*self._generating(), *(self.surrogates[key] for key in wordless)], lr)

    def clip_parameter_groups(self, lr: float) -> list[dict]:
        """The score's head, the map that gives whole rows their Z_y, and what generates: natural voices and
        faces are others than acted ones. The rest stays: from so few people it would learn who they are."""
        return _groups([self.head, self.label, *self._generating()], lr)

    def _generating(self) -> list[nn.Module]:
        return [self.generators, *(self.factors[m] for m in MODALITIES)]

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """L1 of the score, generation of what is present, the regulariser; then the same with a part hidden.

        Of every row with more than one modality a random part is hidden: the surrogates learn Z_y, as the
        encoder has it (detached), the score and what is hidden, with Z_m drawn, from what is left.

        A row that lacks a modality has no truth about it. What it imagines is compared with the modality of
        a row of nearly the same score: what is imagined should at least have the mood of what is there.
        """
        features = self.normalised(features)
        aligned = align(features, self.steps)
        latents = self.infer(aligned, self._encode_whole(features, aligned))
        factors = self._factorise(latents)
        steps = aligned.spans.shape[1]
        losses = {
            "l1": (self._score(factors) - target).abs().mean(),
            "mmd": self.config.weights.mmd * self._regulariser(latents, aligned.present),
            **self._generation_losses(self._generate(factors, steps), aligned),
            "borrowed": self.config.weights.borrowed * self._borrowed_loss(factors[LABEL], aligned, target),
        }
        rows = (aligned.present.sum(1) > 1).nonzero()[:, 0]
        if len(rows):
            losses |= self._surrogate_losses(
                aligned.select(rows),
                {name: values[rows].detach() for name, values in latents.items()},
                target[rows],
            )
        return losses

    def _encode_whole(self, features: Features, aligned: Aligned) -> Tensor | None:
        """Encodings (B, width) for Z_y, computed only for whole rows; None without such."""
        rows = self.whole(aligned.present).nonzero()[:, 0]
        if not len(rows):
            return None
        encoded, _ = self.encoder(features.select(rows), aligned.select(rows))
        return encoded.new_zeros(len(aligned), self.encoder.width).index_copy(0, rows, encoded)

    def _surrogate_losses(self, aligned: Aligned, latents: Latents, target: Tensor) -> dict[str, Tensor]:
        """Losses with a random part of each row hidden; latents are those of the whole rows."""
        kept = random_part(aligned.present)
        hidden = aligned.keep(aligned.present & ~kept)
        inferred = self.infer(aligned.keep(kept))
        factors = self._factorise(inferred)
        match = (inferred[LABEL] - latents[LABEL]).square().mean()
        return {
            "l1_hidden": (self._score(factors) - target).abs().mean(),
            "latents": self.config.weights.latents * match,
            "consistency": self.config.weights.consistency * self._consistency_loss(factors, hidden),
            **{
                f"imagine_{m}": self._imagination_loss(
                    m, factors[LABEL], hidden.states[m], hidden.observed[m]
                )
                for m in MODALITIES
            },
        }

    def _generation_losses(self, generated: dict[Modality, Tensor], truth: Aligned) -> dict[str, Tensor]:
        """Mean squared error of standardised states over the steps that have the modality."""
        return {
            f"generate_{m}": self.config.weights[m]
            * mean_over_present((generated[m] - truth.states[m]).square().mean(2), truth.observed[m])
            for m in MODALITIES
        }

    def _imagination_loss(self, m: Modality, shared: Tensor, truth: Tensor, observed: Tensor) -> Tensor:
        """Energy score of two draws of a modality from F_y (B, width), in rows with steps observed (B, S)."""
        rows = observed.any(1).nonzero()[:, 0]
        if not len(rows):
            return shared.sum() * 0
        once, again = (self._draw(m, shared[rows], truth.shape[1]) for _ in range(2))
        return self.config.weights[m] * _energy_score((once, again), truth[rows], observed[rows])

    def _consistency_loss(self, factors: Latents, hidden: Aligned) -> Tensor:
        """How far a draw of what is hidden is from F_y's score, as the surrogate of that modality reads it.

        The words have hundreds of coordinates: without this, hardly any says what is meant.
        """
        loss = factors[LABEL].sum() * 0
        for m in MODALITIES:
            rows = hidden.observed[m].any(1).nonzero()[:, 0]
            if len(rows):
                shared = factors[LABEL][rows]
                drawn = self._draw(m, shared, hidden.spans.shape[1])
                read = self.surrogates[m](drawn, hidden.lengths[rows])[LABEL]
                wanted = self._score({LABEL: shared}).detach()
                reached = self._label_score(read)
                loss = loss + (reached - wanted).abs().mean() / len(MODALITIES)
        return loss

    def _draw(self, m: Modality, shared: Tensor, steps: int) -> Tensor:
        """Standardised states (B, steps, d) from F_y (B, width) and a draw of Z_m from its prior."""
        private = torch.randn(len(shared), self.config.latents[m], device=shared.device)
        return self._generated(m, shared, self._factor(m, private), steps)

    def _borrowed_loss(self, shared: Tensor, aligned: Aligned, target: Tensor) -> Tensor:
        """Draws from F_y (B, width) of what a row lacks, against the row of nearest target that has it."""
        loss = target.new_zeros(())
        for i, m in enumerate(MODALITIES):
            lacking, having = ((aligned.present[:, i] == has).nonzero()[:, 0] for has in (False, True))
            if len(lacking) and len(having):
                distance = (target[lacking, None] - target[having]).abs()
                noise = NEARLY * torch.rand_like(distance)  # equal scores take turns
                lenders = having[(distance + noise).argmin(1)]
                loss = loss + self._imagination_loss(
                    m, shared[lacking], aligned.states[m][lenders], aligned.observed[m][lenders]
                )
        return loss

    def _regulariser(self, latents: Latents, present: Tensor) -> Tensor:
        """Discrepancy of every latent from N(0, I), of a private one over the rows that have the modality."""
        known = {LABEL: present.any(1), **{str(m): present[:, i] for i, m in enumerate(MODALITIES)}}
        rows = {name: latents[name][known[name]] for name in FACTORS}
        return reduce(torch.add, (discrepancy(z, torch.randn_like(z)) for z in rows.values()))

    def _factorise(self, latents: Latents) -> Latents:
        return {name: self._factor(name, latents[name]) for name in FACTORS}

    def _factor(self, name: str, latent: Tensor) -> Tensor:
        """F (B, width) of the latent Z (B, width) of that name."""
        return self.factors[name](latent).relu()

    def _score(self, factors: Latents) -> Tensor:
        return self.head(factors[LABEL])[:, 0]

    def _label_score(self, label: Tensor) -> Tensor:
        """Scores (B,) of Z_y (B, width)."""
        return self._score({LABEL: self._factor(LABEL, label)})

    def _generate(self, factors: Latents, steps: int) -> dict[Modality, Tensor]:
        """Standardised states {modality: (B, steps, d)}."""
        return {m: self._generated(m, factors[LABEL], factors[m], steps) for m in MODALITIES}

    def _generated(self, m: Modality, shared: Tensor, private: Tensor, steps: int) -> Tensor:
        """Standardised states (B, steps, d) of F_y and F_m, each (B, width)."""
        return self.generators[m](torch.cat([shared, private], 1), steps)


def _energy_score(draws: tuple[Tensor, Tensor], truth: Tensor, observed: Tensor) -> Tensor:
    """Energy score (Gneiting & Raftery, JASA 2007) of two draws (B, S, d), mean over rows; lower is better.

    Half the draws' distances from the truth (B, S, d), less half of that between them: least where they are
    spread as the truth is, not where each is its mean. Distances are root mean squares over the steps
    `observed` (B, S) bool, of which every row has one.
    """

    def distance(a: Tensor, b: Tensor) -> Tensor:
        squares = (a - b).square().mean(2) * observed
        return (squares.sum(1) / observed.sum(1) + 1e-6).sqrt()

    once, again = draws
    return (distance(once, truth) + distance(again, truth) - distance(once, again)).mean() / 2


def _groups(parts: list[nn.Module], lr: float) -> list[dict]:
    return [{"params": list(nn.ModuleList(parts).parameters()), "lr": lr}]


def _within(vectors: Tensor, norm: float) -> Tensor:
    """Vectors (B, d), those longer than `norm` shortened to it."""
    return vectors * (norm / vectors.norm(dim=1, keepdim=True).clamp_min(1e-9)).clamp_max(1)


def _key(pattern: tuple[Modality, ...]) -> str:
    """Name of the surrogate that reads exactly these modalities."""
    return "_".join(pattern)


SPEC = ModelSpec(
    name="mfm",
    title="MFM",
    paper="Learning Factorized Multimodal Representations",
    year=2019,
    kind="regression",
    model=MFM,
    config=MFMConfig(),
    aligned=True,
    weights_kind=None,
    reconstructs=True,
    faithful=(
        (
            "The regulariser is an unbiased MMD with a multi-scale inverse multiquadric kernel (the released "
            "one hardly sees collapsed latents), its weight tuned to that."
        ),
        "A row counts as whole when it has all that the training data has.",
        (
            "Surrogates for two missing modalities as well as one, each an LSTM that infers Z_y alone, "
            "learning from detached latents; the private latent of what is missing is drawn from its prior, "
            "and what draws imagine is scored by the energy score, so that they differ as the truth does."
        ),
        (
            "Rows that lack a modality train what they have, and what they imagine of the rest is compared "
            "with that modality of a row of nearly the same score, a term in no paper that favours imagining "
            "the label's polarity."
        ),
        (
            "The generators learn twice more, with the rest fixed: from triples whose voice and face match "
            "the words in valence and arousal, where the surrogates without words learn too, and on natural "
            "clips, where the score's head and the map from the encoder to Z_y do. A draw should be scored "
            "as F_y is, by the surrogate of its modality: a term in no paper."
        ),
        "The state after the last real step is read.",
        "Smaller (less so on a researcher's features), at most 16 steps.",
        CLAMPED,
    ),
    url="https://arxiv.org/abs/1806.06176",
    training=TrainingSettings(weight_decay=1e-3, features_lr=4e-3),
    on_features=MFMConfig(encoder_config=LARGER_MEMORY_FUSION),
)


def _reading_from(title: str, config: MFMConfig, on_features: MFMConfig) -> ModelSpec:
    """The same method with Z_y read by another encoder, whose method is called `title`."""
    return replace(
        SPEC,
        name=f"{SPEC.name}_{config.encoder}",
        title=f"{SPEC.title} ({title})",
        config=config,
        on_features=on_features,
        faithful=(f"Z_y is read by {title}; the authors' code has MFN there.", *SPEC.faithful),
    )


def _of_tfn(subnets: SubNetsConfig) -> MFMConfig:
    """Z_y from the cube of these subnets, read as TFN reads it."""
    tfn = TFNConfig()
    return MFMConfig(
        encoder="tfn",
        encoder_config=TensorFusionConfig(width=tfn.post_fusion, subnets=subnets, dropout=tfn.post_dropout),
    )


# encoders of the sizes of the methods they come from; on a researcher's features nearer to MMSA's
SPECS = (
    SPEC,
    _reading_from(
        "EF-LSTM",
        MFMConfig(encoder="ef_lstm", encoder_config=EarlyFusionConfig()),
        MFMConfig(encoder="ef_lstm", encoder_config=EarlyFusionConfig(hidden=128)),
    ),
    _reading_from(
        "TFN",
        _of_tfn(TFNConfig().subnets),
        _of_tfn(SubNetsConfig(text_hidden=128, text_out=32, audio=32, vision=32)),
    ),
)
