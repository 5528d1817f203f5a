"""A language model small enough for tests, for the methods that run one themselves."""

from __future__ import annotations

from dataclasses import replace

import torch
from transformers import BertConfig, BertModel

from models.config import Config
from models.fusion.lrcmt import LRCMTConfig
from models.language_model import LanguageModelShape
from models.registry import spec

SHAPE = LanguageModelShape(vocabulary=128, positions=40, width=32, layers=2, heads=4, intermediate=64)


def bert_config() -> BertConfig:
    """SHAPE in the words of transformers."""
    return BertConfig(
        vocab_size=SHAPE.vocabulary,
        max_position_embeddings=SHAPE.positions,
        hidden_size=SHAPE.width,
        num_hidden_layers=SHAPE.layers,
        num_attention_heads=SHAPE.heads,
        intermediate_size=SHAPE.intermediate,
        initializer_range=0.3,
    )


def random_weights() -> dict[str, torch.Tensor]:
    """{name in transformers' BertModel: tensor}, the same at every call."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return BertModel(bert_config(), add_pooling_layer=False).state_dict()


def with_small_language_model(name: str) -> Config:
    """The registry's settings of a method, a language model in it shrunk to SHAPE."""
    config = spec(name).config
    return replace(config, language_model=SHAPE) if isinstance(config, LRCMTConfig) else config
