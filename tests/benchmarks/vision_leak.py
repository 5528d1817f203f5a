"""What a ridge regression on the utterances' vision features knows of the score, and where.

    python tests/benchmarks/vision_leak.py

Correlation of its scores, cross-validated by video, with the labels of the training videos; then with those
of the test videos, after learning from all training videos. In features that do not know the labels the two
would be about the same.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, cross_val_predict

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.features.utterances import Utterance  # noqa: E402
from models.types import Modality  # noqa: E402
from tests.benchmarks.mosi import load_set  # noqa: E402
from tests.benchmarks.results import CACHE, keep_latest  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    [dataset] = load_set("utterances-vision", options.data, options.cache)
    ridge = RidgeCV(np.logspace(0, 5, 11))
    training = [*dataset.train, *dataset.valid]
    states, scores = table(training)
    within = cross_val_predict(ridge, states, scores, groups=[i.group for i in training], cv=GroupKFold(5))
    known = np.corrcoef(within, scores)[0, 1]
    print(f"training videos, cross-validated by video: Corr {known:.2f}")
    test_states, test_scores = table(dataset.test)
    unseen = ridge.fit(states, scores).predict(test_states)
    new = np.corrcoef(unseen, test_scores)[0, 1]
    print(f"test videos: Corr {new:.2f}")
    keep_latest({"corr_training_videos": known, "corr_test_videos": new})


def table(items: list[Utterance]) -> tuple[np.ndarray, np.ndarray]:
    """Vision states (n, d) and scores (n,)."""
    states = np.concatenate([item.states[Modality.VISION].numpy() for item in items])
    return states, np.array([item.target for item in items])


if __name__ == "__main__":
    main()
