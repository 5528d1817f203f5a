"""What every method in the registry promises, whatever it computes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace

import pytest
import torch

from models.checkpoint import fusion_path, load_fusion, subset_name
from models.extractors.local_profile import LocalProfile
from models.registry import FUSION_MODELS, spec
from models.types import MODALITIES, Features, Modality, Prediction, Sequence

METHODS = pytest.mark.parametrize("name", FUSION_MODELS)
SUBSETS = pytest.mark.parametrize("subset", Modality.subsets(), ids=subset_name)
LARGEST_FILE = 20_000_000  # bytes, per method


@pytest.fixture
def build(build_method, make_features):
    """build(name) -> the method with its registry configuration, normalisation set, in eval mode."""

    def build(name: str):
        torch.manual_seed(7)
        model = build_method(name)
        model.set_normalisation(make_features(64, seed=99))
        return model.eval()

    return build


def tensors(prediction: Prediction) -> dict[str, torch.Tensor]:
    """All that a prediction holds, by name."""
    found = {"score": prediction.score, **prediction.traces}
    found |= {f"reconstruction of {m}": x for m, x in prediction.reconstructions.items()}
    if prediction.logits is not None:
        found["logits"] = prediction.logits
    if prediction.weights is not None:
        found["weights"] = prediction.weights.values
    return found


def assert_same(one: Prediction, other: Prediction, **tolerance: float) -> None:
    one, other = tensors(one), tensors(other)
    assert one.keys() == other.keys()
    for name in one:
        pair = same_steps(one[name], other[name])
        torch.testing.assert_close(*pair, msg=lambda m, n=name: f"{n}: {m}", **tolerance)


def same_steps(one: torch.Tensor, other: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both with the steps of the longer: a batch's padding is zeros, and says nothing of a clip."""
    shape = [max(sizes) for sizes in zip(one.shape, other.shape, strict=True)]
    padded = [torch.zeros(shape), torch.zeros(shape)]
    for target, tensor in zip(padded, (one, other), strict=True):
        target[tuple(slice(size) for size in tensor.shape)] = tensor
    return padded[0], padded[1]


@METHODS
@SUBSETS
@torch.no_grad()
def test_a_clip_alone_gets_the_answer_it_gets_in_a_batch(name, subset, build, make_features):
    model, batch = build(name), make_features(5).only(subset)
    together = model(batch)
    for row in range(5):
        alone = tensors(model(batch.select(torch.tensor([row]))))
        for key, value in tensors(together).items():
            torch.testing.assert_close(*same_steps(value[row : row + 1], alone[key]), atol=1e-5, rtol=1e-4)


@METHODS
@torch.no_grad()
def test_rows_of_one_batch_may_lack_different_modalities(name, build, make_features):
    model, features = build(name), make_features(7)
    kept = torch.tensor([[m in subset for m in MODALITIES] for subset in Modality.subsets()])
    mixed = model(features.keep(kept)).score
    for row, subset in enumerate(Modality.subsets()):
        alone = model(features.only(subset)).score[row]
        torch.testing.assert_close(mixed[row], alone, atol=1e-5, rtol=1e-4)


@METHODS
@torch.no_grad()
def test_two_runs_are_identical(name, build, make_features):
    model, features = build(name), make_features(6)
    assert_same(model(features), model(features), atol=0, rtol=0)


@METHODS
@SUBSETS
@torch.no_grad()
def test_what_stands_in_an_absent_modality_changes_nothing(name, subset, build, make_features):
    model, features = build(name), make_features(4).only(subset)
    poisoned = Features(
        **{
            m: s
            if m in subset
            else replace(s, values=torch.full_like(s.values, torch.nan), lengths=s.lengths * 0)
            for m, s in features
        }
    )
    assert_same(model(features), model(poisoned), atol=0, rtol=0)


@METHODS
@torch.no_grad()
def test_padding_changes_nothing(name, build, make_features):
    model, features = build(name), make_features(4)
    longer = Features(
        **{
            m: replace(s, values=torch.cat([s.values, torch.full_like(s.values, 1e3)], dim=1))
            for m, s in features
        }
    )
    assert_same(model(features), model(longer), atol=1e-6, rtol=1e-5)


@METHODS
@torch.no_grad()
def test_whatever_is_left_of_nothing_is_the_same_answer(name, build, make_features):
    scores = build(name)(make_features(6).keep(torch.zeros(6, 3, dtype=torch.bool))).score
    torch.testing.assert_close(scores, scores[:1].expand(6), atol=1e-6, rtol=0)


@METHODS
def test_the_optimiser_gets_every_parameter_once(name, build_method):
    model = build_method(name)
    given = [id(p) for group in model.parameter_groups(1e-3) for p in group["params"]]
    assert sorted(given) == sorted(id(p) for p in model.parameters() if p.requires_grad)


@METHODS
@SUBSETS
@torch.no_grad()
def test_every_subset_gives_finite_scores_in_range(name, subset, build, make_features):
    model, features = build(name), make_features(32)
    loud = Features(**{m: replace(s, values=s.values * 100) for m, s in features})
    for batch in (features, loud):
        prediction = model(batch.only(subset))
        assert prediction.score.shape == (32,)
        assert prediction.score.abs().max() <= 3
        for key, value in tensors(prediction).items():
            assert len(value) == 32, key
            assert value.isfinite().all(), key


@METHODS
@SUBSETS
@torch.no_grad()
def test_weights_sum_to_one_over_present_modalities(name, subset, build, make_features):
    prediction = build(name)(make_features(5).only(subset))
    assert (prediction.weights and prediction.weights.kind) == spec(name).weights_kind
    if prediction.weights is not None:
        absent = [i for i, m in enumerate(MODALITIES) if m not in subset]
        torch.testing.assert_close(prediction.weights.values.sum(1), torch.ones(5))
        assert (prediction.weights.values[:, absent] == 0).all()


@METHODS
@torch.no_grad()
def test_the_entry_says_what_the_method_returns(name, build, make_features):
    method, prediction = spec(name), build(name)(make_features(3).only((Modality.TEXT,)))
    assert method.name == name
    assert method.kind == ("regression" if prediction.logits is None else "classification")
    assert method.reconstructs == bool(prediction.reconstructions)


@METHODS
def test_settings_come_back_from_the_json_of_a_checkpoint(name):
    method = spec(name)
    for config in (method.config, method.features_config):
        assert method.read_config(json.loads(json.dumps(asdict(config)))) == config


@METHODS
@torch.no_grad()
def test_two_threads_may_share_a_model(name, build, make_features):
    model = build(name)
    batches = [make_features(6, seed=i) for i in range(2)]
    expected = [model(batch) for batch in batches]

    def run(i: int) -> Prediction:
        with torch.no_grad():
            return model(batches[i % 2])

    with ThreadPoolExecutor(2) as pool:
        for i, prediction in enumerate(pool.map(run, range(20))):
            assert_same(prediction, expected[i % 2], atol=1e-6, rtol=1e-5)


@METHODS
def test_training_copes_with_rows_and_batches_that_lack_modalities(name, build, make_features):
    model = build(name).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    features, target = make_features(8), torch.linspace(-3, 3, 8)
    one_has_all = torch.ones(8, 3, dtype=torch.bool)
    one_has_all[1:, 1:] = False
    for batch in (features.keep(one_has_all), *(features.only(subset) for subset in Modality.subsets())):
        losses = model.training_step(batch, target, optimizer, progress=0.5)
        assert losses and all(torch.tensor(value).isfinite() for value in losses.values())
    for key, tensor in model.state_dict().items():
        assert tensor.isfinite().all(), key


@METHODS
def test_absent_rows_leave_the_running_statistics_alone(name, build, make_features):
    model = build(name).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    before = {key: buffer.clone() for key, buffer in model.named_buffers()}
    model.training_step(make_features(8).only((Modality.TEXT,)), torch.zeros(8), optimizer, progress=0.0)
    for key, buffer in model.named_buffers():
        assert torch.equal(buffer, before[key]), key


@METHODS
@pytest.mark.slow
def test_learns_a_score_that_each_modality_knows_a_part_of(name, dims, build_method):
    torch.manual_seed(0)
    train, target = parts_of_a_score(512, dims)
    held_out, truth = parts_of_a_score(256, dims)
    model = build_method(name)
    model.set_normalisation(train)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    with torch.no_grad():
        loss_before = sum(model.loss(held_out, truth).values()).item()
    for epoch in range(8):
        for rows in torch.randperm(512).split(64):
            model.training_step(train.select(rows), target[rows], optimizer, epoch / 8)
    model.eval()
    model.calibrate(*parts_of_a_score(256, dims))
    with torch.no_grad():
        assert sum(model.loss(held_out, truth).values()).item() < loss_before
        score = model(held_out).score
        everything = torch.corrcoef(torch.stack([score, truth]))[0, 1]
        words = model(held_out.only((Modality.TEXT,))).score
        words_alone = torch.corrcoef(torch.stack([words, truth]))[0, 1]
    assert everything > 0.8
    assert everything > words_alone + 0.1


@METHODS
@torch.no_grad()
def test_the_shipped_checkpoint_answers_for_every_subset(name, make_features):
    path = fusion_path(name)
    if not path.exists():
        pytest.skip(f"{name} has no shipped weights yet")
    assert path.stat().st_size < LARGEST_FILE
    checkpoint = load_fusion(name, language_model=lambda: LocalProfile.load().language_model())
    meta, model = checkpoint.meta, checkpoint.model
    assert not model.training
    assert meta.figures and meta.training
    assert set(meta.fingerprints) == set(MODALITIES)
    dims = {m: meta.dims[m] for m in MODALITIES}
    features = make_features(4, dims=dims)
    for subset in Modality.subsets():
        assert 0 < meta.quantile(subset) < 6
        assert model(features.only(subset)).score.isfinite().all()


def parts_of_a_score(rows: int, dims: dict[Modality, int]) -> tuple[Features, torch.Tensor]:
    """Features whose first coordinates, under noise, add up to the target (rows,)."""
    target, sequences = torch.zeros(rows), {}
    for modality, dim in dims.items():
        part = torch.randn(rows)
        values = 0.5 * torch.randn(rows, 8, dim)
        values[:, :, 0] += part[:, None]
        present = torch.ones(rows, dtype=torch.bool)
        # a method that runs the language model finds the same part in its token ids
        ids = (10 * (values[:, :, 0].clamp(-3, 3) + 3)).long() if modality is Modality.TEXT else None
        sequences[modality] = Sequence(values, torch.randint(3, 9, (rows,)), present, ids)
        target += part
    return Features(**sequences), target.clamp(-3, 3)


@METHODS
def test_a_folder_of_the_hubs_kind_gives_the_model_back(name, build, tmp_path):
    model = build(name)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert (again.dims, again.config, again.training) == (model.dims, model.config, False)
    assert again.state_dict().keys() == model.state_dict().keys()
    for key, tensor in again.state_dict().items():
        torch.testing.assert_close(tensor, model.state_dict()[key], rtol=0, atol=0)
    assert "library_name: fusebox" in (tmp_path / "README.md").read_text()
