"""EF-LSTM, MFN and MFM: MMSA's weights in our modules give MMSA's output, up to the departures they list."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from models.config import ModalityWidths
from models.fusion.base import FusionModel
from models.fusion.discrepancy import discrepancy
from models.fusion.ef_lstm import EFLSTM, EarlyFusionConfig, EFLSTMConfig
from models.fusion.mfm import MFM, FactorWidths, MFMConfig, MFMLossFactors
from models.fusion.mfn import MFN, MemoryFusion, MemoryFusionConfig, MFNConfig
from models.registry import spec
from models.types import MODALITIES, Features, Modality
from tests.parity import mmsa
from tests.parity.weights import DIMS, copy, copy_cell, copy_self_feeding, stir

pytestmark = pytest.mark.parity

CLOSE = {"rtol": 0, "atol": 1e-5}
NAMES = ("ef_lstm", "mfn", "mfm")
LETTERS = dict(zip(MODALITIES, "lav", strict=True))  # MMSA's suffixes: language, audio, vision

HIDDEN = {"text": 10, "audio": 4, "vision": 6}
MFN_SHAPES = {"hidden_dims": [10, 4, 6], "memsize": 7} | {
    f"{network}Config": {"drop": 0.3, "shapes": width}
    for network, width in (("NN1", 8), ("NN2", 9), ("gamma1", 5), ("gamma2", 5), ("out", 6))
}
MFM_SHAPES = {"zy_size": 7, "zl_size": 6, "za_size": 4, "zv_size": 5} | {f"f{m}_size": 6 for m in "ylav"}
SHAPES = {
    "ef_lstm": {"hidden_dims": 8, "num_layers": 1, "dropout": 0.0, "seq_lens": 7},
    "mfn": MFN_SHAPES,
    "mfm": MFN_SHAPES | MFM_SHAPES,
}
ENCODER = MemoryFusionConfig(ModalityWidths(**HIDDEN), memory=7, attention=8, proposal=9, gates=5)


def pair(name: str, steps: int = 50) -> tuple[nn.Module, FusionModel]:
    """MMSA's network with random weights, and ours with the same, both in evaluation."""
    torch.manual_seed(2)
    theirs = mmsa.build(mmsa.hyper_parameters(name, tuple(DIMS.values()), **SHAPES[name])).eval()
    with torch.no_grad():  # as they start, their deep networks give nearly one score for everything
        for parameter in theirs.parameters():
            parameter.normal_(0, 0.5)
    if name == "ef_lstm":
        ours = EFLSTM(DIMS, EFLSTMConfig(steps, EarlyFusionConfig(hidden=8)))
        copy(theirs.lstm, ours.encoder.lstm)
        _copy_two(theirs.linear, theirs.out, ours.head)
        theirs.norm = nn.Identity()  # the departure of its own test below
    elif name == "mfn":
        ours = MFN(DIMS, MFNConfig(steps, ENCODER, head=6))
        _copy_memory_fusion(theirs, ours.encoder)
        _copy_two(theirs.out_fc1, theirs.out_fc2, ours.head)
    else:
        ours = _our_mfm(steps)
        _copy_mfm(theirs, ours)
    return theirs, ours.eval()


def _our_mfm(steps: int) -> MFM:
    config = MFMConfig(
        encoder_config=ENCODER,
        steps=steps,
        latents=FactorWidths(label=7, text=6, audio=4, vision=5),
        factors=FactorWidths(label=6, text=6, audio=6, vision=6),
        hidden=ModalityWidths(text=6, audio=4, vision=5),
        surrogate=4,
        factor_hidden=6,
        head=6,
        # MMSA's weights of the generation; it has none of the other losses
        weights=MFMLossFactors(text=0.5, audio=0.01, vision=0.5),
    )
    return MFM(DIMS, config)


def _copy_two(first: nn.Linear, second: nn.Linear, ours: nn.Sequential) -> None:
    copy(first, ours[0])
    copy(second, ours[-1])


def _copy_memory_fusion(theirs: nn.Module, ours: MemoryFusion) -> None:
    for modality, letter in LETTERS.items():
        copy_cell(getattr(theirs, f"lstm_{letter}"), ours.lstms[modality])
    networks = {"att1": "attention", "att2": "proposal", "gamma1": "retain", "gamma2": "update"}
    for network, part in networks.items():
        _copy_two(getattr(theirs, f"{network}_fc1"), getattr(theirs, f"{network}_fc2"), getattr(ours, part))


def _copy_mfm(theirs: nn.Module, ours: MFM) -> None:
    _copy_memory_fusion(theirs.mfn_encoder, ours.encoder)
    copy(theirs.last_to_zy_fc1, ours.label)
    for factor, letter in {"label": "y", **LETTERS}.items():
        first, second = (getattr(theirs, f"z{letter}_to_f{letter}_fc{i}") for i in (1, 2))
        _copy_two(first, second, ours.factors[factor])
    for modality, letter in LETTERS.items():
        encoder, decoder = getattr(theirs, f"encoder_{letter}"), getattr(theirs, f"decoder_{letter}")
        copy_cell(encoder.lstm, ours.subnets[modality].lstm)
        copy(encoder.fc1, ours.subnets[modality].heads[modality])
        copy_self_feeding(decoder.lstm, ours.generators[modality].lstm)
        copy(decoder.fc1, ours.generators[modality].draw)
    _copy_two(theirs.fy_to_y_fc1, theirs.fy_to_y_fc2, ours.head)


def scores(theirs: nn.Module, features: Features) -> Tensor:
    """(B,) of MMSA's network."""
    output = theirs(*(features[m].values for m in MODALITIES))
    return (output["M"] if isinstance(output, dict) else output[0])[:, 0]


def changed(features: Features, change) -> Features:
    """Features with `change(values)` as every modality's values and their length as lengths."""
    sequences = {}
    for modality, sequence in features:
        values = change(sequence.values)
        lengths = torch.full_like(sequence.lengths, values.shape[1])
        sequences[modality] = replace(sequence, values=values, lengths=lengths)
    return Features(**sequences)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_same_weights_give_the_same_score(name, features):
    theirs, ours = pair(name)
    expected = scores(theirs, features)
    assert expected.std() > 1e-3  # scores that differ between clips, or equality would say little
    torch.testing.assert_close(ours(features).score, expected, **CLOSE)
    alone = ours(features.select(torch.tensor([2]))).score  # which MMSA's EF-LSTM cannot do: it loses an axis
    torch.testing.assert_close(alone, expected[2:3], **CLOSE)


@torch.no_grad()
def test_mfns_encoding_and_attention_are_mmsas(features):
    theirs, ours = pair("mfn")
    evidence = []
    theirs.att1_fc2.register_forward_hook(lambda module, inputs, output: evidence.append(output))
    encoding = theirs(*(features[m].values for m in MODALITIES))["L"]
    prediction, attention = ours(features), torch.stack(evidence, dim=1).softmax(2)
    assert prediction.traces["attention"].shape[1] == 50
    parts = attention.unflatten(2, (2, -1)).split(tuple(HIDDEN.values()), dim=3)
    means = torch.stack([part.mean(3) for part in parts], dim=3)
    shares = means / means.sum((2, 3), keepdim=True)  # per coordinate: a wide LSTM has more of them
    torch.testing.assert_close(prediction.traces["attention"][:, :7], shares, **CLOSE)
    norms = encoding[:, -7:].norm(dim=1)
    torch.testing.assert_close(prediction.traces["memory_norm"][:, 6], norms, **CLOSE)


@torch.no_grad()
def test_mfm_generates_what_mmsa_generates(features):
    theirs, ours = pair("mfm")
    generated = {}
    for modality, letter in LETTERS.items():
        getattr(theirs, f"decoder_{letter}").fc1.register_forward_hook(
            lambda module, inputs, output, m=modality: generated.update({m: output.transpose(0, 1)})
        )
    _, generation_loss, _, _ = theirs(*(features[m].values for m in MODALITIES))
    reconstructions = ours(features).reconstructions
    for modality in MODALITIES:
        torch.testing.assert_close(reconstructions[modality][:, :7], generated[modality], **CLOSE)
    losses = ours.loss(features, torch.zeros(len(features)))
    ours_generation = sum(losses[f"generate_{m}"] for m in MODALITIES)
    torch.testing.assert_close(ours_generation, generation_loss, **CLOSE)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_reads_the_last_real_step_where_mmsa_runs_over_padding(name, features):
    theirs, ours = pair(name)
    expected = scores(theirs, features)
    longer = changed(features, lambda values: nn.functional.pad(values, (0, 0, 0, 4)))
    padded = Features(**{m: replace(s, lengths=s.lengths - 4) for m, s in longer})
    torch.testing.assert_close(ours(padded).score, expected, **CLOSE)
    assert (scores(theirs, padded) - expected).abs().max() > 1e-4


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_neighbours_share_a_step_where_there_are_more_words_than_steps(name, features):
    assert spec(name).config.steps < mmsa.STEPS
    theirs, ours = pair(name, steps=3)
    six = changed(features, lambda values: values[:, :6])
    means = changed(six, lambda values: values.unflatten(1, (3, 2)).mean(2))
    torch.testing.assert_close(ours(six).score, scores(theirs, means), **CLOSE)


@torch.no_grad()
def test_ef_lstm_standardises_coordinates_where_mmsa_normalises_step_numbers(features):
    theirs, ours = pair("ef_lstm")
    ours.set_normalisation(features)
    expected = scores(theirs, ours.normalised(features))  # MMSA's network without its BatchNorm
    torch.testing.assert_close(ours(features).score, expected, **CLOSE)
    theirs.norm = nn.BatchNorm1d(7)
    stir(theirs)
    assert (scores(theirs, features) - expected).abs().max() > 1e-4
    shorter = changed(features, lambda values: values[:, :5])
    with pytest.raises(RuntimeError):  # its number of steps is fixed
        scores(theirs, shorter)
    assert ours(shorter).score.isfinite().all()


@pytest.mark.parametrize("modality", MODALITIES)
@torch.no_grad()
def test_ef_lstm_without_a_modality_is_mmsas_with_zeros_in_its_block(modality, features):
    theirs, ours = pair("ef_lstm")
    silenced, poisoned = _without(features, modality)
    torch.testing.assert_close(ours(poisoned).score, scores(theirs, silenced), **CLOSE)


@pytest.mark.parametrize("modality", MODALITIES)
@torch.no_grad()
def test_mfn_without_a_modality_is_mmsas_with_its_states_and_attention_at_zero(modality, features):
    theirs, ours = pair("mfn")
    silenced, poisoned = _without(features, modality)
    zero_input = scores(theirs, silenced)
    cell = getattr(theirs, f"lstm_{LETTERS[modality]}")
    cell.register_forward_hook(lambda module, inputs, states: tuple(state * 0 for state in states))
    attended = torch.tensor([m != modality for m, width in HIDDEN.items() for _ in range(width)]).repeat(2)
    theirs.att1_fc2.register_forward_hook(
        lambda module, inputs, evidence: evidence.masked_fill(~attended, -torch.inf)
    )
    expected = scores(theirs, features)
    torch.testing.assert_close(ours(poisoned).score, expected, **CLOSE)
    # feeding zeros is not the same: the cell's biases speak, and get attention
    assert (zero_input - expected).abs().max() > 1e-4


def _without(features: Features, modality: Modality) -> tuple[Features, Features]:
    """What MMSA is fed without a modality, zeros, and what we are: absent, whatever its values."""
    others = tuple(m for m in MODALITIES if m != modality)
    silenced = Features(**{m: replace(s, values=s.values * (m != modality)) for m, s in features})
    poison = {m: replace(s, values=s.values / (m != modality)) for m, s in features}
    return silenced, Features(**poison).only(others)


@torch.no_grad()
def test_mfm_infers_a_missing_modality_where_mmsa_has_no_surrogate(features):
    theirs, ours = pair("mfm")
    *_, missing_loss = theirs(*(features[m].values for m in MODALITIES))
    assert missing_loss == 0
    assert ours.loss(features, torch.zeros(len(features)))["latents"] > 0
    silenced, poisoned = _without(features, Modality.VISION)
    imagined = ours(poisoned)
    assert imagined.reconstructions[Modality.VISION].isfinite().all()
    assert (imagined.score - scores(theirs, silenced)).abs().max() > 1e-4


def test_mfms_regulariser_sees_a_collapse_that_mmsas_kernel_hardly_sees():
    mfm = mmsa.part("models.singleTask.MFM")
    random = torch.Generator().manual_seed(0)
    collapsed, prior = torch.zeros(64, 80), torch.randn(64, 80, generator=random)
    within = [mfm.compute_kernel(x, x) for x in (collapsed, prior)]
    between = mfm.compute_kernel(collapsed, prior).mean()
    theirs = sum((k.sum() - k.diagonal().sum()) / (64 * 63) for k in within) - 2 * between
    assert theirs < 1e-3
    assert discrepancy(collapsed, prior) > 1


def test_ef_lstm_and_mfn_are_smaller_than_mmsas():
    for name in ("ef_lstm", "mfn"):
        theirs = mmsa.build(mmsa.hyper_parameters(name, tuple(DIMS.values())))
        assert spec(name).build(DIMS).sizes()["total"] < sum(p.numel() for p in theirs.parameters())
