"""Makes the language model that ships: all-mpnet-base-v2, its rows rounded to int8, in shards for git."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from torch import Tensor

from models.extractors.mpnet import PAD, SHARDS, TOKENIZER, shard_path
from models.language_model import MPNET, SCALE
from models.tensors import save_tensors

WEIGHTS, WORD_LIST = "model.safetensors", "vocab.txt"  # of the published folder
PUBLISHED = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"  # SHA-256 of its weights
SOURCE = "sentence-transformers/all-mpnet-base-v2"
# MPNet's vocabulary is BERT's, moved by four, with other special tokens before and behind it
BERT_TOKENS = slice(4, 4 + MPNET.vocabulary)
BEGIN, END = (101, 0), (102, 2)  # [CLS] and [SEP] of BERT, and the rows of <s> and </s> in MPNet's table
UNKNOWN, FIRST, LAST = "[UNK]", "[CLS]", "[SEP]"
WORDS, POSITIONS = "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight"
UNUSED_POSITIONS = 2  # MPNet's rows for padding, before the first token's
# the maps of a layer that MPNet names otherwise than BERT
BERT_NAMES = {
    "attention.attn.q": "attention.self.query",
    "attention.attn.k": "attention.self.key",
    "attention.attn.v": "attention.self.value",
    "attention.attn.o": "attention.output.dense",
    "attention.LayerNorm": "attention.output.LayerNorm",
}
SMALLEST_ROUNDED = 100_000  # entries of a matrix; relative positions have 384
SHARD_BYTES = 19_000_000

CARD = f"""---
license: apache-2.0
base_model: {SOURCE}
---
# MPNet: the frozen language model of the text encoder

[all-mpnet-base-v2](https://huggingface.co/{SOURCE}) (MPNet, Song et al., NeurIPS 2020; Apache License 2.0),
without its pooler, changed as follows: each row of a matrix is rounded to int8, symmetrically, with one
float32 scale a row (largest magnitude / 127); biases and layer norms are as published. The rows of the word
embeddings stand in the order of BERT's uncased vocabulary, tensors are named as in transformers' BertModel,
and a matrix may continue in the next shard. `{TOKENIZER}` is BERT's uncased WordPiece with that vocabulary.

Published weights: `{WEIGHTS}`, SHA-256 `{PUBLISHED}`.

Made by `python -m models.shipped ship-mpnet FOLDER`, from a folder with the published `{WEIGHTS}` and
`{WORD_LIST}`.
Nothing was trained: the sentiment adapters are in `../text.safetensors`.
"""


def ship_mpnet(source: Path, folder: Path) -> None:
    """Write shards, tokenizer and card into `folder` from the published files in `source`.

    ValueError where the weights are not those that were published, FileNotFoundError where one is missing.
    """
    weights = source / WEIGHTS
    if hashlib.sha256(weights.read_bytes()).hexdigest() != PUBLISHED:
        raise ValueError(f"{weights} is not {SOURCE} as it was published")
    words = (source / WORD_LIST).read_text(encoding="utf-8").splitlines()[BERT_TOKENS]
    shards = list(sharded(rounded(for_bert(as_bert(load_file(weights))))))
    if len(shards) != SHARDS:
        raise ValueError(f"there are {len(shards)} shards; {SHARDS} are looked for")
    for number, tensors in enumerate(shards, start=1):
        about = {"source": SOURCE, "sha256": PUBLISHED, "shape": asdict(MPNET), "shard": number}
        save_tensors(shard_path(folder, number), tensors, about)
    (folder / TOKENIZER).write_text(tokenizer_json(words) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(CARD, encoding="utf-8")


def as_bert(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of transformers' MPNetModel by the names of BertModel, their positions from the first token."""
    renamed = {}
    for name, tensor in weights.items():
        for theirs, own in BERT_NAMES.items():
            name = name.replace(f"{theirs}.", f"{own}.")
        renamed[name] = tensor[UNUSED_POSITIONS:] if name == POSITIONS else tensor
    return renamed


def for_bert(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same with word embeddings for BERT's token ids (30522, d) instead of MPNet's, and no pooler."""
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith("pooler.")}
    ordered = kept[WORDS][BERT_TOKENS].clone()
    for bert, row in (BEGIN, END):
        ordered[bert] = kept[WORDS][row]
    return {**kept, WORDS: ordered}


def rounded(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices as int8 with their scales (rows,) float32 beside them; what is smaller in float32."""
    stored = {}
    for name, tensor in weights.items():
        if not tensor.is_floating_point():  # position ids, which are counted anyhow
            continue
        tensor = tensor.float()
        if tensor.numel() < SMALLEST_ROUNDED:
            stored[name] = tensor
            continue
        scale = tensor.abs().amax(1).clamp_min(torch.finfo(torch.float32).tiny) / 127
        stored[name] = (tensor / scale[:, None]).round().to(torch.int8)
        stored[name + SCALE] = scale
    return stored


def sharded(tensors: Mapping[str, Tensor], limit: int = SHARD_BYTES) -> Iterator[dict[str, Tensor]]:
    """Shards of at most `limit` bytes; what does not fit continues in the next by its first dimension."""
    shard, room = {}, limit
    for name, tensor in tensors.items():
        row_bytes, start = tensor[0].nbytes, 0
        while start < len(tensor):
            rows = min(len(tensor) - start, room // row_bytes)
            if rows:
                shard[name] = tensor[start : start + rows]
                start, room = start + rows, room - rows * row_bytes
            else:
                yield shard
                shard, room = {}, limit
    yield shard


def tokenizer_json(words: list[str]) -> str:
    """BERT's uncased WordPiece with a vocabulary of `words`, in the format of the tokenizers library."""
    ids = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(WordPiece(ids, unk_token=UNKNOWN, max_input_chars_per_word=100))
    tokenizer.add_special_tokens([PAD, UNKNOWN, FIRST, LAST, "[MASK]"])
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single=f"{FIRST} $A {LAST}", special_tokens=[(word, ids[word]) for word in (FIRST, LAST)]
    )
    return tokenizer.to_str()
