"""Faces of frames -> tracks over time: crops aligned to where the faces of FER2013 have their eyes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from models.extractors.face_detection import Faces, overlap
from models.extractors.vision import FACE_SIZE

MAX_GAP = 5  # frames (1 s) over which a lost face is interpolated
LEAST_OVERLAP = 0.1  # intersection over union of one face in two frames
LEAST_LIKENESS = 0.8  # correlation of the mean crops of what is one face before and after a cut
LEAST_SHARE = 0.2  # of the frames of the longest track; what is seen less is passing by, or no face
MOST_TRACKS = 6
# Where the landmarks are in the crops: medians of what the detector finds in 3,000 of FER2013's training
# crops, scaled three times up in the middle of a grey field; made symmetric. Quartiles are 2 pixels off.
CANONICAL = np.array([[14.99, 19.41], [33.01, 19.41], [24.0, 28.94], [16.86, 36.28], [31.14, 36.28]])


@dataclass(frozen=True)
class FaceTrack:
    """One face over time.

    crops : (n, 48, 48) uint8, aligned grey crops, one a frame with the face
    times : (n,) seconds
    """

    crops: np.ndarray
    times: np.ndarray


@dataclass
class _Track:
    """One face while it is followed: frames' indices, boxes (4,) and landmarks (5, 2)."""

    frames: list[int] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)
    landmarks: list[np.ndarray] = field(default_factory=list)

    @property
    def size(self) -> float:
        """Area in pixels, summed over the frames."""
        return float(sum(np.prod(box[2:] - box[:2]) for box in self.boxes))


def track_faces(
    frames: Iterable[np.ndarray], times: np.ndarray, found: Sequence[Faces]
) -> tuple[FaceTrack, ...]:
    """The faces of a clip, the most prominent (largest and longest seen) first; () without any.

    frames : N of (height, width, 3) uint8 RGB; times : (N,) seconds; found : the faces of each frame
    Gaps of up to a second are interpolated; landmarks are smoothed so that the crop does not jitter. Tracks
    of one face before and after a cut are joined.
    """
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    pieces = [(track.size, *_aligned(track, greys)) for track in _follow(found)]
    joined = _join(sorted(pieces, key=lambda piece: (-piece[0], piece[1][0])))
    longest = max((len(seen) for _, seen, _ in joined), default=0)
    kept = [(seen, crops) for _, seen, crops in joined if len(seen) >= LEAST_SHARE * longest]
    return tuple(FaceTrack(crops, times[seen]) for seen, crops in kept[:MOST_TRACKS])


def _follow(found: Sequence[Faces]) -> list[_Track]:
    """Tracks by the overlap of boxes, the greatest first; a face that nothing overlaps begins one."""
    tracks: list[_Track] = []
    for index, faces in enumerate(found):
        active = [track for track in tracks if index - track.frames[-1] <= MAX_GAP]
        pairs = [
            (overlap(track.boxes[-1], box), number, face)
            for number, track in enumerate(active)
            for face, box in enumerate(faces.boxes)
        ]
        taken: dict[int, int] = {}  # {face: track}
        for share, number, face in sorted(pairs, key=lambda pair: -pair[0]):
            if share >= LEAST_OVERLAP and face not in taken and number not in taken.values():
                taken[face] = number
        for face, (box, points) in enumerate(zip(faces.boxes, faces.landmarks, strict=True)):
            if face not in taken:
                tracks.append(_Track())
            track = active[taken[face]] if face in taken else tracks[-1]
            track.frames.append(index)
            track.boxes.append(box)
            track.landmarks.append(points)
    return tracks


def _aligned(track: _Track, greys: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Indices of frames (n,) without gaps, and the crops (n, 48, 48) of the face in them."""
    known = np.array(track.frames)
    seen = np.arange(known[0], known[-1] + 1)
    points = np.array(track.landmarks).reshape(len(known), -1)
    filled = np.stack([np.interp(seen, known, column) for column in points.T], axis=1)
    smooth = [np.median(filled[max(0, i - 1) : i + 2], axis=0).reshape(-1, 2) for i in range(len(seen))]
    crops = [crop(greys[i], landmarks) for i, landmarks in zip(seen, smooth, strict=True)]
    return seen, np.array(crops, np.uint8)


def _join(pieces: list[tuple[float, np.ndarray, np.ndarray]]) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """Pieces (size, frames, crops) that look alike and are never seen together become one."""
    joined: list[tuple[float, np.ndarray, np.ndarray]] = []
    for size, seen, crops in pieces:
        for number, (size_before, seen_before, crops_before) in enumerate(joined):
            apart = not np.intersect1d(seen, seen_before).size
            if apart and likeness(crops, crops_before) >= LEAST_LIKENESS:
                order = np.argsort(np.concatenate([seen_before, seen]), kind="stable")
                joined[number] = (
                    size_before + size,
                    np.concatenate([seen_before, seen])[order],
                    np.concatenate([crops_before, crops])[order],
                )
                break
        else:
            joined.append((size, seen, crops))
    return sorted(joined, key=lambda piece: (-piece[0], piece[1][0]))


def likeness(crops: np.ndarray, others: np.ndarray) -> float:
    """Correlation of two faces' mean crops, in [-1, 1]; brightness and contrast do not count."""
    return float(np.corrcoef(crops.mean(0).ravel(), others.mean(0).ravel())[0, 1])


def crop(grey: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The crop (48, 48) of a face, moved, turned and scaled so that its landmarks (5, 2) are `CANONICAL`.

    The nearest such similarity (Umeyama, PAMI 1991), without reflection: from the eyes alone, a face that
    turns to the side would grow.
    """
    matrix = _similarity(landmarks)
    scale = np.hypot(matrix[0, 0], matrix[1, 0])
    if scale < 0.5:  # warpAffine does not average; blur first so that fine detail does not alias
        grey = cv2.GaussianBlur(grey, (0, 0), 0.4 / scale)
    size = (FACE_SIZE, FACE_SIZE)
    return cv2.warpAffine(grey, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _similarity(landmarks: np.ndarray) -> np.ndarray:
    """The matrix (2, 3) that brings landmarks nearest to `CANONICAL`."""
    middle, target = landmarks.mean(0), CANONICAL.mean(0)
    # points as complex numbers: a similarity is one factor and one shift
    ours = (landmarks - middle) @ (1, 1j)
    theirs = (CANONICAL - target) @ (1, 1j)
    factor = np.vdot(ours, theirs) / max(np.vdot(ours, ours).real, 1e-9)
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.hstack([turn, (target - turn @ middle)[:, None]])
