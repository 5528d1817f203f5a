"""Speed of our methods beside MMSA's networks at MMSA's own MOSI sizes, and of every shipped method.

    python tests/benchmarks/beside_mmsa.py [cpu|cuda] [--steps 5] [--only lmf,tfn] [--no-shipped] [--least 1]

Batch 64, 50 steps, widths 768 / 5 / 20; both sides take turns, call by call, and their medians are compared,
so that only the ratio is to be quoted. Of ours the share of matrix products and LSTM kernels is given, too,
which MMSA's need as well: the ratio by this share is what nothing else would leave. Exit code 1 where a ratio
falls below --least.

MFM answers with the score and all that it generates, on both sides; in training ours learns its surrogates
and to imagine what is hidden, for which MMSA has nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.checkpoint import load_fusion  # noqa: E402
from models.config import ModalityWidths  # noqa: E402
from models.fusion.base import FusionModel  # noqa: E402
from models.fusion.ef_lstm import EFLSTM, EarlyFusionConfig, EFLSTMConfig  # noqa: E402
from models.fusion.layers import SubNetsConfig  # noqa: E402
from models.fusion.lmf import LMF, LMFConfig  # noqa: E402
from models.fusion.mfm import MFM, FactorWidths, MFMConfig  # noqa: E402
from models.fusion.mfn import MFN, MemoryFusionConfig, MFNConfig  # noqa: E402
from models.fusion.tfn import TFN, TFNConfig  # noqa: E402
from models.registry import FUSION_MODELS  # noqa: E402
from models.types import MODALITIES, Features, Modality, Sequence  # noqa: E402
from tests.benchmarks.results import keep_latest  # noqa: E402
from tests.parity import mmsa  # noqa: E402

WIDTHS = dict(zip(MODALITIES, (768, 5, 20), strict=True))
BATCH, REPEATS = 64, 5
CLIP = {Modality.TEXT: 24, Modality.AUDIO: 60, Modality.VISION: 30}  # states of a clip of some six seconds
PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "mkldnn_rnn_layer", "mkldnn_rnn_layer_backward")
UTTERANCE_METHODS = ("tfn", "lmf")  # MMSA gives them one audio and one vision state an utterance


def features(
    rows: int, steps: dict[Modality, int], widths: dict[Modality, int], ids: bool = False
) -> Features:
    """Random states of `rows` utterances, always the same; with token ids where a method may want them."""
    generator = torch.Generator().manual_seed(0)
    parts = {}
    for m in MODALITIES:
        tokens = None
        if ids and m is Modality.TEXT:
            tokens = torch.randint(1000, 20_000, (rows, steps[m]), generator=generator)
        values = torch.randn(rows, steps[m], widths[m], generator=generator)
        lengths, present = torch.full((rows,), steps[m]), torch.ones(rows, dtype=torch.bool)
        parts[str(m)] = Sequence(values, lengths, present, tokens)
    return Features(**parts)


def ours(name: str, sizes: SimpleNamespace) -> FusionModel:
    """Our network at MMSA's sizes."""
    if name == "ef_lstm":
        model = EFLSTM(WIDTHS, EFLSTMConfig(mmsa.STEPS, EarlyFusionConfig(sizes.hidden_dims), dropout=0.5))
        inputs = sum(WIDTHS.values())  # theirs is deeper
        model.encoder.lstm = nn.LSTM(inputs, sizes.hidden_dims, sizes.num_layers, batch_first=True)
        return model
    text, audio, vision = sizes.hidden_dims
    if name in ("mfn", "mfm"):
        encoder = MemoryFusionConfig(
            ModalityWidths(text, audio, vision),
            sizes.memsize,
            attention=sizes.NN1Config["shapes"],
            proposal=sizes.NN2Config["shapes"],
            # theirs differ: as many units in both together
            gates=(sizes.gamma1Config["shapes"] + sizes.gamma2Config["shapes"]) // 2,
            dropout=0.3,
        )
        if name == "mfn":
            return MFN(WIDTHS, MFNConfig(mmsa.STEPS, encoder, head=sizes.outConfig["shapes"]))
        private = ModalityWidths(sizes.zl_size, sizes.za_size, sizes.zv_size)
        config = MFMConfig(
            encoder_config=encoder,
            steps=mmsa.STEPS,
            latents=FactorWidths(*asdict(private).values(), label=sizes.zy_size),
            factors=FactorWidths(sizes.fl_size, sizes.fa_size, sizes.fv_size, label=sizes.fy_size),
            hidden=private,
            factor_hidden=sizes.fy_size,
            head=sizes.fy_size,
        )
        return MFM(WIDTHS, config)
    width = sizes.text_out if name == "tfn" else text // 2
    subnets = SubNetsConfig("last", text, 0.3, 0.3, text_out=width, audio=audio, vision=vision)
    if name == "lmf":
        return LMF(WIDTHS, LMFConfig(sizes.rank, subnets))
    return TFN(WIDTHS, TFNConfig(sizes.post_fusion_dim, 0.3, subnets))


def rate(step: Callable[[], object], items: int, steps: int, device: str) -> float:
    """Items per second of `steps` calls, after an untimed one."""
    for timed in (False, True):
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(steps if timed else 1):
            step()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
    return steps * items / (time.perf_counter() - start)


def share_of_products(step: Callable[[], object], steps: int) -> float:
    """Share of a call's time on CPU that goes into PRODUCTS."""
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(steps):
            step()
    seconds = {e.key.removeprefix("aten::"): e.self_cpu_time_total for e in seen.key_averages()}
    return sum(seconds.get(name, 0.0) for name in PRODUCTS) / sum(seconds.values())


def side_by_side(name: str, device: str, steps: int) -> dict[str, float]:
    """Items per second of MMSA's network and of ours, answering and learning."""
    sizes = mmsa.hyper_parameters(name, tuple(WIDTHS.values()), device=device)
    theirs, mine = mmsa.build(sizes).to(device), ours(name, sizes).to(device)
    batch = features(BATCH, dict.fromkeys(MODALITIES, mmsa.STEPS), WIDTHS).to(device)
    target = 6 * torch.rand(BATCH, device=device) - 3
    inputs = [
        s.values.mean(1, keepdim=True) if name in UTTERANCE_METHODS and m is not Modality.TEXT else s.values
        for m, s in batch
    ]
    their_optimizer = torch.optim.Adam(p for p in theirs.parameters() if p.requires_grad)
    my_optimizer = torch.optim.Adam(mine.parameters())

    def learn() -> None:
        their_optimizer.zero_grad()
        given = theirs(*inputs)  # of MFM, the scores and its other losses
        scores, *losses = (given["M"],) if isinstance(given, dict) else given
        (sum(losses) + (scores[:, 0] - target).abs().mean()).backward()
        their_optimizer.step()

    pairs = {
        "inference": (lambda: theirs(*inputs), lambda: mine(batch).reconstructions),
        "training": (learn, lambda: mine.training_step(batch, target, my_optimizer, 0.0)),
    }
    rates = {}
    for what, contenders in pairs.items():
        theirs.train(what == "training")
        mine.train(what == "training")
        with torch.inference_mode(what == "inference"):
            runs = [[rate(step, BATCH, 1, device) for step in contenders] for _ in range(REPEATS * steps)]
            if device == "cpu":
                rates[f"{what}_products"] = share_of_products(contenders[1], steps)
        theirs_a_second, ours_a_second = map(statistics.median, zip(*runs, strict=True))
        rates |= {
            f"{what}_mmsa": theirs_a_second,
            f"{what}_ours": ours_a_second,
            f"{what}_ratio": ours_a_second / theirs_a_second,
        }
    return rates


@torch.no_grad()
def shipped(name: str, device: str, steps: int) -> dict[str, float] | None:
    """Items per second of a shipped method, and how far its scores on CPU and device differ.

    None for a method that runs a language model itself.
    """
    checkpoint = load_fusion(name, "local")
    model = checkpoint.model.eval()
    if model.needs_language_model:
        return None
    widths = {Modality(m): width for m, width in checkpoint.meta.dims.items()}
    on_cpu = model(features(8, CLIP, widths, ids=True)).score
    model.to(device)
    on_device = model(features(8, CLIP, widths, ids=True).to(device)).score.cpu()
    found = {"difference": float((on_device - on_cpu).abs().max())}
    for rows in (1, 64, 1024) if device.startswith("cuda") else (1, 64):
        batch = features(rows, CLIP, widths, ids=True).to(device)
        found[f"batch_{rows}"] = max(rate(lambda b=batch: model(b), rows, steps, device) for _ in range(3))
    return found


def main() -> int:
    """Prints a line a method; 1 where a ratio is below the least."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("device", nargs="?", default="cpu")
    parser.add_argument("--steps", type=int, default=5, help="of one timing; a fifth of the turns")
    parser.add_argument("--only", default="lmf,tfn,ef_lstm,mfn,mfm")
    parser.add_argument("--no-shipped", action="store_true")
    parser.add_argument("--least", type=float, default=0.0, help="ratio of ours to MMSA's")
    options = parser.parse_args()
    on_gpu = options.device.startswith("cuda")
    print(
        "device",
        options.device,
        torch.cuda.get_device_name() if on_gpu else f"{torch.get_num_threads()} threads",
    )
    found = {}
    for name in options.only.split(","):
        rates = found[name] = side_by_side(name, options.device, options.steps)
        print(
            f"{name:8s} "
            + "   ".join(
                f"{what} MMSA {rates[f'{what}_mmsa']:8.0f}/s ours {rates[f'{what}_ours']:8.0f}/s  "
                f"x{rates[f'{what}_ratio']:.2f}"
                + (f" products {share:.2f}" if (share := rates.get(f"{what}_products")) else "")
                for what in ("inference", "training")
            ),
            flush=True,
        )
    speeds = {}
    for name in () if options.no_shipped else FUSION_MODELS:
        if (speed := shipped(name, options.device, options.steps)) is None:
            continue
        speeds[name] = speed
        batches = "".join(
            f"  batch {key.removeprefix('batch_')}: {value:8.0f}/s"
            for key, value in speed.items()
            if "batch" in key
        )
        print(
            f"{name:10s} CPU and {options.device} differ by {speed['difference']:.0e} {batches}", flush=True
        )
    if speeds and len(found) == len(parser.get_default("only").split(",")):  # a part would replace the whole
        keep_latest({"items_per_second": found, "shipped": speeds}, options.device)
    ratios = [value for rates in found.values() for key, value in rates.items() if key.endswith("ratio")]
    return int(any(ratio < options.least for ratio in ratios))


if __name__ == "__main__":
    sys.exit(main())
