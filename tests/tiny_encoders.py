"""Encoders of transformers' own classes, tiny and untrained, in folders as save_pretrained writes them."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import (
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
    XLMRobertaConfig,
    XLMRobertaModel,
)

from models.extractors.hub.encoders import HubEncoders

SENTENCES = ["i really liked it", "the film was bad", "what a good day", "it was terrible"]
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "initializer_range": 0.2,  # so that a state depends on the others
}


def write_encoders(folder: Path, seed: int = 0) -> HubEncoders:
    """A text encoder of 32 positions, a speech encoder of 20 ms frames, two towers of pictures of 32."""
    torch.manual_seed(seed)
    text = XLMRobertaModel(XLMRobertaConfig(vocab_size=80, max_position_embeddings=34, **SMALL))
    text.save_pretrained(folder / "text")
    _tokenizer().save_pretrained(folder / "text")
    speech = Wav2Vec2Config(
        conv_dim=(8, 8, 8),
        conv_stride=(5, 8, 8),
        conv_kernel=(10, 8, 8),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        **SMALL,
    )
    Wav2Vec2Model(speech).save_pretrained(folder / "audio")
    Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder / "audio")
    towers = SiglipConfig(
        text_config={**SMALL, "vocab_size": 50},
        vision_config={**SMALL, "image_size": 32, "patch_size": 16},
    )
    SiglipModel(towers).save_pretrained(folder / "vision")
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder / "vision")
    return HubEncoders(*(str(folder / name) for name in ("text", "audio", "vision")))


def _tokenizer() -> PreTrainedTokenizerFast:
    """Pieces of words with the space before them, as XLM-R's and Gemma's."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=32,
    )
