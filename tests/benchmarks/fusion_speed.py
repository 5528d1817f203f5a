"""LMF against TFN as in LMF's paper: parameters, items per second, and LMF's accuracy by rank.

    python tests/benchmarks/fusion_speed.py [--repeats 15] [--skip-ranks]

Both networks have the same subnets, on CMU-MOSI's utterances (see `mosi.py`), at the sizes of TFN's authors,
and of our shipped weights; MMSA's networks at MMSA's sizes stand beside them. Timings alternate between the
two, and the best of all repeats counts, so that what else the machine does hits neither alone. LMF's paper
has about 11 times fewer parameters, 3.3 times the speed in training and 1.9 times in inference.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.features.feature_set import FeatureSet  # noqa: E402
from models.features.utterances import collate  # noqa: E402
from models.fusion.base import FusionModel  # noqa: E402
from models.fusion.layers import SubNetsConfig  # noqa: E402
from models.fusion.lmf import LMF, LMFConfig  # noqa: E402
from models.fusion.tfn import TFN, TFNConfig  # noqa: E402
from models.training.fitting import ResearchRecipe, fit  # noqa: E402
from models.training.metrics import spread  # noqa: E402
from models.training.prediction import model_metrics  # noqa: E402
from models.training.tables import figures_table, markdown_table  # noqa: E402
from models.types import MODALITIES, Features, Modality  # noqa: E402
from tests.benchmarks import mmsa_runs  # noqa: E402
from tests.benchmarks.mosi import load_set  # noqa: E402
from tests.benchmarks.results import Results, keep_latest, options_of_runs, shown  # noqa: E402
from tests.parity import mmsa  # noqa: E402

BATCH = 32
RANKS = (1, 2, 4, 8, 16)
# TFN's released Keras network: 33 x 33 x 65 products, read by two layers of 160
AUTHORS_SUBNETS = SubNetsConfig("last", text_hidden=128, dropout=0.2, nonverbal_dropout=0.2)


@dataclass
class Contender:
    """A network on a batch: how large its fusion is, and the best speeds so far in items per second.

    fusion, total : trained parameters; score : answers of the batch; update : one training step on it
    """

    title: str
    network: nn.Module
    fusion: int
    total: int
    score: Callable[[], Tensor]
    update: Callable[[], object]
    training: float = 0.0
    inference: float = 0.0

    def measure(self, steps: int) -> None:
        """Run `steps` batches each way."""
        self.network.train()
        self.training = max(self.training, _items_per_second(self.update, steps))
        self.network.eval()
        with torch.inference_mode():
            self.inference = max(self.inference, _items_per_second(self.score, steps))


def _items_per_second(step: Callable[[], object], steps: int) -> float:
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return BATCH * steps / (time.perf_counter() - start)


def ours(title: str, model: FusionModel, features: Features, target: Tensor) -> Contender:
    """One of our networks on a batch."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    sizes = model.sizes()
    return Contender(
        title,
        model,
        sizes["fusion"],
        sizes["total"],
        score=lambda: model(features).score,
        update=lambda: model.training_step(features, target, optimizer, 0.0),
    )


def theirs(title: str, name: str, dataset: FeatureSet) -> Contender:
    """One of MMSA's networks, with its own hyper-parameters, on the same utterances."""
    batch = mmsa_runs.as_tensors(dataset.train[:BATCH], dataset.dims, name, "front")
    network = mmsa.build(mmsa.hyper_parameters(name, tuple(dataset.dims[m] for m in MODALITIES)))
    learned = [p for p in network.parameters() if p.requires_grad]
    optimizer, inputs = torch.optim.Adam(learned, lr=1e-3), [batch[m] for m in MODALITIES]

    def update() -> None:
        optimizer.zero_grad()
        (network(*inputs)["M"] - batch["labels"]).abs().mean().backward()
        optimizer.step()

    total = sum(p.numel() for p in learned)
    subnets = (network.text_subnet, network.audio_subnet, network.video_subnet)
    fusion = total - sum(p.numel() for subnet in subnets for p in subnet.parameters())
    return Contender(title, network, fusion, total, score=lambda: network(*inputs)["M"], update=update)


class Given(nn.Module):
    """Stands in for the subnets, so that a network's fusion is timed alone."""

    def __init__(self, subnets: nn.Module):
        super().__init__()
        self.widths = subnets.widths
        self.embeddings = {m: torch.randn(BATCH, width) for m, width in subnets.widths.items()}

    def forward(self, features: Features) -> dict[Modality, Tensor]:
        return self.embeddings


def fusion_alone(title: str, model: FusionModel, features: Features, target: Tensor) -> Contender:
    """One of our networks without its subnets."""
    model.subnets = Given(model.subnets)
    # states that nobody reads: one step of each, so that standardising them takes no time
    brief = {m: replace(s, values=s.values[:, :1], lengths=torch.ones_like(s.lengths)) for m, s in features}
    return ours(title, model, Features(**brief), target)


def speeds(dataset: FeatureSet, repeats: int, steps: int) -> list[tuple[Contender, Contender]]:
    """Pairs of TFN and LMF, measured."""
    torch.manual_seed(0)
    features, target = collate(dataset.train[:BATCH], dataset.dims)
    dims, shipped = dataset.dims, TFNConfig()

    def tfn(subnets: SubNetsConfig, width: int) -> TFN:
        return TFN(dims, TFNConfig(post_fusion=width, subnets=subnets))

    def lmf(subnets: SubNetsConfig) -> LMF:
        return LMF(dims, LMFConfig(subnets=subnets))

    pairs = [
        (
            ours("TFN, its authors' sizes", tfn(AUTHORS_SUBNETS, 160), features, target),
            ours("LMF, the same subnets", lmf(AUTHORS_SUBNETS), features, target),
        ),
        (
            fusion_alone(
                "TFN, its authors' sizes, fusion alone", tfn(AUTHORS_SUBNETS, 160), features, target
            ),
            fusion_alone("LMF, fusion alone", lmf(AUTHORS_SUBNETS), features, target),
        ),
        (
            ours("TFN, shipped sizes", TFN(dims, shipped), features, target),
            ours("LMF, these subnets", lmf(shipped.subnets), features, target),
        ),
        (theirs("MMSA's TFN", "tfn", dataset), theirs("MMSA's LMF", "lmf", dataset)),
    ]
    contenders = [contender for pair in pairs for contender in pair]
    for contender in contenders:  # a first, untimed pass allocates what the timed ones reuse
        contender.measure(1)
        contender.training = contender.inference = 0.0
    for _ in range(repeats):
        for contender in contenders:
            contender.measure(steps)
    return pairs


def speeds_table(pairs: list[tuple[Contender, Contender]]) -> str:
    """Markdown table of every pair, LMF's row with its ratio to the TFN above it."""
    rows = [_row(contender, pair[0]) for pair in pairs for contender in pair]
    head = ["network", "fusion parameters", "all parameters", "training items/s", "inference items/s"]
    return markdown_table(head, rows)


def _row(contender: Contender, tfn: Contender) -> list[str]:
    def cell(value: float, other: float, fewer: bool) -> str:
        ratio = other / value if fewer else value / other
        suffix = "" if contender is tfn else f" ({ratio:.1f} times {'fewer' if fewer else 'as many'})"
        return f"{value:,.0f}{suffix}"

    return [
        contender.title,
        cell(contender.fusion, tfn.fusion, fewer=True),
        cell(contender.total, tfn.total, fewer=True),
        cell(contender.training, tfn.training, fewer=False),
        cell(contender.inference, tfn.inference, fewer=False),
    ]


def rank_sweep(
    dataset: FeatureSet, seeds: int, recipe: ResearchRecipe, results: Results
) -> dict[str, dict[str, list[float]]]:
    """{rank: LMF's figures on the test videos}."""
    rows = {}
    for rank in RANKS:
        config = LMFConfig(rank=rank)
        lines = []
        for seed in range(seeds):
            key = {"benchmark": "ranks", "config": asdict(config), "seed": seed, "recipe": asdict(recipe)}
            lines.append(results.find_or_run(key, partial(_rank_figures, config, dataset, seed, recipe)))
            print(f"rank {rank}, seed {seed}: {lines[-1]['seconds']} s", file=sys.stderr)
        rows[str(rank)] = spread([line["figures"] for line in lines])
    return rows


def _rank_figures(config: LMFConfig, dataset: FeatureSet, seed: int, recipe: ResearchRecipe) -> dict:
    start = time.perf_counter()
    figures = model_metrics(fit("lmf", dataset, seed, recipe, config=config), dataset.test)
    return {"seconds": round(time.perf_counter() - start, 1), "figures": shown(figures)}


def main() -> None:
    parser = options_of_runs(__doc__, "ranks.jsonl", seeds=20, epochs=ResearchRecipe.epochs)
    parser.add_argument("--repeats", type=int, default=15, help="of the timings")
    parser.add_argument("--steps", type=int, default=20, help="batches of one timing")
    parser.add_argument("--skip-ranks", action="store_true", help="only parameters and speeds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with_vision = load_set("utterances-vision", options.data, options.cache)[0]
    dataset = load_set("utterances", options.data, options.cache)[0]
    pairs = speeds(with_vision, options.repeats, options.steps)
    print(speeds_table(pairs))
    measured = ("fusion", "total", "training", "inference")
    found: dict = {c.title: {what: getattr(c, what) for what in measured} for pair in pairs for c in pair}
    if not options.skip_ranks:
        recipe = ResearchRecipe(epochs=options.epochs)
        rows = rank_sweep(dataset, options.seeds, recipe, Results(options.out))
        print("\n" + figures_table(f"LMF's rank ({options.seeds} seeds)", rows))
        found["ranks"] = rows
    keep_latest(found)


if __name__ == "__main__":
    main()
