"""What must hold for the repository as a whole: sizes, layers, pins, and no data or machine path inside."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

MB = 1_000_000
# Folders of a person's or build machine's own; a program may not depend on them.
MACHINE_PATHS = re.compile(
    rb"(?<![\w.\-/])/(?:work|farm|root|Users|mnt|tmp/\w+|home/(?!fusebox/))/[\w.\-]|(?<!\w)[A-Z]:\\\\?Users\\"
)

# (where, what may not be imported there)
LAYERS = [
    ("app/ui", {"torch", "torchaudio", "torchvision"}),
    ("app/service", {"gradio", "app.ui"}),
    ("app/media", {"gradio", "app.ui", "app.service.analyst"}),
    ("app/deploy", {"gradio"}),
    ("models", {"gradio", "app"}),
    ("app", {"models.training", "models.shipped"}),
]
# The folders and files of models/, upwards: each imports only what stands below it.
STOREYS = [
    {"types", "tensors", "hub"},
    {"arguments", "cluster", "config", "drawing", "manifest", "media"},
    {"language_model"},
    {"extractors", "fusion"},
    {"registry"},
    {"checkpoint"},
    {"catalogue"},
    {"features"},
    {"training"},
    {"shipped"},
    {"__main__"},
]


@pytest.fixture(scope="session")
def tracked(repository_root: Path) -> list[Path]:
    """Files that are in the repository, or would be with the next commit."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository_root,
        capture_output=True,
        check=False,
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    paths = (repository_root / name for name in listing.stdout.decode().split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_no_file_is_over_20_mb(tracked: list[Path]) -> None:
    assert [path.name for path in tracked if path.stat().st_size > 20 * MB] == []


def test_weights_are_at_most_200_mb(tracked: list[Path], repository_root: Path) -> None:
    weights = [path for path in tracked if path.is_relative_to(repository_root / "checkpoints")]
    assert sum(path.stat().st_size for path in weights) <= 200 * MB


def test_every_fusion_weight_has_a_card_and_the_hub_reads_all_cards(repository_root: Path) -> None:
    folder = repository_root / "checkpoints" / "local"
    assert all(path.with_suffix(".md").is_file() for path in folder.glob("*.safetensors"))
    for card in folder.rglob("*.md"):
        assert ModelCard(card.read_text(encoding="utf-8")).data.license, card


def test_no_path_of_a_machine_is_in_a_file(tracked: list[Path], repository_root: Path) -> None:
    found = []
    for path in tracked:
        content = path.read_bytes()
        if b"\0" in content:  # media and weights
            continue
        for match in MACHINE_PATHS.finditer(content):
            line = content.count(b"\n", 0, match.start()) + 1
            found.append(f"{path.relative_to(repository_root)}:{line}: {match.group().decode()}")
    assert found == []


def test_no_labelled_data_is_in_the_repository(tracked: list[Path], shared_data: Path) -> None:
    """By content: a file of the same size and the same hash, whatever it is called."""
    by_size: dict[int, list[Path]] = {}
    for path in shared_data.rglob("*"):
        if path.is_file():
            by_size.setdefault(path.stat().st_size, []).append(path)
    copies = [
        path.name
        for path in tracked
        if path.stat().st_size and any(_same(path, other) for other in by_size.get(path.stat().st_size, []))
    ]
    assert copies == []


def _same(one: Path, other: Path) -> bool:
    return hashlib.sha256(one.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()


@pytest.mark.parametrize(("folder", "forbidden"), LAYERS, ids=[folder for folder, _ in LAYERS])
def test_layers_import_downwards_only(repository_root: Path, folder: str, forbidden: set[str]) -> None:
    broken = [
        f"{path.relative_to(repository_root)} imports {name}"
        for path in sorted((repository_root / folder).rglob("*.py"))
        for name in _imports(path)
        if any(name == banned or name.startswith(f"{banned}.") for banned in forbidden)
    ]
    assert broken == []


def test_storeys_of_models_import_downwards_only(repository_root: Path) -> None:
    """Two of one storey do not know each other: a fusion method reads features, whoever made them."""
    storey = {part: i for i, parts in enumerate(STOREYS) for part in parts}
    folder, broken = repository_root / "models", []
    for path in sorted(folder.rglob("*.py")):
        part = path.relative_to(folder).parts[0].removesuffix(".py")
        names = [name for name in _imports(path) if name.startswith("models.")]
        for name in names:
            imported = name.split(".")[1]
            if imported != part and storey[imported] >= storey[part]:
                broken.append(f"{path.relative_to(repository_root)} imports {name}")
    assert broken == []


def test_only_the_page_imports_gradio(repository_root: Path) -> None:
    offenders = [
        str(path.relative_to(repository_root))
        for package in ("app", "models")
        for path in sorted((repository_root / package).rglob("*.py"))
        if "ui" not in path.relative_to(repository_root).parts
        and any(name.split(".")[0] == "gradio" for name in _imports(path))
    ]
    assert offenders == []


def test_no_two_files_import_each_other(repository_root: Path) -> None:
    """Neither directly nor in a circle; an import inside a function counts too."""
    files = [p for package in ("app", "models") for p in (repository_root / package).rglob("*.py")]
    parts = {path: path.relative_to(repository_root).with_suffix("").parts for path in files}
    modules = {".".join(parts[path]).removesuffix(".__init__"): path for path in files}
    graph = {name: {*_imports(path)} & (modules.keys() - {name}) for name, path in modules.items()}
    TopologicalSorter(graph).prepare()  # CycleError shows the circle


def _imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, wherever in it: `from a import b` gives a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}:{node.lineno}: import by the full name, not relatively"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "app/deploy/requirements.txt",
        "tests/requirements.txt",
        "tests/parity/requirements.txt",
    ],
)
def test_requirements_are_pinned_and_explained(repository_root: Path, name: str) -> None:
    lines = (repository_root / name).read_text(encoding="utf-8").splitlines()
    loose = [
        line
        for line in lines
        if line.strip()
        and not line.startswith("#")
        and not re.fullmatch(r"[\w.\-]+(\[\w+\])?==[\w.]+ +# \S.*", line)
    ]
    assert loose == []
