"""Contrastive losses: who is compared with whom, and what a loss pulls together."""

from __future__ import annotations

import math

import pytest
import torch

from models.fusion.contrastive import (
    Pairs,
    UncertaintyWeights,
    alignment_loss,
    contrastive_loss,
    inter_modal_losses,
    intra_modal_losses,
)
from models.types import MODALITIES, Modality

TEXT, AUDIO, VISION = MODALITIES
TARGET = torch.tensor([1.0, 1.2, -2.0, 1.1])
# three rows with words, one row with a voice, two rows with a face
PRESENT = torch.tensor([[True, True, False], [True, False, True], [True, False, False], [False, False, True]])


@pytest.fixture
def pairs() -> Pairs:
    return Pairs(PRESENT, TARGET, margin=0.5)


def test_a_modality_compares_rows_that_both_have_it(pairs):
    assert pairs.unimodal[TEXT].nonzero().tolist() == [[0, 1], [0, 2], [1, 0], [1, 2], [2, 0], [2, 1]]
    assert not pairs.unimodal[AUDIO].any()  # one row alone has a voice
    assert pairs.unimodal[VISION].nonzero().tolist() == [[1, 3], [3, 1]]


def test_joint_embeddings_are_compared_where_they_share_a_modality(pairs):
    assert not pairs.joint[0, 3] and not pairs.joint[2, 3]
    assert pairs.joint[1, 3] and pairs.joint[0, 2]
    assert not pairs.joint.diagonal().any()


def test_scores_that_lie_close_make_a_positive_pair(pairs):
    assert pairs.alike[0].tolist() == [True, True, False, True]


def test_the_loss_of_a_pair_is_its_share_of_the_pair_and_the_negatives(pairs):
    embedding = torch.nn.functional.normalize(torch.randn(4, 5, generator=torch.manual_seed(0)), dim=1)
    s = (embedding @ embedding.T / 0.1).tolist()

    def pair(i: int, j: int, negatives: list[int]) -> float:
        return -math.log(math.exp(s[i][j]) / (math.exp(s[i][j]) + sum(math.exp(s[i][k]) for k in negatives)))

    # of text: rows 0 and 1 are alike and see row 2 as a negative; row 2 has nobody alike
    expected = (pair(0, 1, [2]) + pair(1, 0, [2])) / 2
    loss = contrastive_loss(3 * embedding, pairs.unimodal[TEXT], pairs.alike, 0.1)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_absent_rows_change_no_loss_and_get_no_gradient(pairs):
    embedding, joint = torch.randn(4, 5, requires_grad=True), torch.randn(4, 9)
    compared = pairs.unimodal[TEXT]
    losses = [
        contrastive_loss(embedding, compared, pairs.alike, 0.1),
        alignment_loss(joint, embedding, compared, 4.0),
    ]
    sum(losses).backward()
    assert (embedding.grad[3] == 0).all()
    assert (embedding.grad[:3] != 0).any(1).all()
    moved = torch.cat([embedding[:3], 100 * torch.randn(1, 5)])
    again = [
        contrastive_loss(moved, compared, pairs.alike, 0.1),
        alignment_loss(joint, moved, compared, 4.0),
    ]
    torch.testing.assert_close(losses, again)


def test_minimising_brings_like_scores_together():
    torch.manual_seed(0)
    target = torch.tensor([2.0, 2.1, 1.9, -2.0, -2.1, -1.9])
    pairs = Pairs(torch.ones(6, 3, dtype=torch.bool), target, margin=0.5)
    embedding = torch.randn(6, 4, requires_grad=True)
    optimizer = torch.optim.SGD([embedding], lr=0.5)
    for _ in range(200):
        optimizer.zero_grad()
        contrastive_loss(embedding, pairs.joint, pairs.alike, 0.1).backward()
        optimizer.step()
    direction = torch.nn.functional.normalize(embedding.detach(), dim=1)
    cosines = direction @ direction.T
    assert cosines[pairs.joint & pairs.alike].min() > cosines[~pairs.alike].max() + 0.3


def test_alignment_is_the_divergence_from_the_joint_neighbours():
    joint, embedding = torch.randn(5, 6, requires_grad=True), torch.randn(5, 4, requires_grad=True)
    compared = ~torch.eye(5, dtype=torch.bool)

    def neighbours(x: torch.Tensor, row: int) -> torch.Tensor:
        cosines = torch.nn.functional.cosine_similarity(x[row : row + 1], x)
        return (cosines[compared[row]] / 4.0).softmax(0)

    expected = 0.0
    for row in range(5):
        q, p = neighbours(joint, row), neighbours(embedding, row)
        expected = expected + (q * (q / p).log()).sum() / 5
    loss = alignment_loss(joint, embedding, compared, 4.0)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-3)
    loss.backward()
    assert joint.grad is None  # the teacher is not moved
    assert embedding.grad.abs().sum() > 0
    assert alignment_loss(embedding, embedding, compared, 4.0).item() == pytest.approx(0.0, abs=1e-6)


def test_a_batch_without_any_pair_costs_nothing_and_has_a_gradient():
    embedding = torch.randn(3, 4, requires_grad=True)
    nobody = torch.zeros(3, 3, dtype=torch.bool)
    loss = contrastive_loss(embedding, nobody, nobody, 0.1) + alignment_loss(
        embedding, embedding, nobody, 4.0
    )
    loss.backward()
    assert loss.item() == 0
    assert (embedding.grad == 0).all()


def test_only_modalities_with_pairs_have_a_loss_and_an_uncertainty(pairs):
    embeddings = {m: torch.randn(4, 5) for m in MODALITIES}
    losses = intra_modal_losses(embeddings, pairs, 0.1)
    assert set(losses) == {TEXT, VISION}
    assert set(inter_modal_losses(torch.randn(4, 15), embeddings, pairs, 4.0)) == {TEXT, VISION}
    weights = UncertaintyWeights()
    weights(losses).backward()
    assert weights.log_variance.grad[1] == 0


def test_uncertainty_settles_where_it_equals_the_loss():
    weights, loss = UncertaintyWeights(), {Modality.AUDIO: torch.tensor(4.0)}
    optimizer = torch.optim.SGD(weights.parameters(), lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        weights(loss).backward()
        optimizer.step()
    assert weights.log_variance[1].item() == pytest.approx(math.log(4.0), abs=1e-3)
    torch.testing.assert_close(weights.factors(), torch.tensor([1.0, 0.25, 1.0]), atol=1e-3, rtol=1e-3)
