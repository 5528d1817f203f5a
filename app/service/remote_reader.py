"""A reader whose clips are read by the machines of `app.deploy.serve`."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import httpx
from pydantic import ValidationError

from app.rest.schema import Error
from app.service.query import AnalysisError, File, Query
from app.service.reader import Known, Reader, Stages
from app.service.stored import StoredUtterances
from app.service.utterance import Needs, Utterance
from app.temporary import temporary_folder
from models.types import MODALITIES

SECONDS = 300.0  # within which a clip must be read, in the queue there and after it


class RemoteReader(Reader):
    """Files are decoded, heard and watched at `settings.serve`; the words' states, another face, and all that
    is asked of an Utterance are computed here.

    The extractors must be the same on both sides: an Utterance of others is refused.
    """

    def prepare(self) -> None:
        """Load the extractors."""
        _ = self.profile

    def _read_files(
        self, key: tuple, query: Query, stages: Stages, needs: Needs, recognise: bool, known: Known | None
    ) -> Utterance:
        if known or query.start or query.end is not None:  # parts of a recording, which are not sent away
            return super()._read_files(key, query, stages, needs, recognise, known)

        def compute() -> Utterance:
            if stages.progress:
                stages.progress("decoding")
            # sound without its voice is read for its words alone
            words = recognise or (needs.sound and not needs.voice)
            parts = zip(MODALITIES, (words, needs.voice, needs.picture), strict=True)
            wanted = [str(modality) for modality, is_wanted in parts if is_wanted]
            response = self._asked({"clip": query.video, "audio": query.audio}, wanted)
            for stage, ms in re.findall(r"(\w+);dur=([\d.]+)", response.headers.get("server-timing", "")):
                stages.timings_ms[stage] += float(ms)
            utterance = self._received(key, response.content)
            if words:
                self._transcripts.get(key, stages.session, lambda: utterance.transcript)
            return utterance

        return self._cache.get(("files", *key, needs), stages.session, compute)

    def _asked(self, files: dict[str, File], wanted: list[str]) -> httpx.Response:
        """The answer with the utterance; AnalysisError with what is wrong with the files, or out of reach."""
        with ExitStack() as stack:
            forms = {
                name: (Path(file).name, stack.enter_context(Path(file).open("rb")))
                for name, file in files.items()
                if file
            }
            try:
                response = httpx.post(
                    f"{self._settings.serve}/read",
                    files=forms,
                    data={"modalities": ",".join(wanted)},
                    timeout=SECONDS,
                )
            except httpx.HTTPError as error:
                raise _away() from error
        if response.is_success:
            return response
        try:
            told = Error.model_validate_json(response.content)
        except ValidationError as error:  # by something between
            raise _away() from error
        raise AnalysisError(told.code, told.message, **told.values)

    def _received(self, key: tuple, content: bytes) -> Utterance:
        with temporary_folder("read-") as folder:
            (folder / "utterance.safetensors").write_bytes(content)
            utterance = StoredUtterances(folder, self.profile.dims).find(key, lambda: self.fingerprints)
        if utterance is None:
            text = "The machines that read clips have other extractors than this page; give both one version."
            raise AnalysisError("other_extractors", text)
        return utterance


def _away() -> AnalysisError:
    text = "The machines that read clips do not answer; try again in a minute."
    return AnalysisError("readers_away", text)
