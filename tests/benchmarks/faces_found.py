"""Share of pictures in which a face is found: frames of the clips, and FER2013's faces.

    python tests/benchmarks/faces_found.py

Every 20th frame of each clip, whose one speaker looks at the camera; FER+'s test faces, 600 of them, enlarged
to 160 pixels in the middle of a grey frame of 480 x 270 pixels.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from models.extractors.face_detection import FaceDetector  # noqa: E402
from models.extractors.local_profile import FACE_DETECTOR  # noqa: E402
from models.media.decode import decode  # noqa: E402
from models.shipped.face_encoder import TEST, load_faces  # noqa: E402
from models.tensors import CHECKPOINTS  # noqa: E402
from tests.benchmarks.results import keep_latest  # noqa: E402

FACES, SIZE, WIDTH, HEIGHT = 600, 160, 480, 270


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    data = parser.parse_args().data
    detector = FaceDetector(CHECKPOINTS / "local" / "extractors" / FACE_DETECTOR)
    faces = load_faces(data, TEST)[0][:FACES, 0].numpy()
    found = np.concatenate(
        [
            [len(faces.scores) for faces in detector.detect_all(decode(data / "clips" / file).frames[::20])]
            for file in pd.read_csv(data / "clips" / "manifest.csv")["file"]
        ]
    )
    framed = [len(detector.detect_all(framed_face(face)[None])[0].scores) for face in faces]
    figures = {
        "frames of clips": len(found),
        "with a face": float((found > 0).mean()),
        "FER+ faces": len(framed),
        "found": float((np.array(framed) > 0).mean()),
    }
    print("\n".join(f"{name}: {value:.4g}" for name, value in figures.items()))
    keep_latest(figures)


def framed_face(face: np.ndarray) -> np.ndarray:
    """A grey face (48, 48) in the middle of a picture (270, 480, 3)."""
    picture = np.full((HEIGHT, WIDTH), 128, np.uint8)
    top, left = (HEIGHT - SIZE) // 2, (WIDTH - SIZE) // 2
    picture[top : top + SIZE, left : left + SIZE] = cv2.resize(face, (SIZE, SIZE))
    return np.repeat(picture[..., None], 3, axis=2)


if __name__ == "__main__":
    main()
