"""A language model: a frozen encoder with low-rank adapters in every layer, for words and for fusion methods.

BERT, or MPNet, which is BERT with relative positions and without segments. Written out instead of taken from
transformers, so that it is light to import, is built without weights, and shares them; values are those of
transformers' BertModel and MPNetModel, to which tests compare it, names those of BertModel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from models.config import Config

Adapters = Literal["low_rank", "full"]
MOST_TOKENS = 4000  # whose activations are kept for the gradient; of more they are computed twice
FAULTS = 3  # of tensors that do not fit that an error names
FARTHEST = 128  # tokens: all that are farther apart share a bucket of relative positions
SCALE = ".scale"  # behind the name of a matrix whose rows are int8: of their scales (rows,)


@dataclass(frozen=True)
class LanguageModelShape(Config):
    """Sizes of an encoder; the defaults of the last three are BERT's."""

    vocabulary: int  # token ids
    positions: int  # most tokens of an utterance
    width: int  # of the states, a multiple of `heads`
    layers: int
    heads: int
    intermediate: int  # units of the feed-forward layers
    segments: int = 2  # 0 for a model without segments
    buckets: int = 0  # of relative positions, 0 for a model without them
    epsilon: float = 1e-12  # of the layer norms


# with one vocabulary, BERT's: all-mpnet-base-v2, and all-MiniLM-L6-v2 for a researcher's features
MPNET = LanguageModelShape(
    vocabulary=30522,
    positions=512,
    width=768,
    layers=12,
    heads=12,
    intermediate=3072,
    segments=0,
    buckets=32,
    epsilon=1e-5,
)
MINILM = LanguageModelShape(vocabulary=30522, positions=512, width=384, layers=6, heads=12, intermediate=1536)


class FrozenPart(nn.Module):
    """Tensors of one part of the language model, by their name in transformers' BertModel.

    Frozen, they are buffers that no checkpoint stores and no optimiser sees, None until attached; where
    `trained` they are parameters like any other.
    """

    weight: Tensor  # None until attached
    bias: Tensor  # the same, where a part has one

    def __init__(self, name: str, trained: bool, **shapes: tuple[int, ...]):
        super().__init__()
        self.name, self.shapes = name, shapes
        for key, shape in shapes.items():
            if trained:
                self.register_parameter(key, nn.Parameter(torch.zeros(shape)))
            else:
                self.register_buffer(key, None, persistent=False)

    @torch.no_grad()
    def attach(self, weights: Mapping[str, Tensor]) -> None:
        """Take this part's tensors (see `shapes`); frozen ones are shared with `weights`, not copied."""
        for key in self.shapes:
            tensor = weights[f"{self.name}.{key}"]
            if key in self._parameters:
                self.get_parameter(key).copy_(tensor)
            else:
                setattr(self, key, tensor.detach())

    def tensors(self) -> dict[str, Tensor]:
        """What `attach` of an equal part takes."""
        return {f"{self.name}.{key}": getattr(self, key) for key in self.shapes}


class Table(FrozenPart):
    """Vectors by number, some few of which are looked up; frozen ones may stay int8, a quarter as large."""

    scales: Tensor | None  # (rows,) of int8 rows

    def __init__(self, name: str, trained: bool, rows: int, width: int):
        super().__init__(name, trained, weight=(rows, width))
        self.register_buffer("scales", None, persistent=False)

    def forward(self, numbers: Tensor) -> Tensor:
        """(…) int64 -> (…, width)."""
        rows = F.embedding(numbers, self.weight)
        return rows if self.scales is None else rows * self.scales[numbers, None]

    def attach(self, weights: Mapping[str, Tensor]) -> None:
        """As every part; trained rows become float32."""
        name = f"{self.name}.weight"
        scales = weights.get(name + SCALE)
        if scales is not None and "weight" in self._parameters:
            weights, scales = {name: weights[name] * scales[:, None]}, None
        super().attach(weights)
        self.scales = scales

    def tensors(self) -> dict[str, Tensor]:
        """With the scales, where there are any."""
        scales = {} if self.scales is None else {f"{self.name}.weight{SCALE}": self.scales}
        return {**super().tensors(), **scales}


class AdaptedLinear(FrozenPart):
    """W x + b + (alpha / r) B A x: W and b of the language model; `lora_a` A (r, in), `lora_b` B (out, r).

    B starts at zero, so that training starts from the very language model (Hu et al., LoRA, ICLR 2022).
    rank : r; None for a map that is trained itself and has no adapter, 0 once the adapter is merged
    """

    def __init__(self, name: str, width_in: int, width_out: int, rank: int | None, alpha: float):
        super().__init__(name, rank is None, weight=(width_out, width_in), bias=(width_out,))
        self.rank = rank
        if rank is not None:
            self.scale = alpha / rank
            self.lora_a = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(rank, width_in), a=5**0.5))
            self.lora_b = nn.Parameter(torch.zeros(width_out, rank))

    def forward(self, states: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        mapped = F.linear(states, self.weight, self.bias)
        if not self.rank:
            return mapped
        # W may be bfloat16 while the adapter learns in float32
        added = F.linear(F.linear(states.to(self.lora_a.dtype), self.lora_a), self.lora_b)
        return mapped + (self.scale * added).to(mapped.dtype)

    def attach(self, weights: Mapping[str, Tensor]) -> None:
        """As every part; and how large W is, which does not change where it is frozen."""
        super().attach(weights)
        if self.rank is not None:
            self.size = torch.linalg.vector_norm(self.weight).item() ** 2

    @torch.no_grad()
    def merge(self) -> None:
        """Add the adapter to W, for good: the same map, computed in one step, with nothing to train."""
        self.weight = torch.addmm(self.weight, self.lora_b, self.lora_a, alpha=self.scale)
        del self.lora_a, self.lora_b
        self.rank = 0

    @torch.no_grad()
    def change(self) -> tuple[Tensor, float]:
        """Squared Frobenius norms, scalars, of what the adapter adds to W (out, in), and of W."""
        added = self.scale**2 * ((self.lora_b.T @ self.lora_b) * (self.lora_a @ self.lora_a.T)).sum()
        return added, self.size


class Tokens:
    """Where the tokens of a padded batch stand, to compute on them alone: short rows are mostly padding.

    valid : (B, T) bool, True at the N tokens
    """

    def __init__(self, valid: Tensor):
        self.valid, self._at = valid, valid.nonzero(as_tuple=True)

    def packed(self, padded: Tensor) -> Tensor:
        """(B, T, …) -> (N, …)."""
        return padded[self._at]

    def padded(self, packed: Tensor) -> Tensor:
        """(N, width) -> (B, T, width), zero at padding."""
        return packed.new_zeros(*self.valid.shape, packed.shape[1]).index_put_(self._at, packed)


class AdaptedLayer(nn.Module):
    """One layer: attention and feed-forward layer, post-norm, with six adapted maps."""

    def __init__(self, index: int, shape: LanguageModelShape, rank: int | None, alpha: float):
        super().__init__()
        self.heads, self.epsilon = shape.heads, shape.epsilon

        def linear(name: str, width_in: int = shape.width, width_out: int = shape.width) -> AdaptedLinear:
            return AdaptedLinear(f"encoder.layer.{index}.{name}", width_in, width_out, rank, alpha)

        def norm(name: str) -> FrozenPart:
            sizes = {"weight": (shape.width,), "bias": (shape.width,)}
            return FrozenPart(f"encoder.layer.{index}.{name}", rank is None, **sizes)

        self.query = linear("attention.self.query")
        self.key = linear("attention.self.key")
        self.value = linear("attention.self.value")
        self.attention_output = linear("attention.output.dense")
        self.attention_norm = norm("attention.output.LayerNorm")
        self.intermediate = linear("intermediate.dense", width_out=shape.intermediate)
        self.output = linear("output.dense", width_in=shape.intermediate)
        self.output_norm = norm("output.LayerNorm")

    def forward(self, states: Tensor, tokens: Tokens, allowed: Tensor) -> Tensor:
        """states (N, width) of the tokens alone -> (N, width).

        allowed : (B, 1, 1, T) bool, keys that may be read; or (B, heads, T, T), what is added to attention
        """
        query, key, value = (
            tokens.padded(linear(states)).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        attended = self.attention_output(tokens.packed(attended.transpose(1, 2).flatten(2)))
        states = _norm(self.attention_norm, states + attended, self.epsilon)
        return _norm(self.output_norm, states + self.output(F.gelu(self.intermediate(states))), self.epsilon)


class AdaptedLanguageModel(nn.Module):
    """Token ids -> states, through a frozen encoder whose adapters are trained.

    adapters : "low_rank", or "full": every weight is trained and there is no adapter, for comparison
    rank, alpha : of the adapters
    It runs without dropout, in training too: what is frozen stays the function that it was.
    """

    def __init__(self, shape: LanguageModelShape, *, adapters: Adapters, rank: int, alpha: float):
        super().__init__()
        full = adapters == "full"
        self.shape = shape
        tables = {"word": shape.vocabulary, "position": shape.positions, "token_type": shape.segments}
        self.embeddings = nn.ModuleDict(
            {
                kind: Table(f"embeddings.{kind}_embeddings", full, rows, shape.width)
                for kind, rows in tables.items()
                if rows
            }
        )
        self.relative: FrozenPart | None = None
        if shape.buckets:
            sizes = (shape.buckets, shape.heads)
            self.relative = FrozenPart("encoder.relative_attention_bias", full, weight=sizes)
        self.norm = FrozenPart("embeddings.LayerNorm", full, weight=(shape.width,), bias=(shape.width,))
        self.layers = nn.ModuleList(
            AdaptedLayer(i, shape, None if full else rank, alpha) for i in range(shape.layers)
        )
        self._kept: _Kept | None = None

    def attach(self, weights: Mapping[str, Tensor]) -> None:
        """Take the language model's weights, by their names in transformers' BertModel.

        ValueError names what is missing or has another shape; tensors of other names (a pooler) are left.
        """
        faults = []
        for part in self._parts():
            for key, shape in part.shapes.items():
                tensor = weights.get(f"{part.name}.{key}")
                if tensor is None:
                    faults.append(f"missing {part.name}.{key}")
                elif tuple(tensor.shape) != shape:
                    faults.append(f"{part.name}.{key} has shape {tuple(tensor.shape)}, not {shape}")
        if faults:
            more = f"; and {len(faults) - FAULTS} more" if len(faults) > FAULTS else ""
            raise ValueError(f"the language model does not fit: {'; '.join(faults[:FAULTS])}{more}")
        for part in self._parts():
            part.attach(weights)

    def merge(self) -> None:
        """Add every adapter to its map, for good; see `AdaptedLinear.merge`."""
        for linear in self._adapted():
            linear.merge()

    def freeze(self) -> None:
        """Nothing in it learns from now on: states of a text are computed once, for its copies too."""
        self.requires_grad_(False)
        self._kept = _Kept()

    def weights(self) -> dict[str, Tensor]:
        """What `attach` of another model of this shape takes, adapters left out; shared, not copied."""
        return {name: tensor for part in self._parts() for name, tensor in part.tensors().items()}

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """States (B, T, width) of token ids (B, T); what stands past a row's length is not read.

        Rows with the same words are run once. RuntimeError before the weights are attached, ValueError
        for more tokens than there are positions or ids that the vocabulary lacks.
        """
        if self.norm.weight is None:
            raise RuntimeError("there is no language model yet; give it with attach_language_model(weights)")
        valid = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
        ids = torch.where(valid, ids, 0)
        if ids.shape[1] > self.shape.positions or int(ids.max()) >= self.shape.vocabulary:
            raise ValueError(
                f"token ids must be below {self.shape.vocabulary}, at most {self.shape.positions} a row; "
                f"got {ids.shape[1]} a row, up to {int(ids.max())}: they belong to another tokenizer"
            )
        # a triple's words, a clip under several subsets, acted sentences: equal rows abound
        distinct, row_of = torch.cat([lengths[:, None], ids], dim=1).unique(dim=0, return_inverse=True)
        lengths, ids = distinct[:, 0], distinct[:, 1:]
        if self._kept is None:
            return self._states(ids, lengths)[row_of]
        texts = [tuple(row[:length]) for row, length in zip(ids.tolist(), lengths.tolist(), strict=True)]
        new = [i for i, text in enumerate(texts) if text not in self._kept]
        if new:
            # what training reads later must not be an inference tensor
            with torch.inference_mode(False), torch.no_grad():
                states = self._states(ids[new], lengths[new])
            self._kept.update({texts[i]: states[row, : len(texts[i])].clone() for row, i in enumerate(new)})
        padded = nn.utils.rnn.pad_sequence([self._kept[text].to(ids.device) for text in texts], True)
        return F.pad(padded, (0, 0, 0, ids.shape[1] - padded.shape[1]))[row_of]

    def _states(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, width), zero at padding, of rows (B, T) of which each is run."""
        tokens = Tokens(torch.arange(ids.shape[1], device=ids.device) < lengths[:, None])
        states = _norm(self.norm, tokens.packed(self._embedded(ids)), self.shape.epsilon)
        allowed = self._allowed(tokens.valid)
        for layer in self.layers:
            if torch.is_grad_enabled() and len(states) > MOST_TOKENS:
                again = checkpoint(layer, states, tokens, allowed, use_reentrant=False)
                states = cast(Tensor, again)  # never None, whatever its stub says
            else:
                states = layer(states, tokens, allowed)
        return tokens.padded(states)

    def counts(self) -> dict[str, int]:
        """`language_model`: weights of the language model itself; `adapters`: those added beside them."""
        own = sum(torch.Size(shape).numel() for part in self._parts() for shape in part.shapes.values())
        adapters = sum(p.numel() for linear in self._adapted() for p in (linear.lora_a, linear.lora_b))
        return {"language_model": own, "adapters": adapters}

    @torch.no_grad()
    def adapter_strength(self) -> Tensor:
        """(layers,) |(alpha / r) B A| / |W| in the Frobenius norm, over all maps of a layer."""
        strengths = []
        for layer in self.layers:
            changes = [m.change() for m in layer.modules() if isinstance(m, AdaptedLinear) and m.rank]
            added, own = (sum(part) for part in zip(*changes, strict=True)) if changes else (0.0, 1.0)
            strengths.append(torch.as_tensor(added / own).sqrt())
        return torch.stack(strengths)

    def _embedded(self, ids: Tensor) -> Tensor:
        """(B, T, width) of token ids (B, T): word and position, of the first segment where there are any."""
        at = torch.arange(ids.shape[1], device=ids.device)
        embedded = self.embeddings["word"](ids) + self.embeddings["position"](at)
        if self.shape.segments:
            embedded = embedded + self.embeddings["token_type"](torch.zeros_like(at))
        return embedded

    def _allowed(self, valid: Tensor) -> Tensor:
        """The attention mask of all layers, with MPNet's relative positions; see `AdaptedLayer.forward`."""
        if self.relative is None:
            return valid[:, None, None]
        buckets = _relative_buckets(valid.shape[1], self.shape.buckets, valid.device)
        bias = self.relative.weight[buckets].permute(2, 0, 1)
        return bias.masked_fill(~valid[:, None, None], float("-inf"))

    def _parts(self) -> list[FrozenPart]:
        return [module for module in self.modules() if isinstance(module, FrozenPart)]

    def _adapted(self) -> list[AdaptedLinear]:
        return [part for part in self._parts() if isinstance(part, AdaptedLinear) and part.rank]


class _Kept(dict[tuple[int, ...], Tensor]):
    """States by token ids, of a frozen language model and of all its copies."""

    def __deepcopy__(self, memo: dict) -> _Kept:
        return self


def _norm(part: FrozenPart, states: Tensor, epsilon: float) -> Tensor:
    return F.layer_norm(states, part.weight.shape, part.weight, part.bias, epsilon)


def _relative_buckets(steps: int, buckets: int, device: torch.device) -> Tensor:
    """(steps, steps) bucket of each key's position relative to the query's.

    Half of the buckets for keys before the query and half for those from it on; near distances have a bucket
    each, far ones share them by their logarithm (Raffel et al., T5, JMLR 2020, section 2.1).
    """
    at = torch.arange(steps, device=device)
    apart = at[None] - at[:, None]
    each, half = buckets // 4, buckets // 2
    far = each + (apart.abs().clamp_min(1) / each).log() / math.log(FARTHEST / each) * (half - each)
    near = torch.where(apart.abs() < each, apart.abs(), far.long().clamp_max(half - 1))
    return near + half * (apart > 0)
