"""Word error rate of the recognised words on the clips, against the data set's transcripts.

    python -m app transcribe --manifest ../shared/data/clips/manifest.csv --out HEARD.csv
    python tests/benchmarks/recognition.py HEARD.csv

Case, punctuation, apostrophes and fillers such as "um" do not count. One clip is left out, whose transcript
holds two of its 160 words.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import pandas as pd
from torchmetrics.functional.text import word_error_rate

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models.extractors.text import plain
from tests.benchmarks.results import keep_latest

FILLERS = re.compile(r"\b(u+m+|u+h+|h+m+|m+h*m+|uhm+|er+|ah+)\b")
MISMATCH = 10  # times as long as the transcript: what was heard is more than it holds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("heard", type=Path, help="CSV with the columns text and words")
    rows = pd.read_csv(parser.parse_args().heard, keep_default_na=False)
    true, heard = (rows[column].map(spoken) for column in ("text", "words"))
    rows = rows[heard.str.len() < MISMATCH * true.str.len()]
    true, heard = true[rows.index].tolist(), heard[rows.index].tolist()
    rate = float(word_error_rate(heard, true))
    print(f"{len(rows)} clips: word error rate {rate:.4f}")
    keep_latest({"clips": len(rows), "word_error_rate": rate})


def spoken(text: str) -> str:
    """The words, without what does not count."""
    return " ".join(FILLERS.sub(" ", plain(text)).split())


if __name__ == "__main__":
    main()
