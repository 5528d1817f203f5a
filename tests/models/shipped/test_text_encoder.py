"""Training the sentiment adapters."""

from __future__ import annotations

import torch

from models.shipped.text_encoder import average_adapters


def test_averaged_adapters_add_the_mean_of_what_each_adds():
    parts = [
        {"map.lora_a": torch.randn(4, 10), "map.lora_b": torch.randn(6, 4), "score_head.bias": torch.randn(1)}
        for _ in range(3)
    ]
    averaged = average_adapters(parts)
    added = [part["map.lora_b"] @ part["map.lora_a"] for part in parts]
    torch.testing.assert_close(averaged["map.lora_b"] @ averaged["map.lora_a"], torch.stack(added).mean(0))
    assert averaged["map.lora_a"].shape == (12, 10)
    torch.testing.assert_close(
        averaged["score_head.bias"], sum(part["score_head.bias"] for part in parts) / 3
    )
