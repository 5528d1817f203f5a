"""What reads the arousal of words is fitted to that of the emotions that MELD names."""

import numpy as np
import pandas as pd
import pytest
import torch

from models.shipped.text_arousal import fit_text_arousal, load_dialogues


def test_it_reads_what_is_linear_in_the_mean_states():
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(600, 4, 12, generator=generator)
    arousals = (states.mean(1) @ torch.linspace(-1, 1, 12) + 0.3).double().numpy()
    fitted = fit_text_arousal(states[:400].mean(1), arousals[:400])
    read = fitted(states[400:]).numpy()
    assert np.corrcoef(read, arousals[400:])[0, 1] > 0.99
    assert read.mean() == pytest.approx(arousals[400:].mean(), abs=0.05)


def test_dialogues_have_the_arousal_of_their_emotion(tmp_path):
    (tmp_path / "text").mkdir()
    rows = [
        ("Yes!", "joy", "train"),
        ("No.", "sadness", "train"),
        (None, "joy", "train"),
        ("Hm", "fear", "test"),
    ]
    table = pd.DataFrame(rows, columns=["text", "emotion", "split"])
    table.to_csv(tmp_path / "text" / "meld.csv", index=False)
    texts, arousals = load_dialogues(tmp_path, "train")
    assert texts == ["Yes!", "No."] and arousals.tolist() == [0.51, -0.27]
