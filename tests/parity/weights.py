"""Copies weights of MMSA's networks into the same parts of ours."""

from __future__ import annotations

import torch
from torch import nn

from models.fusion.layers import SubNets, TextSubNet, TimeMeanSubNet

DIMS = {"text": 12, "audio": 6, "vision": 8}  # widths of the states in these tests


def copy(theirs: nn.Module, ours: nn.Module) -> None:
    """All of theirs into ours, of the same names and shapes."""
    ours.load_state_dict(theirs.state_dict())


def copy_subnets(theirs: nn.Module, ours: SubNets) -> None:
    """The subnets of TFN and LMF."""
    _copy_time_mean(theirs.audio_subnet, ours.audio)
    _copy_time_mean(theirs.video_subnet, ours.vision)
    _copy_text(theirs.text_subnet, ours.text)


def copy_cell(theirs: nn.LSTMCell, ours: nn.LSTM) -> None:
    """A cell that is stepped by hand into one layer that steps by itself."""
    ours.load_state_dict({f"{name}_l0": tensor for name, tensor in theirs.state_dict().items()})


def copy_self_feeding(theirs: nn.LSTMCell, ours: nn.LSTM) -> None:
    """A cell fed its own hidden state into an LSTM whose later inputs are zero: one matrix for both."""
    copy_cell(theirs, ours)
    ours.weight_hh_l0.data += theirs.weight_ih


def stir(network: nn.Module, seed: int = 5) -> nn.Module:
    """Random BatchNorm statistics and shifts, as after training, so that ignoring one would show."""
    random = torch.Generator().manual_seed(seed)
    for norm in (m for m in network.modules() if isinstance(m, nn.BatchNorm1d)):
        for tensor, low in ((norm.running_mean, -1.0), (norm.running_var, 0.5), (norm.bias, -1.0)):
            tensor.data.uniform_(low, low + 2, generator=random)
    return network.eval()


def _copy_time_mean(theirs: nn.Module, ours: TimeMeanSubNet) -> None:
    copy(theirs.norm, ours.norm)
    for linear, number in zip(ours.linears, (1, 2, 3), strict=True):
        copy(getattr(theirs, f"linear_{number}"), linear)


def _copy_text(theirs: nn.Module, ours: TextSubNet) -> None:
    copy(theirs.rnn, ours.lstm)
    copy(theirs.linear_1, ours.linear)
