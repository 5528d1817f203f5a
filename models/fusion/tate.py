"""TATE: Tag-Assisted Transformer Encoder (Zeng et al., Tag-assisted Multimodal Sentiment Analysis under
Uncertain Missing Modalities, SIGIR 2022)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import Config
from models.fusion.attention import AttentionBlock, SelfAttentionBlock, all_shortened
from models.fusion.base import CLASSES, WholeRowsModel, evaluating, expected_score, seven_class_target
from models.fusion.layers import feed_forward, mean_over_present, random_part
from models.fusion.spec import READOUT, ModelSpec
from models.types import MODALITIES, Features, Modality, Prediction, Weights

TAG_DIGITS = 4  # nothing missing, vision missing, audio missing, text missing
PAIRS = tuple((a, b) for i, a in enumerate(MODALITIES) for b in MODALITIES[i + 1 :])


def tag_of(present: Tensor) -> Tensor:
    """The tag (B, 4) float of what present (B, 3) lacks, as the authors' code has it.

    1000 nothing missing; 0100 vision, 0010 audio, 0001 text missing; two missing have two ones (0110).
    """
    missing = ~present.flip(1)  # vision, audio, text
    return torch.cat([present.all(1, keepdim=True), missing], dim=1).float()


@dataclass(frozen=True)
class TATELossFactors(Config):
    """Factors of the losses beside the cross entropy, see `TATE.loss`."""

    forward: float = 0.1  # forward similarity
    backward: float = 0.1  # backward similarity
    tag: float = 0.1  # recovery of the tag


@dataclass(frozen=True)
class TATEConfig(Config):
    """Settings of `TATE`."""

    most_steps: int = 48  # tokens a modality may have; longer ones are averaged, see `shortened`
    width: int = 60  # of the common space, TAG_DIGITS less than a multiple of `heads`
    heads: int = 4  # of the attention blocks
    dropout: float = 0.2  # of blocks and head, in [0, 1)
    hidden: int = 64  # units of the head's hidden layer
    teacher_share: float = 0.34  # of the training, in which the teacher learns; then it is frozen
    weights: TATELossFactors = TATELossFactors()


class TATE(WholeRowsModel):
    """Tokens of all modalities in a common space, each with the tag of what is missing; a classifier."""

    has_readout = True

    config: TATEConfig
    hides = "modalities"

    def __init__(self, dims: dict[Modality, int], config: TATEConfig):
        super().__init__(dims, config)
        self.student = TagAssistedEncoder(self.dims, config)
        self.teacher = TagAssistedEncoder(self.dims, config)
        self.decoder = SelfAttentionBlock(config.width + TAG_DIGITS, config.heads, config.dropout)
        self.decoder_norm = nn.LayerNorm(config.width + TAG_DIGITS)
        self.most_steps = config.most_steps
        self.warm_up = config.teacher_share

    @property
    def subnets(self) -> nn.Module:
        """What brings the modalities into the common space."""
        return self.student.common

    def forward(self, features: Features) -> Prediction:
        """Score: the expectation over seven classes; the weights are the shares of the pooling attention.

        Traces: `tag` (B, 4) as `tag_of` has it, and `tag_recovered` (B, 4) in [0, 1], read back from the
        pooled encoding.
        """
        encoding = self.student(self._tokens(features), features.present())
        return Prediction(
            self.read_out(expected_score(encoding.logits), features),
            logits=encoding.logits,
            weights=Weights("attention", encoding.shares),
            make_traces=lambda: {"tag": encoding.tag, "tag_recovered": encoding.recovered},
        )

    @torch.no_grad()
    def distances(self, features: Features, kept: Tensor) -> dict[Modality, Tensor]:
        """How far the student's encoding of each modality's tokens is from the teacher's: {modality: (B,)}.

        Symmetric KL divergence per token, of rows that are whole: the teacher sees all of them and knows no
        others. The student sees what `kept` (B, 3) bool allows, and reconstructs the encoding of the rest.
        """
        whole, present = self._tokens(features), features.present()
        made, known = self.student(whole.keep(kept), present).tokens, self._taught(whole, present)
        counts = [whole[m].values.shape[1] for m in MODALITIES]
        parts = zip(MODALITIES, made.split(counts, dim=1), known.split(counts, dim=1), strict=True)
        return {m: _row_divergence(one, other, whole[m].mask()) for m, one, other in parts}

    def loss(self, features: Features, target: Tensor) -> dict[str, Tensor]:
        """Losses of the student, which in training sees only a random part of half of the rows.

        Cross entropy; forward similarity: symmetric KL between the student's encoding of each token, of
        those it could not see too, and that of the teacher, who sees all, for whole rows; backward
        similarity: the same between the decoder's output and the common space that it should give back;
        and L1 between the tag and the recovered one.
        """
        return self._student_losses(features, target, taught=True)

    def training_step(
        self, features: Features, target: Tensor, optimizer: torch.optim.Optimizer, progress: float
    ) -> dict[str, float]:
        """One update; in the first `teacher_share` of the training the teacher learns beside the student.

        Only whole rows teach the teacher. The student is not pulled towards it before it is frozen.
        """
        if progress >= self.config.teacher_share:
            return super().training_step(features, target, optimizer, progress)
        losses = self._student_losses(features, target, taught=False)
        losses["teacher"] = self._teacher_loss(features, target)
        return self.update(losses, optimizer)

    def sizes(self) -> dict[str, int]:
        """Adds the teacher, which only training needs and which counts in `total` alone."""
        sizes = super().sizes()
        teacher = sum(p.numel() for p in self.teacher.parameters())
        return {**sizes, "fusion": sizes["fusion"] - teacher, "teacher": teacher}

    def _tokens(self, features: Features) -> Features:
        return all_shortened(self.normalised(features), self.most_steps)

    def _teacher_loss(self, features: Features, target: Tensor) -> Tensor:
        rows = self.whole(features.present()).nonzero()[:, 0]
        if not len(rows):
            return target.new_zeros(())
        complete = self._tokens(features.select(rows))
        logits = self.teacher(complete, complete.present()).logits
        return F.cross_entropy(logits, seven_class_target(target[rows]))

    def _student_losses(self, features: Features, target: Tensor, taught: bool) -> dict[str, Tensor]:
        whole, present = self._tokens(features), features.present()
        visible = whole.keep(_corrupted(present)) if self.training else whole
        encoding = self.student(visible, present)
        decoded = self.decoder_norm(self.decoder(encoding.tokens, encoding.visible)[0])
        similarities = {
            # the common space is what the decoder must give back: it does not move towards the decoder
            "backward": _divergence(decoded, encoding.common.detach(), encoding.visible),
            "tag": F.l1_loss(encoding.recovered, encoding.tag),
        }
        complete = self.whole(present)
        if taught and complete.any():  # the teacher knows nothing else
            known = self._taught(whole, present)
            similarities["forward"] = _divergence(encoding.tokens, known, encoding.there & complete[:, None])
        return {
            "ce": F.cross_entropy(encoding.logits, seven_class_target(target)),
            **{name: getattr(self.config.weights, name) * loss for name, loss in similarities.items()},
        }

    @torch.no_grad()
    def _taught(self, whole: Features, present: Tensor) -> Tensor:
        """The teacher's encoding of whole rows, without dropout: (B, N, D)."""
        with evaluating(self.teacher):
            return self.teacher(whole, present).tokens


@dataclass(frozen=True)
class Encoding:
    """What the encoder makes of a batch; N tokens of text, audio and vision one after the other.

    common : (B, N, D) tokens in the common space, with the tag; tokens : (B, N, D) encoded
    there, visible : (B, N) bool, tokens that the row has, and those of them that could be seen
    logits : (B, 7); tag, recovered : (B, 4); shares : (B, 3) of the pooling attention
    """

    common: Tensor
    tokens: Tensor
    there: Tensor
    visible: Tensor
    logits: Tensor
    tag: Tensor
    recovered: Tensor
    shares: Tensor


class TagAssistedEncoder(nn.Module):
    """Common space -> tag -> transformer encoder -> attentive pooling -> classes; student or teacher."""

    def __init__(self, dims: dict[Modality, int], config: TATEConfig):
        super().__init__()
        tagged = config.width + TAG_DIGITS
        self.common = CommonSpace(dims, config.width, config.heads, config.dropout)
        # beside the four digits themselves, which a layer norm over all coordinates washes out
        self.tag_embedding = nn.Linear(TAG_DIGITS, tagged, bias=False)
        self.encoder = AttentionBlock(tagged, config.heads, config.dropout)
        self.norm = nn.LayerNorm(tagged)
        self.pool_value, self.pool_gate = (nn.Linear(tagged, tagged, bias=False) for _ in range(2))
        self.pool_score = nn.Linear(tagged, 1, bias=False)
        self.head = feed_forward(tagged, config.hidden, CLASSES, config.dropout)

    def forward(self, visible: Features, present: Tensor) -> Encoding:
        """Standardised features, some of them switched off, and what the rows have (B, 3) -> Encoding.

        A modality that is switched off keeps its tokens: they know the tag alone, and nothing reads them.
        """
        tokens = self.common(visible)
        there = torch.cat([_steps(visible[m].lengths, tokens[m]) for m in MODALITIES], dim=1)
        counts = torch.tensor([tokens[m].shape[1] for m in MODALITIES], device=there.device)
        there = there & present.repeat_interleave(counts, dim=1)
        seen = there & visible.present().repeat_interleave(counts, dim=1)
        tag = tag_of(visible.present())
        joined = torch.cat([tokens[m] for m in MODALITIES], dim=1)
        common = torch.cat([joined, tag[:, None].expand(-1, joined.shape[1], -1)], dim=2)
        common = common + self.tag_embedding(tag)[:, None]
        encoded = self.norm(self.encoder(common, there, common, seen)[0])
        scores = self.pool_score(self.pool_value(encoded) * self.pool_gate(encoded).sigmoid())[..., 0]
        attention = scores.masked_fill(~seen, -torch.inf).softmax(1).nan_to_num(0.0)
        pooled = (attention[:, None] @ encoded)[:, 0]
        shares = torch.stack([part.sum(1) for part in attention.split(counts.tolist(), dim=1)], dim=1)
        return Encoding(
            common=common,
            tokens=encoded,
            there=there,
            visible=seen,
            logits=self.head(pooled),
            tag=tag,
            recovered=pooled[:, -TAG_DIGITS:].sigmoid(),
            shares=shares,
        )


class CommonSpace(nn.Module):
    """One self-attention block a modality, then maps that each pair of modalities shares.

    c_m = [h_m W_mn ; h_m W_mo] for the other two modalities n and o, with W_mn = W_nm.
    """

    def __init__(self, dims: dict[Modality, int], width: int, heads: int, dropout: float):
        super().__init__()
        self.inputs = nn.ModuleDict({str(m): nn.Linear(dims[m], width, bias=False) for m in MODALITIES})
        self.blocks = nn.ModuleDict({str(m): SelfAttentionBlock(width, heads, dropout) for m in MODALITIES})
        self.maps = nn.ModuleDict({f"{a}_{b}": nn.Linear(width, width // 2, bias=False) for a, b in PAIRS})

    def forward(self, features: Features) -> dict[Modality, Tensor]:
        """Standardised features -> {modality: (B, T, width)}, zero at padding and where it is absent."""
        tokens = {}
        for modality, sequence in features:
            mask = sequence.mask()
            states, _ = self.blocks[modality](self.inputs[modality](sequence.values), mask)
            shared = [self.maps[f"{a}_{b}"](states) for a, b in PAIRS if modality in (a, b)]
            tokens[modality] = torch.where(mask[..., None], torch.cat(shared, dim=2), 0.0)
        return tokens


def _steps(lengths: Tensor, tokens: Tensor) -> Tensor:
    """(B, T) bool: True at the steps of each row, present or not."""
    return torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]


def _corrupted(present: Tensor) -> Tensor:
    """(B, 3): half of the rows as they are, of the others a random part."""
    kept = torch.rand(len(present), 1, device=present.device) < 0.5
    return torch.where(kept, present, random_part(present))


def _divergence(one: Tensor, other: Tensor, mask: Tensor) -> Tensor:
    """`_row_divergence`, its mean over the rows that have a token that counts."""
    return mean_over_present(_row_divergence(one, other, mask), mask.any(1))


def _row_divergence(one: Tensor, other: Tensor, mask: Tensor) -> Tensor:
    """KL(p || q) + KL(q || p) of softmaxes over the last axis of (B, N, D): mean over tokens, (B,).

    mask : (B, N) bool, tokens that count; 0 for rows without any
    """
    log_p, log_q = one.log_softmax(2), other.log_softmax(2)
    divergence = ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(2)
    return torch.where(mask, divergence, 0.0).sum(1) / mask.sum(1).clamp_min(1)


SPEC = ModelSpec(
    name="tate",
    title="TATE",
    paper="Tag-assisted Multimodal Sentiment Analysis under Uncertain Missing Modalities",
    year=2022,
    kind="classification",
    model=TATE,
    config=TATEConfig(),
    aligned=False,
    weights_kind="attention",
    reconstructs=False,
    faithful=(
        "Seven rounded scores instead of three classes, read as their expectation.",
        (
            "The tag comes from the data (in the released graph it seems constant) and is a learned "
            "embedding beside its digits."
        ),
        (
            "The teacher learns from whole clips, which have all that the training data has, in the first "
            "third of the same training, then is frozen and sees all of what the student sees in part (the "
            "released code corrupts both), a random part of every other row."
        ),
        "The backward loss does not move its target.",
        "Attention and pooling read no padding and no absent token.",
        "A fifth of the width, pre-norm blocks.",
        "More than 48 tokens of a modality are averaged to 48.",
        READOUT,
    ),
    url="https://arxiv.org/abs/2204.13707",
)
