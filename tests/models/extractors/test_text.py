"""The text encoder: the language model that ships, its adapters, its tokenizer, and long transcripts."""

from __future__ import annotations

import shutil

import pytest
import torch
from safetensors.torch import save_file

from models.extractors import mpnet
from models.extractors.local_profile import LocalProfile
from models.extractors.mpnet import FOLDER, load_mpnet, load_tokenizer, shard_path
from models.extractors.text import MAX_TOKENS, WINDOW, TextEncoder
from models.extractors.windows import read_in_windows
from models.language_model import MPNET, SCALE, AdaptedLanguageModel
from models.tensors import CHECKPOINTS, CheckpointError, load_strictly, load_tensors
from models.types import Modality

CLS, SEP = 101, 102


@pytest.fixture(scope="module")
def profile() -> LocalProfile:
    return LocalProfile.load()


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped language model."""
    return shutil.copytree(FOLDER, tmp_path / "mpnet")


def sees(ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    """Stands for a model: of each token its id, how many tokens it sees before it, and how many after."""
    at = torch.arange(ids.shape[1]).expand_as(ids)
    return torch.stack([ids, at, lengths[:, None] - 1 - at], dim=2).float()


@torch.no_grad()
def test_merged_adapters_give_the_states_of_those_that_learn(profile):
    path = CHECKPOINTS / "local" / "extractors" / "text.safetensors"
    encoder = TextEncoder().eval()
    load_strictly(encoder.trained(), load_tensors(path)[0], path)
    ids, lengths = encoder.tokenize(["i really liked it", "what a long and boring film it was"])
    mask = torch.arange(ids.shape[1]) < lengths[:, None]
    torch.testing.assert_close(
        profile.text.states(ids, lengths)[mask], encoder.states(ids, lengths)[mask], atol=1e-4, rtol=1e-4
    )


@torch.no_grad()
def test_a_fusion_method_shares_the_language_model_of_the_words(profile):
    model = AdaptedLanguageModel(MPNET, adapters="low_rank", rank=4, alpha=8)
    model.attach(profile.language_model())
    theirs = profile.text.language_model.weights()
    assert all(tensor.data_ptr() == theirs[name].data_ptr() for name, tensor in model.weights().items())
    ids, lengths = profile.text.tokenize(["i really liked it"])
    expected = profile.text.states(ids, lengths)[..., : TextEncoder.width]
    torch.testing.assert_close(model(ids, lengths), expected, atol=1e-4, rtol=1e-4)


def test_words_are_split_as_bert_splits_them():
    tokenizer = load_tokenizer()
    encoding = tokenizer.encode("I wasn't naïve, but 中国 ☃!")
    words = "i wasn ' t naive , but 中 国 [UNK] !"
    assert encoding.tokens == ["[CLS]", *words.split(), "[SEP]"]
    assert encoding.ids[0] == CLS and encoding.ids[-1] == SEP and encoding.ids[10] == 100
    assert encoding.offsets[5] == (9, 14)
    padded = tokenizer.encode_batch(["good", "a good film"])[0]
    assert padded.ids == [CLS, 2204, SEP, 0, 0] and sum(padded.attention_mask) == 3


def test_a_row_that_fits_is_read_whole():
    ids, lengths = torch.arange(20).reshape(2, 10), torch.tensor([10, 3])
    assert torch.equal(read_in_windows(sees, ids, lengths, 10), sees(ids, lengths))


@pytest.mark.parametrize("length", [11, 12, 15, 16, 37, 100])
def test_every_token_of_a_long_row_is_read_once_where_it_stands_most_central(length):
    window = 10
    ids = torch.zeros(3, length, dtype=torch.long)
    lengths = torch.tensor([length, 4, 10])
    for row, size in zip(ids, lengths.tolist(), strict=True):
        row[:size] = torch.arange(size)
    states = read_in_windows(sees, ids, lengths, window)
    assert states.shape == (3, length, 3)
    for row, size in zip(states, lengths.tolist(), strict=True):
        assert torch.equal(row[:size, 0], torch.arange(size).float())
        assert (row[:size, 1:].sum(1) == min(size, window) - 1).all()
        assert row[0, 1] == 0 and row[size - 1, 2] == 0
    # a quarter of a window or more on both sides, but near the ends, where there is nothing more to see
    inner = states[0, 1:-1]
    before, after = torch.arange(1, length - 1), length - 1 - torch.arange(1, length - 1)
    assert (inner[:, 1] >= torch.minimum(before, torch.tensor(2 + 1))).all()
    assert (inner[:, 2] >= torch.minimum(after, torch.tensor(2 + 1))).all()


def test_windows_do_not_change_with_the_batch():
    ids, lengths = torch.randint(5, 90, (4, 50)), torch.tensor([50, 7, 33, 12])
    together = read_in_windows(sees, ids, lengths, 12)
    for row in range(4):
        length = int(lengths[row])
        alone = read_in_windows(sees, ids[row : row + 1, :length], lengths[row : row + 1], 12)
        assert torch.equal(together[row, :length], alone[0])


def test_a_long_transcript_is_read_to_its_end(profile):
    start = "it was a film about a town by the sea and the people there " * 12
    good, bad = (profile.read(start + end).sequence for end in ("i loved it", "i hated it"))
    length = int(good.lengths[0])
    assert WINDOW < length < MAX_TOKENS and good.ids is not None
    ids = good.ids[0]
    assert ids[0] == CLS and ids[-1] == SEP and (ids == CLS).sum() == (ids == SEP).sum() == 1
    words = profile.read(start + "i loved it")
    assert len(words.tokens) == len(words.token_spans) == length
    assert all(
        (start + "i loved it")[a:b] == token
        for token, (a, b) in zip(words.tokens[1:-1], words.token_spans[1:-1], strict=True)
    )
    assert (good.values[0, -4:, -1] - bad.values[0, -4:, -1]).mean() > 1
    torch.testing.assert_close(good.values[0, : length // 2], bad.values[0, : length // 2])
    torch.testing.assert_close(
        profile.embed_text(["short", start + "i loved it"])[1], good.values[0], atol=1e-4, rtol=1e-4
    )


def test_what_no_method_could_read_is_cut(profile):
    words = profile.read("so good " * 400)
    assert words.sequence.values.shape == (1, MAX_TOKENS, profile.dims[Modality.TEXT])
    assert words.tokens[-1] == "[SEP]"


def damage(folder, how):
    path = shard_path(folder, 3)
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    elif how == "other":
        tensors, _ = load_tensors(shard_path(folder, 2))
        save_file(tensors, path, {"format": "1", "meta": "{}"})
    else:
        tensors, _ = load_tensors(path)
        name = next(name for name in tensors if name.endswith(SCALE))
        save_file({**tensors, name: tensors[name][:5].clone()}, path, {"format": "1", "meta": "{}"})


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("gone", "there is no file .*model-3-of-6"),
        ("cut", "model-3-of-6.* is damaged"),
        ("other", "scales for .* rows"),
        ("scales", "scales for .* rows"),
    ],
)
def test_a_missing_or_damaged_part_is_named_with_a_remedy(folder, how, said):
    damage(folder, how)
    with pytest.raises(CheckpointError, match=rf"{said}.*git checkout -- checkpoints"):
        TextEncoder(folder=folder)


def test_a_missing_or_damaged_tokenizer_is_named(folder):
    for break_it in (lambda path: path.write_text("{}"), lambda path: path.unlink()):
        break_it(folder / mpnet.TOKENIZER)
        with pytest.raises(CheckpointError, match=r"tokenizer.json is missing or damaged.*git checkout"):
            load_tokenizer(folder)


def test_what_ships_is_the_whole_language_model():
    weights = load_mpnet()
    with torch.device("meta"):
        wanted = AdaptedLanguageModel(MPNET, adapters="full", rank=1, alpha=1).weights()
    shapes = {name: tensor.shape for name, tensor in weights.items() if not name.endswith(SCALE)}
    assert shapes == {name: tensor.shape for name, tensor in wanted.items()}
    small = {name for name, tensor in weights.items() if tensor.dtype != torch.float32}
    assert small == {f"embeddings.{table}_embeddings.weight" for table in ("word", "position")}


@torch.no_grad()
def test_tables_may_stay_in_int8(profile):
    weights, (ids, lengths) = load_mpnet(), profile.text.tokenize(["i loved it", "what a boring film it was"])
    restored = {
        name: tensor * weights[name + SCALE][:, None] if name + SCALE in weights else tensor
        for name, tensor in weights.items()
        if not name.endswith(SCALE)
    }
    states = []
    for given, adapters in ((restored, "low_rank"), (weights, "low_rank"), (weights, "full")):
        model = AdaptedLanguageModel(MPNET, adapters=adapters, rank=1, alpha=1)
        model.attach(given)
        states.append(model(ids, lengths))
    assert torch.equal(states[0], states[1]) and torch.equal(states[0], states[2])
