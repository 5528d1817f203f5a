"""One analysis as another program asks for it again: in Python, with curl, on the command line."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import PurePath

from app.service.query import Query

ADDRESS = "http://127.0.0.1:7860"  # of a page that runs with its defaults
API = "gradio_api"

# The server answers an upload with a list of one path, as JSON: without its brackets it is a JSON string.
UPLOAD = 'FILE=$(curl -s "$URL/upload" -F {form}); FILE=${{FILE#[}}; {variable}=${{FILE%]}}'
# Between NULs, which JSON never holds, stands the name of a shell variable.
FILE = '{{"path": \0{variable}\0, "meta": {{"_type": "gradio.FileData"}}}}'
ASK = """EVENT=$(curl -s "$URL/call/v2/analyze" -H 'Content-Type: application/json' \\
  -d {body} | cut -d'"' -f4)
curl -sN "$URL/call/v2/analyze/$EVENT"
"""


@dataclass(frozen=True)
class Call:
    """A query as texts that are ready to be pasted, whatever its words and names hold.

    Files are known by their base names alone, and looked for where the call is made.
    """

    query: Query

    def python(self, address: str = ADDRESS) -> str:
        """A script for gradio_client."""
        lines = [
            *(f"{key}=handle_file({_literal(name)})," for key, name in self._files()),
            *([] if self.query.text is None else [f"text={_literal(self.query.text)},"]),
            f"method={_literal(self.query.method)},",
            f"modalities={_literal(list(self.query.modalities))},",
            *(f"{key}={value}," for key, value in self._numbers()),
            'api_name="/analyze",',
        ]
        imports = "Client, handle_file" if self._files() else "Client"
        return "\n".join(
            [
                f"from gradio_client import {imports}",
                "",
                f"client = Client({_literal(address)})",
                "analysis = client.predict(",
                *(f"    {line}" for line in lines),
                ")",
                "print(analysis)",
                "",
            ]
        )

    def curl(self, address: str = ADDRESS) -> str:
        """A script for a POSIX shell: upload, ask, wait for the answer."""
        root = address.rstrip("/")
        script = [f"URL={shlex.quote(f'{root}/{API}')}"]
        asked = []
        for key, name in self._files():
            variable, escaped = key.upper(), name.replace("\\", "\\\\").replace('"', '\\"')
            form = shlex.quote(f'files=@"{escaped}"')
            script.append(UPLOAD.format(variable=variable, form=form))
            asked.append(f'"{key}": {FILE.format(variable=variable)}')
        rest = {"method": self.query.method, "modalities": list(self.query.modalities)}
        if self.query.text is not None:
            rest = {"text": self.query.text, **rest}
        asked += [f'"{key}": {_literal(value)}' for key, value in rest.items()]
        asked += [f'"{key}": {value}' for key, value in self._numbers()]
        body = shlex.quote(f"{{{', '.join(asked)}}}")
        script.append(ASK.format(body=re.sub("\0(\\w+)\0", "'\"$\\1\"'", body)))
        return "\n".join(script)

    def command(self, what: str = "predict", form: str = "json") -> str:
        """A line for a POSIX shell, in the project's folder. what : "predict" or "segments"."""
        words = ["python", "-m", "app", what]
        for key, name in self._files():
            words += ([] if key == "clip" else [f"--{key}"]) + [shlex.quote(_no_option(name))]
        if self.query.text is not None:
            words.append(f"--text={shlex.quote(self.query.text)}")  # "=": the words may begin with a dash
        words += ["--method", self.query.method, "--modalities", ",".join(self.query.modalities)]
        words += [part for key, value in self._numbers() for part in (f"--{key}", str(value))]
        return " ".join([*words, f"--{form}"]) + "\n"

    def _numbers(self) -> list[tuple[str, float]]:
        """The face and the span, where they are asked for."""
        asked = ("face", self.query.face), ("start", self.query.start or None), ("end", self.query.end)
        return [(key, value) for key, value in asked if value is not None]

    def _files(self) -> list[tuple[str, str]]:
        given = ("clip", self.query.video), ("audio", self.query.audio)
        return [(key, PurePath(file).name) for key, file in given if file]


def _literal(value: str | list[str]) -> str:
    """As JSON, which for strings and lists of them is Python too."""
    return json.dumps(value, ensure_ascii=False)


def _no_option(name: str) -> str:
    """A file name that no command takes for an option."""
    return f"./{name}" if name.startswith("-") else name
