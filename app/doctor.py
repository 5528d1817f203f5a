"""`python -m app doctor`: what is installed, which weights are there, what will be used, what is missing."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from app.settings import PREFIX, ROOT, Settings

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


def examine(settings: Settings) -> int:
    """Print the report; exit code 1 where something required is missing."""
    faults = 0
    for title, look in (
        ("Installed", lambda: [*python(), *packages()]),
        ("Settings", lambda: list(variables(settings))),
        ("Device", lambda: list(device(settings))),
        ("Weights", lambda: list(weights(settings))),
        ("Speech recognition", lambda: list(speech(settings))),
    ):
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


def weights(settings: Settings) -> Iterator[Finding]:
    """Extractors and fusion methods, really loaded and checked against each other."""
    from models.catalogue import describe_methods
    from models.checkpoint import load_fusion, weights_folder
    from models.extractors.out_of_distribution import OutlierDetector
    from models.extractors.profile import Profile
    from models.tensors import CheckpointError
    from models.types import Modality

    remedy = f"{settings.checkpoints} comes with the repository: `git checkout -- checkpoints` restores it"
    fingerprints = language_model = None
    try:
        profile = Profile.load("local", "cpu", settings.checkpoints)
    except (CheckpointError, OSError) as error:
        yield Finding("extractors", str(error), ok=False, remedy=remedy)
    else:
        fingerprints, language_model = profile.fingerprints, profile.language_model
        for modality, fingerprint in profile.fingerprints.items():
            yield Finding(f"{modality} extractor", f"{profile.dims[Modality(modality)]} wide, {fingerprint}")
        try:
            OutlierDetector.load(profile, settings.checkpoints)
        except CheckpointError as error:
            yield Finding("outlier detector", str(error), ok=False, required=False, remedy=remedy)
        else:
            yield Finding("outlier detector", "fits the extractors")
    for method in describe_methods(*settings.weights_folders):
        name = method.spec.name
        root = weights_folder(name, "local", *settings.weights_folders)
        try:
            saved = load_fusion(name, "local", root, fingerprints, language_model)
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
