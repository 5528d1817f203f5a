"""The list of what there is: fusion methods and extractor profiles.

Adding a method is one file in `models/fusion` that ends with its `SPEC`, and that spec here; page, command
line, API and tests read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from models.fusion import (
    concat,
    ef_lstm,
    late,
    lmf,
    lrcmt,
    mclea,
    meaformer,
    mfm,
    mfn,
    mla,
    mmin,
    qmf,
    tate,
    tfn,
    tfr_net,
)
from models.fusion.spec import ModelSpec

if TYPE_CHECKING:
    from models.extractors.hub.encoders import HubEncoders
    from models.extractors.profile import Profile

FUSION_MODELS: dict[str, ModelSpec] = {
    method.name: method
    for method in (
        lmf.SPEC,
        tfn.SPEC,
        ef_lstm.SPEC,
        mfn.SPEC,
        *mfm.SPECS,
        mla.SPEC,
        late.SPEC,
        concat.SPEC,
        lrcmt.SPEC,
        tfr_net.SPEC,
        tate.SPEC,
        mclea.SPEC,
        meaformer.SPEC,
        qmf.SPEC,
        mmin.SPEC,
    )
}


@dataclass(frozen=True)
class ProfileSpec:
    """Where a profile is, and what comes with it; plain data, so that listing the methods loads no extractor.

    module, name : of its class
    ships : True where weights of every method ship for it; else a researcher trains them on own features
    language_model : True where it gives methods that run one a language model, whose token ids its words have
    """

    module: str
    name: str
    ships: bool
    language_model: bool


EXTRACTORS: dict[str, ProfileSpec] = {
    "local": ProfileSpec("models.extractors.local_profile", "LocalProfile", True, True),
    "hub": ProfileSpec("models.extractors.hub.profile", "HubProfile", False, False),
}


def spec(name: str) -> ModelSpec:
    """The entry of a method; ValueError for an unknown name lists the known ones."""
    if name not in FUSION_MODELS:
        raise ValueError(f"unknown fusion method {name!r}; known are {', '.join(FUSION_MODELS)}")
    return FUSION_MODELS[name]


def load_profile(
    name: str, device: str = "cpu", root: Path | None = None, encoders: HubEncoders | None = None
) -> Profile:
    """The extractors of a profile, on `device`.

    root : folder of the profiles' folders, `checkpoints/` where None
    encoders : of the profile `hub`; those that FUSEBOX_HUB_* name where None
    ValueError for an unknown name; CheckpointError for what is missing, damaged or does not fit.
    """
    if name not in EXTRACTORS:
        raise ValueError(f"unknown profile {name!r}; known are {', '.join(EXTRACTORS)}")
    profile = EXTRACTORS[name]
    return getattr(import_module(profile.module), profile.name).load(device, root, encoders)


def method_names(wanted: str) -> list[str]:
    """ "all", or names with commas between them, as the registry's names; ValueError as `spec`."""
    if wanted == "all":
        return list(FUSION_MODELS)
    return [spec(name.strip()).name for name in wanted.split(",")]
