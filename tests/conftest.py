"""Fixtures any test may use: the project folder, an example clip, the labelled data beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

import models  # noqa: F401  (says how torch's threads wait, before torch is loaded)

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def repository_root() -> Path:
    """Folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def example_clip() -> Path:
    """A short mp4 with a face that smiles and a voice that says positive words."""
    return ROOT / "assets" / "examples" / "delight.mp4"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the labelled data (clips, speech, faces, text); skips where it is not beside the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the labelled data is not here: it is read from ../shared/data beside the project")
    return SHARED_DATA


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what its place or fixtures already say, so that `-m "not browser"` works.

    Files that take long come first: none is then left for one worker while the others have nothing to do.
    """
    for item in items:
        if "browser" in Path(item.path).relative_to(ROOT).parts:
            item.add_marker("browser")
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.add_marker("shared")
    slow = {item.path for item in items if any(m.name in ("browser", "slow") for m in item.iter_markers())}
    items.sort(key=lambda item: item.path not in slow)
