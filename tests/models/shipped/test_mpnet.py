"""How the language model that ships is made: rounded, ordered for BERT's token ids, cut into shards."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer

from models.language_model import SCALE
from models.shipped.__main__ import main
from models.shipped.mpnet import WORDS, for_bert, rounded, sharded, tokenizer_json


def test_rounding_is_within_half_a_step_of_each_row():
    weights = {
        "matrix": torch.randn(400, 300) * torch.logspace(-3, 1, 400)[:, None],
        "bias": torch.randn(300),
    }
    weights["matrix"][7] = 0
    stored = rounded({**weights, "position_ids": torch.arange(4)})
    assert set(stored) == {"matrix", "matrix" + SCALE, "bias"} and stored["matrix"].dtype == torch.int8
    assert torch.equal(stored["bias"], weights["bias"])
    scale = stored["matrix" + SCALE][:, None]
    assert ((stored["matrix"] * scale - weights["matrix"]).abs() <= 0.501 * scale).all()


def test_shards_join_to_what_they_were_cut_from():
    tensors = {"a": torch.arange(1000).reshape(100, 10), "b": torch.randn(30), "c": torch.randn(50, 7)}
    shards = list(sharded(tensors, limit=2500))
    assert all(sum(t.nbytes for t in shard.values()) <= 2500 for shard in shards) and len(shards) == 4
    for name, tensor in tensors.items():
        assert torch.equal(torch.cat([shard[name] for shard in shards if name in shard]), tensor)


def test_word_embeddings_stand_in_the_order_of_berts_vocabulary():
    table = torch.arange(30527.0)[:, None]
    made = for_bert({WORDS: table, "pooler.dense.weight": torch.ones(2, 2)})
    assert set(made) == {WORDS} and made[WORDS].shape == (30522, 1)
    assert made[WORDS][[0, 100, 101, 102, 103, 30521], 0].tolist() == [4, 104, 0, 2, 107, 30525]


def test_the_tokenizer_is_made_of_a_list_of_words():
    made = Tokenizer.from_str(
        tokenizer_json(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "film", "##s"])
    )
    assert made.encode("Good FILMS?").tokens == ["[CLS]", "good", "film", "##s", "[UNK]", "[SEP]"]


@pytest.mark.parametrize("content", [None, b"other weights"])
def test_other_weights_are_refused(tmp_path, capsys, content):
    if content:
        (tmp_path / "model.safetensors").write_bytes(content)
    assert main(["ship-mpnet", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "model.safetensors" in said and ("as it was published" in said) == bool(content)
