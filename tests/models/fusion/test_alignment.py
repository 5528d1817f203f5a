"""Words, voice and face on common steps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.fusion.alignment import Aligned, align, pad_steps
from models.types import MODALITIES, Features, Modality, Sequence


def sequence(values: list[float], times: list[tuple[float, float]] | None = None, padding: int = 0):
    """One row of one-coordinate states, with NaN in `padding` more steps; absent without values."""
    rows = torch.full((1, max(1, len(values)) + padding, 1), torch.nan)
    rows[0, : len(values), 0] = torch.tensor(values)
    stamps = None
    if times is not None:
        stamps = torch.full((*rows.shape[:2], 2), torch.nan)
        stamps[0, : len(times)] = torch.tensor(times)
    present = torch.tensor([bool(values)])
    return Sequence(rows, torch.tensor([max(1, len(values))]), present, times=stamps)


def batch(*rows: Features) -> Features:
    """Rows of one batch, right-padded with NaN."""
    merged = {}
    for modality in MODALITIES:
        parts = [row[modality] for row in rows]
        longest = max(part.values.shape[1] for part in parts)

        def stretch(x: torch.Tensor, longest: int = longest) -> torch.Tensor:
            return torch.nn.functional.pad(x, (0, 0, 0, longest - x.shape[1]), value=torch.nan)

        unknown = [torch.full((1, part.values.shape[1], 2), torch.nan) for part in parts]
        stamps = [u if part.times is None else part.times for u, part in zip(unknown, parts, strict=True)]
        merged[modality] = Sequence(
            torch.cat([stretch(part.values) for part in parts]),
            torch.cat([part.lengths for part in parts]),
            torch.cat([part.present for part in parts]),
            times=torch.cat([stretch(stamp) for stamp in stamps]),
        )
    return Features(**merged)


def aligned_steps(features: Features, most: int) -> Aligned:
    """`align` of what `FusionModel.normalised` leaves of features: zero wherever the mask is False."""
    return align(Features(**{m: replace(s, values=s.clean()) for m, s in features}), most)


def column(aligned, modality: Modality, row: int = 0) -> list[float]:
    """A modality's one coordinate at the steps of a row."""
    return aligned.states[modality][row, : aligned.lengths[row], 0].tolist()


# two pieces of one word, then a second word; voice every half second; a face in the second word alone
TIMED = Features(
    text=sequence([1.0, 3.0, 10.0], [(0.0, 1.0), (0.0, 1.0), (2.0, 3.0)], padding=2),
    audio=sequence(
        [2.0, 4.0, 6.0, 8.0, 5.0, 7.0],
        [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5), (1.5, 2.0), (2.0, 2.5), (2.5, 3.0)],
    ),
    vision=sequence([9.0], [(2.25, 2.5)], padding=1),
)
EVEN = Features(
    text=sequence([1.0, 2.0, 3.0, 4.0]),
    audio=sequence([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0], padding=1),
    vision=sequence([6.0, 8.0]),
)


def test_timed_words_are_the_steps():
    aligned = aligned_steps(TIMED, 24)
    assert aligned.lengths.tolist() == [2]
    assert aligned.spans[0].tolist() == [[0.0, 1.0], [2.0, 3.0]]
    assert column(aligned, Modality.TEXT) == [2.0, 10.0]
    assert column(aligned, Modality.AUDIO) == [3.0, 6.0]  # what is said between the words is in no step


def test_a_step_without_a_state_has_none_rather_than_a_zero_state():
    aligned = aligned_steps(TIMED, 24)
    assert column(aligned, Modality.VISION) == [0.0, 9.0]
    assert aligned.observed[Modality.VISION].tolist() == [[False, True]]


def test_a_state_counts_for_the_time_it_lasts_within_the_step():
    features = Features(
        text=sequence([1.0], [(0.0, 1.0)]),
        audio=sequence([0.0, 8.0], [(0.0, 0.75), (0.75, 1.75)]),
        vision=sequence([]),
    )
    assert column(aligned_steps(features, 24), Modality.AUDIO) == pytest.approx([2.0])


def test_without_times_the_steps_are_even():
    aligned = aligned_steps(EVEN, 24)
    assert aligned.lengths.tolist() == [4]
    for modality in (Modality.TEXT, Modality.AUDIO):
        assert column(aligned, modality) == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert column(aligned, Modality.VISION) == pytest.approx([6.0, 6.0, 8.0, 8.0])
    assert all(observed.all() for observed in aligned.observed.values())


def test_as_many_states_as_steps_pass_unchanged(make_features):
    values = torch.randn(3, 13, 5)
    every = torch.full((3,), 13), torch.ones(3, dtype=torch.bool)
    features = Features(*(Sequence(values, *every) for _ in MODALITIES))
    torch.testing.assert_close(aligned_steps(features, 24).states[Modality.AUDIO], values)


def test_typed_words_share_the_time_of_voice_and_face():
    features = Features(
        text=sequence([1.0, 2.0]),
        audio=sequence([3.0, 5.0], [(1.0, 2.0), (2.0, 3.0)]),
        vision=sequence([7.0], [(3.0, 5.0)]),
    )
    aligned = aligned_steps(features, 24)
    assert aligned.spans[0].tolist() == [[1.0, 3.0], [3.0, 5.0]]
    assert column(aligned, Modality.TEXT) == [1.0, 2.0]
    assert column(aligned, Modality.AUDIO) == [4.0, 0.0]
    assert column(aligned, Modality.VISION) == [0.0, 7.0]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_neighbours_share_a_step_where_there_are_too_many(most):
    timed = Features(
        text=sequence([1.0, 2.0, 3.0, 4.0], [(0, 1), (1, 2), (2, 3), (3, 4)]),
        audio=sequence([1.0, 2.0, 3.0, 4.0], [(0, 1), (1, 2), (2, 3), (3, 4)]),
        vision=sequence([]),
    )
    for features in (timed, EVEN):
        aligned = aligned_steps(features, most)
        assert aligned.lengths.tolist() == [most]
        words, voice = column(aligned, Modality.TEXT), column(aligned, Modality.AUDIO)
        assert words == pytest.approx(voice)
        assert words == sorted(words)
    assert column(aligned_steps(timed, 1), Modality.TEXT) == [2.5]


def test_steps_without_words_follow_the_longest_of_the_others():
    features = EVEN.only((Modality.AUDIO, Modality.VISION))
    assert aligned_steps(features, 24).lengths.tolist() == [8]
    assert aligned_steps(EVEN.only((Modality.VISION,)), 24).lengths.tolist() == [2]


def test_absent_stays_absent_and_poison_changes_nothing():
    kept = EVEN.only((Modality.TEXT, Modality.VISION))
    poisoned = Features(kept.text, sequence([torch.nan] * 8), kept.vision)
    poisoned = poisoned.only((Modality.TEXT, Modality.VISION))
    for features in (kept, poisoned):
        aligned = aligned_steps(features, 24)
        assert aligned.present.tolist() == [[True, False, True]]
        assert (aligned.states[Modality.AUDIO] == 0).all()
        assert not aligned.observed[Modality.AUDIO].any()
        assert column(aligned, Modality.VISION) == [6.0, 6.0, 8.0, 8.0]


def test_a_row_is_aligned_as_it_would_be_alone():
    nothing = Features(sequence([]), sequence([]), sequence([]))
    rows = [TIMED, EVEN, nothing, EVEN.only((Modality.VISION,))]
    together = aligned_steps(batch(*rows), 24)
    for i, row in enumerate(rows):
        alone = aligned_steps(row, 24)
        assert together.lengths[i] == alone.lengths[0]
        steps = int(alone.lengths[0])
        torch.testing.assert_close(together.spans[i, :steps], alone.spans[0])
        assert (together.spans[i, steps:] == 0).all()
        for modality in MODALITIES:
            torch.testing.assert_close(together.states[modality][i, :steps], alone.states[modality][0])
            assert (together.states[modality][i, steps:] == 0).all()
            assert together.observed[modality][i, :steps].tolist() == alone.observed[modality][0].tolist()


def test_hiding_a_modality_keeps_the_steps():
    aligned = aligned_steps(EVEN, 24)
    hidden = aligned.keep(torch.tensor([[False, True, True]]))
    assert hidden.lengths.tolist() == [4]
    assert (hidden.states[Modality.TEXT] == 0).all() and not hidden.observed[Modality.TEXT].any()
    assert column(hidden, Modality.AUDIO) == column(aligned, Modality.AUDIO)


def test_traces_are_padded_to_one_length():
    assert pad_steps(torch.ones(2, 3), 5).tolist() == [[1, 1, 1, 0, 0]] * 2
    assert pad_steps(torch.ones(2, 3, 4), 5).shape == (2, 5, 4)
