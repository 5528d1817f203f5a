"""How quickly each method trains on a large set of features, and what its batches and its memory cost.

    python tests/benchmarks/training_speed.py [--methods all] [--utterances 20000] [--steps 100] [--repeats 3]

A made-up set with the widths of CMU-MOSEI's features (BERT, COVAREP, Facet), aligned word by word, trained
by the loop of `python -m models train` with its recipe's batches. Methods take turns; medians count, beside
the slowest and the quickest run. `batches` is the share of an epoch's time that goes into making batches,
`growth` how much more memory the process takes after the steps than after a tenth of them: about nothing. A
method that runs a language model gets a tenth of the steps.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.features.utterances import Utterance, collate  # noqa: E402
from models.registry import method_names, spec  # noqa: E402
from models.training.fitting import NORMALISATION_ITEMS, ResearchRecipe  # noqa: E402
from models.training.language_models import language_model  # noqa: E402
from models.training.loop import TrainingLoop  # noqa: E402
from models.training.tables import markdown_table  # noqa: E402
from models.types import MODALITIES, Modality  # noqa: E402
from tests.benchmarks.results import keep_latest  # noqa: E402
from tests.serving import resident  # noqa: E402

PROFILE = "features"  # which is nobody's: LRCMT runs MiniLM on them
VOCABULARY = 30_000


def utterances(count: int, widths: dict[Modality, int], longest: int) -> list[Utterance]:
    """Random states, as many of each modality as words, 1 to `longest`; always the same."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, longest + 1, (count,), generator=generator).tolist()
    steps = sum(lengths)
    # cut out of one tensor a modality, as a features file is
    states = {m: torch.randn(steps, width, generator=generator).split(lengths) for m, width in widths.items()}
    ids = torch.randint(1000, VOCABULARY, (steps,), generator=generator).split(lengths)
    targets = (6 * torch.rand(count, generator=generator) - 3).tolist()
    return [
        Utterance({m: states[m][i] for m in widths}, targets[i], "made up", f"{i}", ids[i])
        for i in range(count)
    ]


def measure(
    name: str, items: list[Utterance], widths: dict[Modality, int], steps: int, recipe: ResearchRecipe
) -> dict[str, float]:
    """Items a second of the loop, the share of its time that batches take, and MB of memory."""
    torch.manual_seed(0)
    method, generator = spec(name), torch.Generator().manual_seed(0)
    model = method.build(widths, method.features_config)
    if model.needs_language_model:
        model.attach_language_model(language_model(PROFILE)())
        steps = max(1, steps // 10)
    model.set_normalisation(collate(items[:NORMALISATION_ITEMS], widths)[0])
    loop = TrainingLoop(
        model,
        model.parameter_groups(method.training.lr),
        method.training.weight_decay,
        1,
        recipe.batch,
        recipe.modality_dropout,
        generator,
        frame_dropout=recipe.frame_dropout,
    )
    order = torch.randperm(len(items), generator=generator).tolist()
    drawn = [items[i] for i in order[: steps * recipe.batch]]
    loop.epoch(0, drawn[: max(2, len(drawn) // 10)])  # allocates what the rest uses again
    before = resident()
    start = time.perf_counter()
    loop.epoch(0, drawn)
    epoch = time.perf_counter() - start
    after = resident()
    start = time.perf_counter()
    for _ in loop.prepared(drawn):
        pass
    batches = time.perf_counter() - start
    return {
        "items_per_second": len(drawn) / epoch,
        "batches": batches / epoch,
        "memory_mb": after,
        "growth_mb": after - before,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", default="all", help="names with commas between them, or all")
    parser.add_argument("--utterances", type=int, default=20_000)
    parser.add_argument("--widths", type=int, nargs=3, default=(768, 74, 35), help="of the three modalities")
    parser.add_argument("--longest", type=int, default=50, help="words of an utterance")
    parser.add_argument("--steps", type=int, default=100, help="of a method")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch", type=int, default=ResearchRecipe.batch)
    parser.add_argument("--modality-dropout", type=float, default=0.3)
    parser.add_argument("--frame-dropout", type=float, default=0.0)
    options = parser.parse_args()
    recipe = ResearchRecipe(
        batch=options.batch,
        modality_dropout=options.modality_dropout,
        frame_dropout=options.frame_dropout,
    )
    widths = dict(zip(MODALITIES, options.widths, strict=True))
    items = utterances(options.utterances, widths, options.longest)
    names = method_names(options.methods)
    runs = [
        {name: measure(name, items, widths, options.steps, recipe) for name in names}
        for _ in range(options.repeats)
    ]
    found: dict[str, dict] = {}
    for name in names:
        found[name] = {what: statistics.median(run[name][what] for run in runs) for what in runs[0][name]}
        rates = [run[name]["items_per_second"] for run in runs]
        found[name]["spread"] = [min(rates), max(rates)]
    rows = [
        [
            name,
            f"{each['items_per_second']:,.0f}",
            "{:,.0f} … {:,.0f}".format(*each["spread"]),
            f"{each['batches']:.1%}",
            f"{each['memory_mb']:,.0f} MB",
            f"{each['growth_mb']:+,.0f} MB",
        ]
        for name, each in found.items()
    ]
    print(markdown_table(["method", "items/s", "spread", "batches", "memory", "growth"], rows))
    if options.methods == "all":  # a part would replace the whole
        keep_latest({"utterances": len(items), "methods": found})


if __name__ == "__main__":
    main()
