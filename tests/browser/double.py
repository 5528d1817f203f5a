"""The page over an analyst that does arithmetic: no weights, the same `Analysis`; for work on the page."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np

from app.service.analysis import Analysis, ModalityAnalysis, Notice, Transcript, label_of
from app.service.notices import AnalysisError
from app.settings import Settings
from models.clip import Clip
from models.decode import decode

MODALITIES = ("text", "audio", "vision")
METHODS = [
    {
        "name": "lmf",
        "title": "Low-rank multimodal fusion (LMF)",
        "weights_kind": None,
        "year": 2018,
        "available": True,
    },
    {
        "name": "mla",
        "title": "Multimodal learning with alternating unimodal adaptation (MLA)",
        "weights_kind": "entropy",
        "year": 2024,
        "available": True,
    },
]
STRENGTH = {"lmf": 1.0, "mla": 0.8}


class ArithmeticAnalyst:
    """Scores words by counting a few of them, the voice by its loudness and the face by its brightness."""

    def __init__(self) -> None:
        self.clips: dict[Path, Clip] = {}

    def analyze(
        self,
        *,
        video=None,
        audio=None,
        text=None,
        method="lmf",
        modalities=MODALITIES,
        session="",
        progress=None,
    ) -> Analysis:
        """As `Analyst.analyze`."""
        tell = progress or (lambda stage: None)
        start = time.perf_counter()
        path = Path(video or audio) if video or audio else None
        cached = path in self.clips
        if path and not cached:
            tell("decoding")
            self.clips[path] = decode(path)
            for stage in ("hearing voice", "watching face", "listening"):
                tell(stage)
                time.sleep(0.2)
        clip = self.clips.get(path)
        transcript = Transcript(text, "typed") if text else Transcript("", "none")
        if text is None and clip is not None and clip.audio is not None:
            transcript = Transcript("i really like this film", "pocketsphinx", rough=True)
        scores = self._scores(clip, transcript.text)
        used = [m for m in MODALITIES if m in modalities and m in scores]
        if not used:
            raise AnalysisError("nothing_used", "Nothing to use.", modalities="text", present="text")

        def score(subset) -> float:
            return STRENGTH[method] * sum(scores[m] for m in subset) / len(subset) if subset else 0.0

        parts = {}
        sure = {m: math.exp(-self._entropy(scores[m])) for m in used}
        for m in MODALITIES:
            if m not in scores:
                parts[m] = ModalityAnalysis(False, False)
                continue
            on = m in used
            weight = sure[m] / sum(sure.values()) if on else None
            parts[m] = ModalityAnalysis(
                True,
                on,
                self._entropy(scores[m]),
                self._guess(scores[m]).tolist(),
                weight,
                weight if method == "mla" else None,
                score([m]) if on else None,
                abs(score(used) - score([n for n in used if n != m])) if on and len(used) > 1 else None,
            )
        value = score(used)
        loud = None
        if clip is not None and clip.audio is not None:
            windows = clip.audio[: len(clip.audio) // 160 * 160].reshape(-1, 160)
            loud = np.abs(np.fft.rfft(windows, 160))[:, :80].T
        crops = times = None
        if "vision" in scores:
            grey = clip.frames.mean(axis=3)[:, : 48 * 4 : 4, : 48 * 4 : 4]
            crops, times = (
                np.pad(grey, ((0, 0), (0, 48 - grey.shape[1]), (0, 48 - grey.shape[2]))).astype(np.uint8),
                clip.frame_times,
            )
        spent = 1000 * (time.perf_counter() - start)
        stages = {"decode": 0.4, "speech": 0.3, "text": 0.05, "audio": 0.1, "vision": 0.14, "fusion": 0.01}
        return Analysis(
            score=value,
            label=label_of(value),
            interval=(max(-3, value - 0.9), min(3, value + 0.9)),
            method=method,
            weights_kind="entropy" if method == "mla" else None,
            transcript=transcript,
            modalities=parts,
            timings_ms={
                **{s: (0 if cached and s != "fusion" else 1 + part * spent) for s, part in stages.items()},
                "total": spent,
            },
            notices=()
            if "vision" in scores or clip is None
            else (Notice("no_face", "No face was found in the picture."),),
            crops=crops,
            crop_times=times,
            log_mel=None if loud is None else np.log(loud + 1e-4),
        )

    def _scores(self, clip: Clip | None, text: str) -> dict[str, float]:
        scores = {}
        if text:
            good, bad = ("like", "love", "good", "great"), ("hate", "bad", "awful", "terrible")
            said = text.lower().split()
            scores["text"] = float(np.clip(1.9 * sum((w in good) - (w in bad) for w in said), -3, 3))
        if clip is not None and clip.audio is not None:
            scores["audio"] = float(np.clip(np.abs(clip.audio).mean() * 10 - 1, -2, 2))
        if clip is not None and clip.frames is not None:
            scores["vision"] = float(clip.frames.mean() / 64 - 2)
        return scores

    def _guess(self, score: float) -> np.ndarray:
        odds = np.exp(-((np.arange(-3, 4) - score) ** 2) / (2 if abs(score) > 1 else 5))
        return odds / odds.sum()

    def _entropy(self, score: float) -> float:
        guess = self._guess(score)
        return float(-(guess * np.log(guess)).sum())

    def forget(self, session: str) -> None:
        """As `Analyst.forget`."""

    def methods(self) -> list[dict]:
        """As `Analyst.methods`."""
        return METHODS


if __name__ == "__main__":
    from app.ui.page import serve

    serve(ArithmeticAnalyst(), Settings.from_environment())
