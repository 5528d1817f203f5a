"""MMSA's networks and training loops, loaded module by module (Mao et al., M-SENA, ACL 2022; MIT licence).

`import MMSA` runs its command line and all its models, which wants packages that no longer install. Here its
folders become packages under the name `mmsa_parts`, whose `__init__` files are not run.
"""

from __future__ import annotations

import importlib
import json
import sys
from contextlib import nullcontext
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

from torch import nn

# name in MMSA's configuration -> its class, which is also the name of its modules
CLASSES = {"tfn": "TFN", "lmf": "LMF", "ef_lstm": "EF_LSTM", "mfn": "MFN", "mfm": "MFM"}
PACKAGES = ("", ".models", ".models.singleTask", ".models.subNets", ".trains", ".trains.singleTask", ".utils")
STEPS = 50  # of an aligned sequence in MMSA's MOSI


def folder() -> Path:
    """MMSA's folder; RuntimeError says how to install it."""
    package = find_spec("MMSA")  # finds without importing
    if package is None:
        raise RuntimeError("MMSA is missing: pip install --no-deps -r tests/parity/requirements.txt")
    return Path(package.submodule_search_locations[0])


def part(name: str) -> ModuleType:
    """One module of MMSA, such as `models.singleTask.TFN`."""
    _packages()
    return importlib.import_module(f"mmsa_parts.{name}")


def hyper_parameters(name: str, dims: tuple[int, int, int], **changes) -> SimpleNamespace:
    """MMSA's own for MOSI, from the configuration in its package, as its networks and loops read them.

    dims : widths of text, audio, vision; changes : settings to replace, for small tests
    """
    configuration = json.loads((folder() / "config" / "config_regression.json").read_text(encoding="utf-8"))
    method = configuration[name]
    return SimpleNamespace(
        **{
            "model_name": name,
            "dataset_name": "mosi",
            "train_mode": "regression",
            "KeyEval": "Loss",
            "device": "cpu",
            "feature_dims": list(dims),
            "seq_lens": STEPS,
            **method["commonParams"],
            **method["datasetParams"]["mosi"],
            **changes,
        }
    )


def build(arguments: SimpleNamespace) -> nn.Module:
    """MMSA's untrained network."""
    name = CLASSES[arguments.model_name]
    return getattr(part(f"models.singleTask.{name}"), name)(arguments)


def training_loop(arguments: SimpleNamespace):
    """MMSA's loop: `do_train(network, {"train", "valid": loader})` keeps the best at `model_save_path`."""
    name = CLASSES[arguments.model_name]
    module = part(f"trains.singleTask.{name}")
    module.tqdm = nullcontext  # it draws a bar over every pass
    return getattr(module, name)(arguments)


@cache
def _packages() -> None:
    """Enters MMSA's folders as packages, with the few names that its modules take from their `__init__`."""
    for name in (
        "",
        ".models",
        ".models.singleTask",
        ".models.subNets",
        ".trains",
        ".trains.singleTask",
        ".utils",
    ):
        package = ModuleType(f"mmsa_parts{name}")
        package.__path__ = [str(folder().joinpath(*name.split(".")))]
        sys.modules[package.__name__] = package
    subnets = importlib.import_module("mmsa_parts.models.subNets.FeatureNets")
    sys.modules["mmsa_parts.models.subNets"].__dict__.update(
        SubNet=subnets.SubNet, TextSubNet=subnets.TextSubNet
    )
    metrics = importlib.import_module("mmsa_parts.utils.metricsTop")
    # its loops print their results through dict_to_str, whose module wants a GPU library
    sys.modules["mmsa_parts.utils"].__dict__.update(MetricsTop=metrics.MetricsTop, dict_to_str=str)
