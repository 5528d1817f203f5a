"""Hostile files through a server with all its weights: by REST, and by the page's own upload and endpoint."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import httpx
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.hostile_media.mutations import World, hostile
from tests.hostile_media.trial import Outcome, judged

PATIENCE = 300  # s


def through_rest(url: str, seed: int, world: World) -> Outcome:
    """The outcome of a seed's file at /v1."""
    given, start = hostile(seed, world), time.monotonic()
    form = {"clip": (given.name, given.content, "video/mp4")}
    response = httpx.post(f"{url}v1/analyze", files=form, timeout=PATIENCE)
    return judged(seed, given.kind, response, time.monotonic() - start)


def through_the_page(client: Client, seed: int, world: World, folder: Path) -> Outcome:
    """The outcome of a seed's file at the page's endpoint, as its client uploads it."""
    given, start = hostile(seed, world), time.monotonic()
    path = folder / f"{seed}.mp4"
    path.write_bytes(given.content)
    try:
        told, status = client.predict(clip=handle_file(path), api_name="/analyze"), 200
    except AppError as error:
        told, status = error.message, 400
    return judged(seed, given.kind, httpx.Response(status, json=told), time.monotonic() - start)


def through_all(url: str, seeds: Iterable[int], world: World, folder: Path) -> list[Outcome]:
    """The outcomes of the seeds' files, every second one by REST."""
    client = Client(url, verbose=False)
    return [
        through_rest(url, seed, world) if number % 2 else through_the_page(client, seed, world, folder)
        for number, seed in enumerate(seeds)
    ]
