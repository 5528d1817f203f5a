"""`python -m app`: serve the page, read files from the command line, or see what is installed."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.logs import set_up
from app.settings import Settings, SettingsError
from models.arguments import Parser, printed

DESCRIPTION = "Fusebox: how words, voice and face fuse into one sentiment. Without a command: serve the page."
EXPORTS = {
    "csv": "a table",
    "json": "one JSON object, with what it comes to",
    "srt": "SubRip subtitles, score and label before the words",
    "vtt": "the same as WebVTT",
    "tsv": "tiers of words and scores, as ELAN imports them",
}
READING = ("predict", "segments", "transcribe")  # commands about a file
RAY_HELP = "the rows on all machines of a Ray cluster (RAY_ADDRESS)"
MODALITIES_HELP = "comma-separated, of text, audio and vision (default: all three)"


def build_parser() -> Parser:
    """The command line; everything heavy is imported by the command that needs it."""
    parser = Parser(prog="python -m app", description=DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("serve", help="serve the page on FUSEBOX_HOST:FUSEBOX_PORT (127.0.0.1:7860)")
    doctor = commands.add_parser("doctor", help="what is installed, which weights are there, what is missing")
    doctor.add_argument("--self-test", action="store_true", help="score two examples by all methods")
    predict = commands.add_parser("predict", help="score one clip, or every row of a CSV")
    predict.add_argument("clip", nargs="?", metavar="CLIP", help="video or audio file")
    predict.add_argument("--text", help='the words; "" for none; recognised from the sound if not given')
    predict.add_argument("--audio", metavar="FILE", help="sound to use instead of the clip's own")
    predict.add_argument("--method", default="lmf", help="fusion method (default: lmf)")
    predict.add_argument("--modalities", type=_listed, default="text,audio,vision", help=MODALITIES_HELP)
    predict.add_argument(
        "--face", type=int, metavar="N", help="which face, from 1 (default: the one that speaks)"
    )
    predict.add_argument("--start", type=float, default=0.0, metavar="S", help="seconds that are left out")
    predict.add_argument("--end", type=float, metavar="S", help="second where what is read ends")
    predict.add_argument("--json", action="store_true", help="print one JSON object")
    predict.add_argument("--manifest", metavar="FILE.csv", help="score every row: `file`, maybe `text`")
    predict.add_argument("--out", metavar="RESULTS.csv", help="where the rows and their scores go")
    predict.add_argument("--ray", action="store_true", help=RAY_HELP)
    predict.set_defaults(parser=predict)
    segments = commands.add_parser("segments", help="a long recording, utterance by utterance")
    segments.add_argument("clip", nargs="?", metavar="FILE", help="video or audio file")
    segments.add_argument("--audio", metavar="FILE", help="sound to use instead of the recording's own")
    segments.add_argument("--method", default="lmf", help="fusion method (default: lmf)")
    segments.add_argument("--modalities", type=_listed, default="text,audio,vision", help=MODALITIES_HELP)
    form = segments.add_mutually_exclusive_group()
    for name, about in EXPORTS.items():
        form.add_argument(f"--{name}", dest="format", action="store_const", const=name, help=about)
    segments.add_argument("--manifest", metavar="FILE.csv", help="read every row: `file`")
    segments.add_argument("--out", metavar="FILE", help="where it is written instead of printed")
    segments.add_argument("--ray", action="store_true", help=RAY_HELP)
    segments.set_defaults(parser=segments)
    transcribe = commands.add_parser("transcribe", help="recognise the words of one clip, or of every row")
    transcribe.add_argument("clip", nargs="?", metavar="CLIP", help="video or audio file")
    transcribe.add_argument("--manifest", metavar="FILE.csv", help="listen to every row: `file`")
    transcribe.add_argument("--out", metavar="HEARD.csv", help="where the rows and their `words` go")
    transcribe.set_defaults(parser=transcribe)
    return parser


def _listed(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def check(args: argparse.Namespace) -> None:
    """Ends the program where the arguments of READING do not go together."""
    asked, parser = vars(args), args.parser
    one_clip = args.clip or asked.get("audio") or asked.get("text")
    manifest = asked.get("manifest")
    if manifest:
        of_one_clip = (
            asked.get("face"),
            asked.get("start") or None,
            asked.get("end"),
            asked.get("json") or None,
            asked.get("format"),
        )
        if one_clip or any(value is not None for value in of_one_clip):
            others = "--out" if args.command == "transcribe" else "--out, --method, --modalities and --ray"
            parser.error(f"--manifest goes with {others} only")
        if not args.out:
            parser.error("--manifest needs --out RESULTS.csv")
    elif asked.get("ray"):
        parser.error("--ray goes with --manifest")
    elif args.out and args.command != "segments":
        parser.error("--out goes with --manifest; for one clip, redirect the output")
    elif not one_clip:
        others = {"predict": ", --audio FILE or --text WORDS", "segments": " or --audio FILE"}.get(
            args.command, ""
        )
        parser.error(f"give a CLIP{others}")
    for file in filter(None, (args.clip, asked.get("audio"), manifest)):
        if not Path(file).is_file():
            parser.error(f"there is no file {file}")


def quiet() -> None:
    """Keep the libraries' load reports, progress bars and warnings off the terminal."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    # Gradio would make a table of its last 10,000 events, which nobody looks at, after each one.
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1")
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


@contextmanager
def loading() -> Iterator[None]:
    """For modules and weights, which stay: looking through them for garbage is a fifth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def serve(settings: Settings) -> int:
    """The page, until it is stopped."""
    with loading():
        from app.media.whisper import RecogniserError
        from app.service.analyst import Analyst
        from app.service.device import limit_heaps
        from models.tensors import CheckpointError

    def prepare() -> None:
        try:
            with loading():
                analyst.prepare()
        except (CheckpointError, RecogniserError) as error:
            print(f"{error}\nNo clip can be analysed; see `python -m app doctor`", file=sys.stderr)

    set_up(settings.log)
    limit_heaps()
    try:
        analyst = Analyst(settings)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    preparing = threading.Thread(target=prepare, name="prepare", daemon=True)
    preparing.start()  # while the page is made, and the first visitor reads
    with loading():
        from app.ui import page
    # a service manager's stop ends like Ctrl-C: with the uploads deleted
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        page.serve(analyst, settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        preparing.join()  # the interpreter cannot end while it imports
        return 2
    except OSError:
        print(
            f"cannot serve on {settings.host}:{settings.port}: the address is taken or not of this machine; "
            "set FUSEBOX_HOST and FUSEBOX_PORT",
            file=sys.stderr,
        )
        preparing.join()
        return 2
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 something of the installation is missing, 2 input that cannot be used."""
    args = build_parser().parse_args(arguments)
    if args.command in READING:
        check(args)
    quiet()
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    if args.command == "doctor":
        from app.doctor import examine

        return printed(lambda: examine(settings, args.self_test))
    if args.command in READING:
        with loading():
            if any(vars(args).get(given) for given in ("clip", "manifest", "audio")):
                from app.media.guard import prepare_decoding

                prepare_decoding()  # in a process of its own, while torch is imported here
            from app.predict import run
        return printed(lambda: run(args, settings))
    return serve(settings)


if __name__ == "__main__":
    code = main()
    gc.freeze()  # Python looks through everything as it ends: half a second
    sys.exit(code)
