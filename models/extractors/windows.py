"""Long rows of tokens, read by a model in overlapping windows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

ReadTokens = Callable[[Tensor, Tensor], Tensor]  # ids (B, T), lengths (B,) -> states (B, T, d)


def read_in_windows(read: ReadTokens, ids: Tensor, lengths: Tensor, window: int) -> Tensor:
    """States (B, T, d) of token ids (B, T), of which `read` sees at most `window` together.

    A row with more has windows that overlap by at least half, each between the row's first and last token
    ([CLS] and [SEP]); every state comes from the window in which its token stands most central.
    """
    if ids.shape[1] <= window:
        return read(ids, lengths)
    positions, places = [], []
    for length in lengths.tolist():
        inside, which, at = _windows(length, window)
        places.append((which + len(positions), at))
        positions += inside
    rows = [row for row, (which, _) in enumerate(places) for _ in range(int(which[-1] - which[0]) + 1)]
    windows = [ids[row, inside.to(ids.device)] for row, inside in zip(rows, positions, strict=True)]
    sizes = torch.tensor([len(inside) for inside in positions], device=ids.device)
    states = read(pad_sequence(windows, batch_first=True), sizes)
    joined = states.new_zeros(*ids.shape, states.shape[2])
    for row, (which, at) in enumerate(places):
        joined[row, : len(at)] = states[which.to(ids.device), at.to(ids.device)]
    return joined


def _windows(length: int, window: int) -> tuple[list[Tensor], Tensor, Tensor]:
    """The positions (n,) that each window of a row reads; each token's window, and its place there."""
    tokens = torch.arange(length)
    if length <= window:
        return [tokens], torch.zeros_like(tokens), tokens
    room = window - 2  # for what stands between the first and the last token
    steps = -(-(length - window) // (room // 2))
    starts = 1 + torch.arange(steps + 1) * (length - window) // steps
    ends = tokens[[0]], tokens[[-1]]
    inside = [torch.cat([ends[0], torch.arange(start, start + room), ends[1]]) for start in starts.tolist()]
    middles = (starts[:-1] + starts[1:] + room) // 2  # from here on the next window is as central, or more
    which = (tokens[:, None] >= middles).sum(1)
    return inside, which, tokens - starts[which] + 1
