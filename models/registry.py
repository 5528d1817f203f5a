"""The list of what there is: fusion methods and extractor profiles.

Adding a method is one file in `models/fusion` that ends with its `SPEC`, and that spec here; page, command
line, API and tests read it.
"""

from __future__ import annotations

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

# profile -> the module that loads its extractors; plain data, so that listing the methods loads no extractor
EXTRACTORS: dict[str, dict[str, str]] = {"local": {"module": "models.extractors.profile"}}


def spec(name: str) -> ModelSpec:
    """The entry of a method; ValueError for an unknown name lists the known ones."""
    if name not in FUSION_MODELS:
        raise ValueError(f"unknown fusion method {name!r}; known are {', '.join(FUSION_MODELS)}")
    return FUSION_MODELS[name]


def method_names(wanted: str) -> list[str]:
    """ "all", or names with commas between them, as the registry's names; ValueError as `spec`."""
    if wanted == "all":
        return list(FUSION_MODELS)
    return [spec(name.strip()).name for name in wanted.split(",")]
