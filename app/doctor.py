"""`python -m app doctor`: what is installed, which weights are there, what will be used, what is missing."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from app.settings import PREFIX, ROOT, Settings

if TYPE_CHECKING:
    from torch import Tensor

    from models.extractors.profile import Profile

PYTHONS = ((3, 11), (3, 12))
REQUIREMENTS = ROOT / "requirements.txt"


@dataclass(frozen=True)
class Finding:
    """One line of the report; `remedy` says how to put right what is not `ok`."""

    subject: str
    state: str
    ok: bool = True
    required: bool = True
    remedy: str = ""

    def __str__(self) -> str:
        mark = "ok" if self.ok else "MISSING" if self.required else "note"
        remedy = f"\n{'':10}{self.remedy}" if self.remedy and not self.ok else ""
        return f"  {mark:<8}{self.subject:<26}{self.state}{remedy}"


def examine(settings: Settings, self_test: bool = False) -> int:
    """Print the report; exit code 1 where something required is missing, or fails the self-test."""
    faults = 0
    looks = [
        ("Installed", lambda: [*python(), *packages()]),
        ("Settings", lambda: list(variables(settings))),
        ("Device", lambda: list(device(settings))),
        ("Weights", lambda: list(weights(settings))),
        ("Speech recognition", lambda: list(speech(settings))),
        ("Decoding of uploads", lambda: list(decoding(settings))),
    ]
    if self_test:
        looks.append(("Self-test", lambda: list(answers(settings))))
    for title, look in looks:
        print(title)
        try:
            findings = look()
        except ImportError as error:
            findings = [Finding("cannot look", f"{error}", ok=False, remedy="see Installed")]
        for finding in findings:
            print(finding)
        faults += sum(not finding.ok and finding.required for finding in findings)
    ready = "Ready: `python -m app` serves the page."
    print(f"\n{faults} required things are missing." if faults else f"\n{ready}")
    return 1 if faults else 0


def python() -> list[Finding]:
    """The interpreter, tested on 3.11 and 3.12."""
    tested = " and ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    return [
        Finding(
            "Python",
            f"{platform.python_version()} on {platform.system()} {platform.machine()}",
            ok=sys.version_info[:2] in PYTHONS,
            required=False,
            remedy=f"tested with Python {tested}",
        )
    ]


def packages() -> Iterator[Finding]:
    """Every package that requirements.txt pins."""
    if not REQUIREMENTS.is_file():
        yield Finding(
            "requirements.txt", "is not there, so no versions to compare with", ok=False, required=False
        )
        return
    for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines():
        pin = re.match(r"([\w.-]+)(?:\[[^]]*\])?\s*==\s*([^\s;#]+)", line)
        if not pin:
            continue
        name, wanted = pin.groups()
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Finding(name, "not installed", ok=False, remedy="pip install -r requirements.txt")
            continue
        same = found.partition("+")[0] == wanted.partition("+")[0]  # torch 2.11.0+cpu is torch 2.11.0
        yield Finding(name, found, ok=same, required=False, remedy=f"tested with {wanted}")


def variables(settings: Settings) -> Iterator[Finding]:
    """Every setting, and FUSEBOX_* variables that nothing reads."""
    known = Settings.variables()
    for variable, field in known.items():
        origin = "set" if os.environ.get(variable, "").strip() else "default"
        yield Finding(variable, f"{getattr(settings, field)!s:<20} ({origin})")
    for variable in sorted(os.environ):
        if variable.startswith(PREFIX) and variable not in known:
            yield Finding(variable, "is not a setting", ok=False, required=False, remedy="misspelt?")


def device(settings: Settings) -> Iterator[Finding]:
    """What will compute."""
    import torch

    from app.service.device import choose_device, usable_cores

    try:
        chosen = choose_device(settings.device)
    except ValueError as error:
        yield Finding("device", str(error), ok=False)
        return
    cuda = chosen.startswith("cuda")
    yield Finding(chosen, torch.cuda.get_device_name(chosen) if cuda else f"{usable_cores()} cores")


def encoders(settings: Settings) -> list[Finding]:
    """Of the profile `hub`: where each encoder is, or what would be fetched; no network is touched."""
    from models.tensors import CheckpointError
    from models.types import MODALITIES

    findings = []
    for modality in MODALITIES:
        encoder, subject = settings.hub_encoders().encoder(modality), f"{modality} encoder"
        try:
            folder = encoder.on_disk()
        except CheckpointError as error:
            findings.append(Finding(subject, str(error), ok=False))
            continue
        if folder is not None:
            findings.append(Finding(subject, str(folder)))
        elif settings.allow_downloads:
            state = f"{encoder} is not on this disk: {encoder.size} are fetched when it is needed first"
            findings.append(Finding(subject, state, ok=False, required=False))
        else:
            state = f"{encoder} is not on this disk; to fetch: {encoder.size}"
            findings.append(Finding(subject, state, ok=False, remedy=encoder.remedy))
    return findings


def weights(settings: Settings) -> Iterator[Finding]:
    """Extractors and fusion methods, really loaded and checked against each other."""
    from models.registry import EXTRACTORS, load_profile
    from models.tensors import CheckpointError
    from models.types import Modality

    found = encoders(settings) if settings.profile == "hub" else []
    yield from found
    ships, fingerprints, language_model = EXTRACTORS[settings.profile].ships, None, None
    remedy = f"{settings.checkpoints} comes with the repository: `git checkout -- checkpoints` restores it"
    if all(finding.ok for finding in found):
        try:
            profile = load_profile(settings.profile, "cpu", settings.checkpoints, settings.hub_encoders())
        except (CheckpointError, OSError) as error:
            yield Finding("extractors", str(error), ok=False, remedy=remedy if ships else "")
        else:
            fingerprints, language_model = profile.fingerprints, profile.language_model
            for name, fingerprint in profile.fingerprints.items():
                yield Finding(f"{name} extractor", f"{profile.dims[Modality(name)]} wide, {fingerprint}")
            yield outlier_detector(profile, settings, remedy)
    yield from methods(settings, fingerprints, language_model, remedy if ships else "")


def outlier_detector(profile: Profile, settings: Settings, remedy: str) -> Finding:
    """What warns of input that is unlike the training data."""
    from models.extractors.out_of_distribution import OutlierDetector
    from models.tensors import CheckpointError

    if not profile.interpretable:
        return Finding("outlier detector", f"none for the profile {profile.name}", ok=False, required=False)
    try:
        OutlierDetector.load(profile, settings.checkpoints)
    except CheckpointError as error:
        return Finding("outlier detector", str(error), ok=False, required=False, remedy=remedy)
    return Finding("outlier detector", "fits the extractors")


def methods(
    settings: Settings,
    fingerprints: Mapping[str, str] | None,
    language_model: Callable[[], Mapping[str, Tensor]] | None,
    remedy: str,
) -> Iterator[Finding]:
    """Every fusion method; where none ship, those that were trained for the profile, of which one is needed.

    remedy : brings back what ships; "" where none do
    """
    from models.catalogue import describe_methods
    from models.checkpoint import fusion_path, load_fusion, nothing_trained, weights_folder
    from models.tensors import CheckpointError

    name, roots = settings.profile, settings.weights_folders
    described = describe_methods(*roots, profile=name)
    folders = {method.spec.name: weights_folder(method.spec.name, name, *roots) for method in described}
    if not remedy:
        described = [
            method
            for method in described
            if fusion_path(method.spec.name, name, folders[method.spec.name]).is_file()
        ]
        if not described:
            yield Finding("methods", nothing_trained(name, roots), ok=False)
    for method in described:
        try:
            saved = load_fusion(
                method.spec.name, name, folders[method.spec.name], fingerprints, language_model
            )
        except CheckpointError as error:
            yield Finding(method.title, str(error), ok=False, remedy=remedy)
        else:
            yield Finding(method.title, f"{saved.model.sizes()['total']:,} parameters, {method.checkpoint}")


def speech(settings: Settings) -> list[Finding]:
    """Which recogniser will listen."""
    from app.media.speech import Recogniser
    from app.media.whisper import RecogniserError

    try:
        name = Recogniser(settings.whisper, settings.allow_downloads).name  # loads it
    except RecogniserError as error:
        return [Finding("speech", str(error), ok=False)]
    return [Finding(name, "loads")]


def decoding(settings: Settings) -> Iterator[Finding]:
    """What a file is opened with, in a process of its own."""
    from app.media import confinement

    limits = f"{settings.decode_memory_mb} MB, {settings.decode_seconds:g} s"
    if importlib.util.find_spec("resource"):
        yield Finding("memory and time", limits)
    else:
        state = f"{settings.decode_seconds:g} s; this system does not limit memory"
        yield Finding("memory and time", state, ok=False, required=False)
    kept = confinement.in_force()
    for step, given, lacking, remedy in (
        ("network", "none: a namespace of its own", "not taken away", "namespaces (unshare) are not allowed"),
        ("files", "its own alone: Landlock", "as this user's", "Landlock is not there: Linux 5.13 has it"),
    ):
        yield Finding(step, given if kept[step] else lacking, ok=kept[step], required=False, remedy=remedy)


def answers(settings: Settings) -> Iterator[Finding]:
    """Two examples, really decoded, heard and watched, scored by every method that is there."""
    from app.service.analyst import Analyst
    from app.service.query import Query
    from app.service.stored import EXAMPLES, StoredUtterances
    from models.tensors import CheckpointError

    try:
        with tempfile.TemporaryDirectory() as nothing:
            analyst = Analyst(settings, stored=StoredUtterances(Path(nothing)))
    except ValueError as error:
        yield Finding("analyst", str(error), ok=False)
        return
    clips = [EXAMPLES / f"{name}.mp4" for name in ("delight", "letdown")]
    for info in analyst.methods():
        if not info.available:
            continue
        start = perf_counter()
        try:
            glad, sad = (
                analyst.analyze(Query(clip, method=info.spec.name), session="self-test").score
                for clip in clips
            )
        except (CheckpointError, RuntimeError, ValueError) as error:
            yield Finding(info.title, str(error), ok=False)
            continue
        state = f"delighted {glad:+.2f}, let down {sad:+.2f}, {perf_counter() - start:.2f} s"
        yield Finding(info.title, state, ok=glad > 0 > sad, remedy="one should be above 0, the other below")
