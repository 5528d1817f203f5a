"""Frames -> faces with five landmarks, by CenterFace (Xu et al., arXiv:1911.03599) in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from models.tensors import CheckpointError

LONGER_SIDE = 320  # pixels that a frame is scaled to; faces of a talking head stay above 30 of them
STRIDE = 32  # the network's input is a multiple of this
CELL = 4  # pixels of the input for each cell of the heatmap
LEAST_SCORE = 0.5
MOST_OVERLAP = 0.3  # intersection over union of two boxes that are still two faces
LEAST_STILL = 0.6  # intersection over union of a face's boxes two frames apart that needs no look between
LANDMARKS = ("eye on the left", "eye on the right", "nose", "left corner of the mouth", "right corner")


@dataclass(frozen=True)
class Faces:
    """The n faces of a frame, the most certain first.

    boxes : (n, 4) float64 left, top, right, bottom in pixels
    landmarks : (n, 5, 2) float64 x, y in pixels, see `LANDMARKS`; left and right as the picture shows them
    scores : (n,) in [0, 1]
    """

    boxes: np.ndarray
    landmarks: np.ndarray
    scores: np.ndarray


class FaceDetector:
    """CenterFace; stateless, so that any number of threads may share one."""

    def __init__(self, path: Path):
        """CheckpointError where `path` is missing or damaged."""
        self.path = path
        options = onnxruntime.SessionOptions()
        # one thread a call: a frame takes 7 ms, and what a clip gives must not depend on what else runs
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        options.enable_cpu_mem_arena = False  # it would keep what the largest frame took
        try:
            self._network = onnxruntime.InferenceSession(
                path.read_bytes(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's own errors have no common class
            raise CheckpointError(f"the face detector {path} is missing or damaged: {error}") from error

    def detect_all(self, pictures: Iterable[np.ndarray]) -> list[Faces]:
        """The faces of each of pictures (height, width, 3) uint8 RGB, on two cores at most."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(self.detect, pictures))

    def detect_film(self, frames: np.ndarray) -> list[Faces]:
        """The same of a film's frames (n, height, width, 3), a fifth of a second apart, in half the time.

        Every other frame is looked at, and one between two where a face came, went or moved: elsewhere its
        faces are halfway. On 36 clips such landmarks are half a pixel of the crop from those found (median).
        """
        last = len(frames) - 1
        every_other = [i for i in range(len(frames)) if i % 2 == 0 or i == last]
        found = dict(zip(every_other, self.detect_all(frames[i] for i in every_other), strict=True))
        between = {i: halfway(found[i - 1], found[i + 1]) for i in range(1, last, 2)}
        unsure = [i for i, faces in between.items() if not faces]
        found |= {i: faces for i, faces in between.items() if faces}
        found |= zip(unsure, self.detect_all(frames[i] for i in unsure), strict=True)
        return [found[i] for i in range(len(frames))]

    def detect(self, frame: np.ndarray) -> Faces:
        """The faces of a frame (height, width, 3) uint8 RGB."""
        height, width = frame.shape[:2]
        scale = LONGER_SIDE / max(height, width)
        shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(frame, size, interpolation=shrink)
        rows, columns = (-(-side // STRIDE) * STRIDE for side in small.shape[:2])
        picture = np.zeros((1, 3, rows, columns), np.float32)
        picture[0, :, : small.shape[0], : small.shape[1]] = small.transpose(2, 0, 1)
        outputs = self._network.run(None, {"input.1": picture})
        boxes, landmarks, scores = _faces(*(np.asarray(output)[0] for output in outputs))
        return Faces(boxes / scale, landmarks / scale, scores)


def _faces(
    heatmap: np.ndarray, sizes: np.ndarray, offsets: np.ndarray, landmarks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The network's maps (1 | 2 | 2 | 10, rows, columns) -> boxes, landmarks and scores, in input pixels.

    Vertical comes before horizontal in each. Landmarks are shares of the box.
    """
    row, column = np.nonzero(heatmap[0] > LEAST_SCORE)
    scores = heatmap[0, row, column].astype(float)
    cells = np.stack([column, row], axis=1)
    size = CELL * np.exp(sizes[::-1, row, column].T.astype(float))
    corner = CELL * (cells + offsets[::-1, row, column].T.astype(float) + 0.5) - size / 2
    points = landmarks[:, row, column].T.astype(float).reshape(-1, len(LANDMARKS), 2)[:, :, ::-1]
    points = corner[:, None] + points * size[:, None]
    boxes = np.concatenate([corner, corner + size], axis=1)
    kept: list[int] = []
    for i in np.lexsort((boxes[:, 0], -scores)):
        if all(overlap(boxes[i], boxes[j]) < MOST_OVERLAP for j in kept):
            kept.append(int(i))
    return boxes[kept], points[kept], scores[kept]


def halfway(before: Faces, after: Faces) -> Faces | None:
    """The faces of the frame between two; None where those are not the same, in nearly the same places."""
    if len(before.boxes) != len(after.boxes):
        return None
    if not len(before.boxes):
        return before
    shares = np.array([[overlap(box, other) for other in after.boxes] for box in before.boxes])
    same = shares.argmax(1)
    if len(set(same.tolist())) < len(same) or shares.max(1).min() < LEAST_STILL:
        return None
    return Faces(
        (before.boxes + after.boxes[same]) / 2,
        (before.landmarks + after.landmarks[same]) / 2,
        np.minimum(before.scores, after.scores[same]),
    )


def overlap(box: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes (4,), in [0, 1]."""
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    common = float(np.prod(sides.clip(0)))
    return common / float(np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2]) - common)
