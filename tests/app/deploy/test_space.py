"""What a hosted Space reads of this repository, and the program that it starts."""

from __future__ import annotations

import json
import re
import urllib.request

import yaml
from mcp import Client

from app.doctor import PYTHONS
from models.registry import FUSION_MODELS
from tests.asynchronous import finished
from tests.serving import ROOT, serving

COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}  # that the host knows
LONGEST = 60  # characters of the short description


def front_matter() -> dict:
    _, matter, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(matter)


def test_the_front_matter_is_what_the_host_takes():
    about = front_matter()
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert about["sdk"] == "gradio" and about["sdk_version"] == pins["gradio"]
    assert tuple(map(int, about["python_version"].split("."))) in PYTHONS
    assert (ROOT / about["app_file"]).is_file()
    assert {about["colorFrom"], about["colorTo"]} <= COLOURS
    assert 0 < len(about["short_description"]) <= LONGEST
    assert about["license"] == "other" and about["license_name"] and (ROOT / about["license_link"]).is_file()


def test_a_space_offers_the_page_and_its_tools(tmp_path):
    async def listed() -> list[str]:
        async with Client(f"{server.url}mcp") as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    with serving(tmp_path, command=(front_matter()["app_file"],)) as server:
        with urllib.request.urlopen(f"{server.url}v1/methods") as answer:
            assert [method["name"] for method in json.load(answer)] == list(FUSION_MODELS)
        assert "analyze_clip" in finished(listed())
