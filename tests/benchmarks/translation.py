"""What it costs to score speech in another language on its translation: synthetic speech of known sentences.

    python tests/benchmarks/translation.py [--sentences N]

The same sentences (translated_sentences.csv, by hand, half of them positive) in each language, spoken by
eSpeak NG; the score of the words alone, beside that of the English sentence as it is written. Spoken English
tells what recognition alone costs. `error_80` of what was translated is TRANSLATED in app/service/subsets.py.
Synthetic speech is harder to recognise than a person's, and these are short and plain sentences.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from app.media.speech import Recogniser
from app.service.analysis import Transcript
from app.service.analyst import Analyst
from app.service.query import Query
from models.types import Modality
from tests.benchmarks.results import keep_latest
from tests.spoken import spoken

SENTENCES = Path(__file__).with_name("translated_sentences.csv")
VOICES = {"en": "en-us", "de": "de", "cmn": "cmn", "fr": "fr", "es": "es"}  # {column: eSpeak's voice}
CODES = {"en": "", "cmn": "zh"}  # of the transcript, where it is not the column
WIDE = 50  # range of the pitch: the voice's own
SHARE = 0.8


@dataclass(frozen=True)
class Said:
    """A sentence that was spoken.

    sign : of what it says, 1 or -1; written, heard : score of the English sentence, and of what was heard, 0
    where that is nothing
    """

    sign: int
    written: float
    transcript: Transcript
    heard: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sentences", type=int, help="how many, half of them positive; all by default")
    count = parser.parse_args().sentences
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = rows[:: max(1, len(rows) // count)] if count else rows
    analyst, recogniser = Analyst(), Recogniser()

    def score(text: str) -> float:
        if not text:
            return 0.0
        return analyst.analyze(Query(text=text, modalities=(Modality.TEXT,)), only_asked=True).score

    figures, everything = {}, []
    for column, voice in VOICES.items():
        found = []
        for row in rows:
            transcript = recogniser.transcribe(spoken(row[column], pitch_range=WIDE, voice=voice))
            sign = 1 if row["polarity"] == "positive" else -1
            said = Said(sign, score(row["en"]), transcript, score(transcript.text))
            print(f"{column:4} {said.written:+.2f} {said.heard:+.2f} {transcript.language:2}", end=" ")
            print(transcript.text, "|", transcript.original, flush=True)
            found.append(said)
        everything += [said for said in found if said.transcript.original]
        share = np.mean([said.transcript.language == CODES.get(column, column) for said in found])
        figures[column] = {**_figures(found), "recognised_as_its_language": float(share)}
        figures["translated"] = _figures(everything)
        keep_latest(figures)  # the languages take minutes each
    for name, told in figures.items():
        print(f"{name:10} " + ", ".join(f"{key} {value:.3g}" for key, value in told.items()))


def _figures(found: list[Said]) -> dict[str, float]:
    """Errors and shares over sentences; only their number where there are none."""
    if not found:
        return {"sentences": 0}
    errors = np.array([abs(said.heard - said.written) for said in found])
    return {
        "sentences": len(found),
        "mean_error": float(errors.mean()),
        "error_80": float(np.quantile(errors, SHARE)),
        "polarity_right": float(np.mean([said.sign * said.heard > 0 for said in found])),
        "polarity_right_written": float(np.mean([said.sign * said.written > 0 for said in found])),
    }


if __name__ == "__main__":
    main()
