"""`python -m app.service.store_examples` reads every example again and writes `assets/examples/stored/`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from app.service.reader import Reader
from app.service.stored import EXAMPLES, StoredUtterances, store
from app.settings import Settings


def main() -> None:
    """Read every example again and store what it gave."""
    with tempfile.TemporaryDirectory() as empty:
        reader = Reader(Settings(), "cpu", stored=StoredUtterances(Path(empty)))
        for entry in json.loads((EXAMPLES / "index.json").read_text(encoding="utf-8")):
            clip = EXAMPLES / entry["file"]
            files = (None, clip) if clip.suffix == ".mp3" else (clip, None)
            key, utterance = reader.files(*files)
            target = EXAMPLES / "stored" / f"{clip.stem}.safetensors"
            store(utterance, key, reader.fingerprints, target)
            print(f"{target.name}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
