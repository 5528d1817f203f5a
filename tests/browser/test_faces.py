"""Two people in one picture: which of them is read, and choosing the other."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.browser.visiting import analyse, look_into, upload, was

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"


def frames_of(name: str) -> list[np.ndarray]:
    with av.open(str(EXAMPLES / name)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


@pytest.fixture(scope="module")
def two_people(tmp_path_factory) -> Path:
    """A clip of a delighted person beside one who is let down, without sound."""
    path = tmp_path_factory.mktemp("clips") / "two.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for left, right in zip(frames_of("delight.mp4"), frames_of("letdown.mp4"), strict=False):
            middle = slice(160, 480)
            both = np.ascontiguousarray(np.hstack([left[:, middle], right[:, middle]]))
            file.mux(stream.encode(av.VideoFrame.from_ndarray(both, format="rgb24")))
        file.mux(stream.encode())
    return path


def test_a_visitor_chooses_which_face_is_read(open_page, two_people):
    page = open_page()
    upload(page, two_people)
    analyse(page)
    look_into(page, "Seen and heard")
    faces = page.locator("#face input")
    faces.first.wait_for()
    assert faces.count() == 2
    other = faces.nth(1 if faces.nth(0).is_checked() else 0)
    other.check()
    assert "face before" in was(page)
    assert other.is_checked()
