"""Where the modalities lie in what a head reads: MLA's Q4 as a picture (Zhang et al., CVPR 2024).

    python tests/benchmarks/gap_map.py [--seed 0]

The models of the study `mla_gap` of paper_questions.py, trained on one fold of CMU-MOSI's segments aligned
word by word; a dot is a modality of a held-out segment. Each model has principal components of its own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from sklearn.decomposition import PCA
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.training.fitting import ResearchRecipe  # noqa: E402
from models.types import Modality  # noqa: E402
from tests.benchmarks.mosi import load_set  # noqa: E402
from tests.benchmarks.paper_questions import STUDIES, embeddings, trained  # noqa: E402
from tests.benchmarks.results import CACHE, draw  # noqa: E402


def plane(found: dict[Modality, Tensor]) -> tuple[dict[Modality, Tensor], float]:
    """Embeddings (n, d) -> (n, 2) in [0, 1], by two principal components; their share of the variance."""
    components = PCA(2)
    places = torch.from_numpy(components.fit_transform(torch.cat([*found.values()]).numpy()))
    low, high = places.min(0).values, places.max(0).values
    places = 0.5 + (places - (low + high) / 2) / (high - low).max()  # both axes alike
    parts = places.split([len(part) for part in found.values()])
    return dict(zip(found, parts, strict=True)), float(components.explained_variance_ratio_.sum())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--plot", type=Path, default=ROOT / "assets" / "gap_map.svg")
    options = parser.parse_args()
    torch.set_num_threads(1)
    fold = load_set("aligned", options.data, options.cache)[0]
    panels = []
    for title, variant in STUDIES["mla_gap"].variants.items():
        model, items = trained(variant, fold, options.seed, ResearchRecipe())
        with torch.inference_mode():
            places, kept = plane(embeddings(model, items.test))
        print(f"{title}: {100 * kept:.0f} % of the variance in the plane")
        panels.append((title, {str(m): part.tolist() for m, part in places.items()}, kept))
    draw("gap_map.svg.jinja", options.plot, panels=panels)


if __name__ == "__main__":
    main()
