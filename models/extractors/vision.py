"""Face -> states: OpenCV finds and follows the largest face, a small residual network embeds it.

The decoder draws a 48 x 48 face back from an embedding; reconstructions are shown through it.
"""

from __future__ import annotations

import threading
from itertools import pairwise

import cv2
import cv2.data
import numpy as np
import torch
from torch import Tensor, nn

FACE_SIZE = 48  # pixels, as FER2013
EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
DETECTION_WIDTH = 320  # pixels; faces of a talking head stay above 30 pixels
NEAR_WIDTH = 120  # pixels of the window, two faces wide, around the last box
CROP_SCALE = 0.92  # of the detector's box: FER2013's crops are a little tighter
MAX_GAP = 5  # frames (1 s) over which a lost face is interpolated


class _Residual(nn.Module):
    """Two 3 x 3 convolutions with a shortcut (He et al., CVPR 2016, basic block)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class FaceEncoder(nn.Module):
    """Grey faces (n, 1, 48, 48) in [0, 1] -> embeddings (n, 64); a linear head gives 8 FER+ emotions."""

    dim = 64

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, 32, 3, 1, 1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.stages = nn.Sequential(
            _Residual(32, 32, 1),
            _Residual(32, 64, 2),
            _Residual(64, 64, 1),
            _Residual(64, 160, 2),
            _Residual(160, 160, 1),
        )
        self.embed = nn.Linear(160, self.dim)
        self.head = nn.Linear(self.dim, len(EMOTIONS))

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings (n, 64) of faces (n, 1, 48, 48), whatever their brightness and contrast."""
        mean = faces.mean((2, 3), keepdim=True)
        std = faces.std((2, 3), keepdim=True).clamp_min(0.02)
        return self.embed(self.stages(self.stem((faces - mean) / std)).mean((2, 3)))

    def states(self, faces: Tensor) -> Tensor:
        """States (n, 64): the mean embedding of each face and its mirror image."""
        return (self(faces) + self(faces.flip(3))) / 2


class FaceDecoder(nn.Module):
    """Embeddings (n, 64) -> drawn grey faces (n, 1, 48, 48) in [0, 1]."""

    def __init__(self):
        super().__init__()
        self.seed = nn.Linear(FaceEncoder.dim, 96 * 6 * 6)
        layers: list[nn.Module] = []
        for inputs, outputs in ((96, 64), (64, 32), (32, 16)):
            layers += [
                nn.Upsample(scale_factor=2, mode="bilinear"),
                nn.Conv2d(inputs, outputs, 3, 1, 1),
                nn.BatchNorm2d(outputs),
                nn.LeakyReLU(0.1, inplace=True),
            ]
        self.draw = nn.Sequential(*layers, nn.Conv2d(16, 1, 3, 1, 1), nn.Sigmoid())

    def forward(self, embeddings: Tensor) -> Tensor:
        return self.draw(self.seed(embeddings).view(-1, 96, 6, 6))


class _Cascades(threading.local):
    """OpenCV's detectors, one of each a thread (read in 8 ms): none can search two pictures at once."""

    def __init__(self) -> None:
        self.face, self.eyes = (
            cv2.CascadeClassifier(f"{cv2.data.haarcascades}haarcascade_{name}.xml")
            for name in ("frontalface_alt2", "eye")
        )


_cascades = _Cascades()


def track_face(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Aligned crops of the largest face, followed over time.

    frames : (N, H, W, 3) uint8 RGB
    Returns crops (n, 48, 48) uint8 and the indices (n,) of their frames; n is 0 without a face. Gaps of up
    to a second are interpolated; boxes are smoothed so that the crop does not jitter.
    """
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    boxes = _smooth(_follow(greys))
    found = np.flatnonzero(~np.isnan(boxes[:, 0]))
    crops = [_crop(greys[i], boxes[i]) for i in found]
    return np.array(crops, np.uint8).reshape(-1, FACE_SIZE, FACE_SIZE), found


def _follow(greys: list[np.ndarray]) -> np.ndarray:
    """One box a frame (N, 3), NaN where no face: the largest first, then the one near the last.

    Near the last box the search is a small window and few scales: several times quicker than a whole frame.
    """
    boxes = np.full((len(greys), 3), np.nan)
    last, age = None, MAX_GAP + 1
    for i, grey in enumerate(greys):
        near = _detect(grey, last) if age <= MAX_GAP else None
        if near is None and age != 1:  # lost for more than one frame, or never found
            near = _detect(grey)
        if near is None:
            age += 1
        else:
            boxes[i] = last = near
            age = 0
    return boxes


def _detect(grey: np.ndarray, last: np.ndarray | None = None) -> np.ndarray | None:
    """Box (centre x, centre y, side) in pixels of the largest face, near `last` if given; None without."""
    left = top = 0
    if last is not None:
        x, y, side = last
        left, top = int(max(0, x - side)), int(max(0, y - side))
        grey = grey[top : int(y + side), left : int(x + side)]
    scale = max(1.0, grey.shape[1] / (DETECTION_WIDTH if last is None else NEAR_WIDTH))
    small = cv2.resize(grey, None, fx=1 / scale, fy=1 / scale, interpolation=cv2.INTER_AREA)
    if last is None:
        least, most = max(24, min(small.shape) // 8), 0  # 0: of any size
    else:
        least, most = int(0.7 * side / scale), int(1.4 * side / scale)
    found = _cascades.face.detectMultiScale(
        cv2.equalizeHist(small), 1.15, 3, minSize=(least, least), maxSize=(most, most)
    )
    if not len(found):
        return None
    # Of equally large ones the leftmost: their order depends on how OpenCV's own threads came along.
    x, y, width, height = max(np.asarray(found, float), key=lambda box: (box[2], -box[0], -box[1]))
    return np.array([left + (x + width / 2) * scale, top + (y + height / 2) * scale, width * scale])


def _smooth(boxes: np.ndarray) -> np.ndarray:
    """Boxes (N, 3) with gaps of up to MAX_GAP frames filled and a median over three frames."""
    boxes = boxes.copy()
    known = np.flatnonzero(~np.isnan(boxes[:, 0]))
    for before, after in pairwise(known):
        if 1 < after - before <= MAX_GAP:
            share = np.linspace(0, 1, after - before + 1)[1:-1, None]
            boxes[before + 1 : after] = boxes[before] * (1 - share) + boxes[after] * share
    smooth = boxes.copy()
    for i in np.flatnonzero(~np.isnan(boxes[:, 0])):
        smooth[i] = np.nanmedian(boxes[max(0, i - 1) : i + 2], axis=0)
    return smooth


def _crop(grey: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The (48, 48) crop of a box, turned so that the eyes are level where both are found."""
    x, y, side = box
    side *= CROP_SCALE
    angle = _eye_angle(grey, box)
    turn = cv2.getRotationMatrix2D((x, y), angle, FACE_SIZE / side)
    turn[:, 2] += FACE_SIZE / 2 - np.array([x, y])
    flags = cv2.INTER_AREA if side > FACE_SIZE else cv2.INTER_LINEAR
    if side > 2 * FACE_SIZE:  # warpAffine does not average; blur first so that fine detail does not alias
        grey = cv2.GaussianBlur(grey, (0, 0), side / FACE_SIZE / 2.5)
    return cv2.warpAffine(grey, turn, (FACE_SIZE, FACE_SIZE), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _eye_angle(grey: np.ndarray, box: np.ndarray) -> float:
    """Degrees to turn the face so that its eyes are level; 0 unless two plausible eyes are found."""
    x, y, side = box
    top, left = int(max(0, y - side * 0.4)), int(max(0, x - side / 2))
    upper = grey[top : int(y + side * 0.1), left : int(x + side / 2)]
    if min(upper.shape) < 16:
        return 0.0
    shrink = max(1.0, side / 96)
    upper = cv2.resize(upper, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    eyes = _cascades.eyes.detectMultiScale(upper, 1.15, 4)
    if len(eyes) != 2:
        return 0.0
    centres = sorted((ex + ew / 2, ey + eh / 2) for ex, ey, ew, eh in eyes)
    (x0, y0), (x1, y1) = centres
    angle = float(np.degrees(np.arctan2(y1 - y0, x1 - x0)))
    return angle if x1 - x0 > upper.shape[1] * 0.25 and abs(angle) < 25 else 0.0
