"""all-mpnet-base-v2 as it ships: the language model of the text encoder in int8 shards, and its tokenizer."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.language_model import SCALE
from models.tensors import CHECKPOINTS, CheckpointError, load_tensors

FOLDER = CHECKPOINTS / "local" / "extractors" / "mpnet"
SHARDS = 6
TABLES = "embeddings."  # what the names of the tables begin with
TOKENIZER = "tokenizer.json"
PAD = "[PAD]"
REMEDY = "`git checkout -- checkpoints` restores it, `python -m models.shipped ship-mpnet` makes it again"


def shard_path(folder: Path, number: int) -> Path:
    """File of a shard, 1 … SHARDS."""
    return folder / f"model-{number}-of-{SHARDS}.safetensors"


def load_mpnet(folder: Path = FOLDER) -> dict[str, Tensor]:
    """{name in transformers' BertModel: float32} for an `AdaptedLanguageModel` of the shape MPNET.

    It reads BERT's token ids. A tensor that continues in the next shard has the same name there; a matrix is
    int8, its scales (rows,) float32: a table stays so (see `Table`), whose rows are looked up, others are
    multiplied by them. CheckpointError for a shard that is missing or damaged.
    """
    pieces: dict[str, list[Tensor]] = defaultdict(list)
    for number in range(1, SHARDS + 1):
        path = shard_path(folder, number)
        try:
            tensors, _ = load_tensors(path)
        except CheckpointError as error:
            raise CheckpointError(f"a part of the language model is no use: {error}; {REMEDY}") from error
        for name, tensor in tensors.items():
            pieces[name].append(tensor)
    stored = {name: torch.cat(parts) for name, parts in pieces.items()}
    for name in [name for name in stored if name.endswith(SCALE)]:
        matrix, scale = name.removesuffix(SCALE), stored[name]
        if scale.shape != stored[matrix].shape[:1]:
            raise CheckpointError(
                f"{folder}: {matrix} has {len(scale)} scales for {len(stored[matrix])} rows; {REMEDY}"
            )
        if not matrix.startswith(TABLES):
            stored[matrix] = stored[matrix] * stored.pop(name)[:, None]
    return stored


def load_tokenizer(folder: Path = FOLDER, most: int | None = None) -> Tokenizer:
    """BERT's uncased WordPiece, which pads what it encodes together.

    most : token ids of a text, with [CLS] and [SEP]; what is beyond is cut. CheckpointError where its file is
    missing or damaged.
    """
    path = folder / TOKENIZER
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing more special
        raise CheckpointError(f"{path} is missing or damaged: {error}; {REMEDY}") from error
    # Set up once, and from then on only read: threads share it.
    if most is not None:
        tokenizer.enable_truncation(most)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(PAD), pad_token=PAD)
    return tokenizer
