"""A login covers page, REST, documentation and tools alike; other origins read nothing that it opened."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import httpx
import pytest
from gradio_client import Client
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from app.accounts import Accounts
from app.rest import visitors
from app.rest.access import COOKIE, GUESSES, Access
from app.settings import Settings, SettingsError
from tests.serving import Served, serving

ANN, BOB = ("ann", "a pass:word"), ("bob", "好")
ELSEWHERE = {"origin": "https://elsewhere.example"}
CLOSED = ("config", "v1/methods", "docs", "docs/swagger-ui.css", "openapi.json", "metrics", "gradio_api/info")


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    """A server with two accounts, behind a proxy that says who asks."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "accounts").write_text("\n".join(map(":".join, (ANN, BOB))), encoding="utf-8")
    with serving(
        folder, FUSEBOX_LOGIN=str(folder / "accounts"), FUSEBOX_MCP="1", FUSEBOX_PROXIES="1"
    ) as running:
        yield running


def log_in(url: str, account: tuple[str, str]) -> httpx.Response:
    return httpx.post(f"{url}login", data={"username": account[0], "password": account[1]})


def of(address: str) -> dict[str, str]:
    """What the proxy says of a request from there."""
    return {"x-forwarded-for": address}


def cookies_of(answer: httpx.Response) -> str:
    return "; ".join(cookie.split(";")[0] for cookie in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize("account", [ANN, BOB])
def test_an_account_opens_all_and_nothing_is_open_without(served, account):
    with_cookie = {"cookie": cookies_of(log_in(served.url, account))}
    for number, path in enumerate(CLOSED):
        assert httpx.get(served.url + path).status_code == 401, path
        wrong = {"auth": (account[0], "wrong"), "headers": of(f"198.51.100.{number}")}
        assert httpx.get(served.url + path, **wrong).status_code == 401, path
        assert httpx.get(served.url + path, headers=with_cookie).status_code == 200, path
        assert httpx.get(served.url + path, auth=httpx.BasicAuth(*account)).status_code == 200, path


def test_what_is_posted_needs_an_account_too(served):
    ask = {"text": "I love it.", "modalities": ["text"]}
    for path in (
        "v1/analyze",
        "mcp",
        "gradio_api/upload",
        "gradio_api/queue/join",
        "gradio_api/call/v2/analyze",
    ):
        refused = httpx.post(served.url + path, json=ask)
        assert (refused.status_code, refused.json()["code"]) == (401, "login"), path
    assert httpx.get(f"{served.url}gradio_api/heartbeat/x").status_code == 401
    assert httpx.post(f"{served.url}v1/analyze", json=ask, auth=ANN).status_code == 200
    client = Client(served.url, auth=ANN, verbose=False)
    assert client.predict(**ask, api_name="/analyze")["score"] > 0


def test_whether_it_lives_everybody_may_ask_and_the_start_says_so(served):
    assert httpx.get(f"{served.url}healthz").status_code in (200, 503)
    said = served.log.read_text()
    assert "has to log in" in said and "accounts: 2" in said and ANN[1] not in said


def test_a_wrong_password_opens_nothing_and_the_page_shows_nothing_but_the_login(served):
    assert log_in(served.url, (ANN[0], BOB[1])).status_code == 400
    page = httpx.get(served.url).text
    assert '"auth_required":true' in page.replace(" ", "") and '"elem_id"' not in page


def test_after_ten_wrong_passwords_an_address_has_to_wait(served, monkeypatch):
    async def answer(request):
        await asyncio.sleep(0.01)
        return PlainTextResponse("", 400 if request.query_params.get("wrong") else 200)

    app = Starlette(routes=[Route("/{path}", answer, methods=["GET", "POST"])])
    tokens = {"known": "bob"}
    site = TestClient(Access(app, Accounts.of([":".join(ANN)]), tokens, proxies=1))
    here, there = of("203.0.113.1"), of("203.0.113.2")
    for _ in range(GUESSES + 1):
        assert site.post("/login", headers=here).status_code == 200  # as many as like know theirs
    for _ in range(GUESSES // 2):
        assert site.get("/config", auth=(ANN[0], "wrong"), headers=here).status_code == 401
        assert site.post("/login?wrong=1", headers=here).status_code == 400
    for refused in (site.get("/config", auth=ANN, headers=here), site.post("/login", headers=here)):
        assert (refused.status_code, refused.json()["code"]) == (429, "guessed_too_often")
        assert 0 < int(refused.headers["retry-after"]) <= 60
    assert site.get("/config", auth=ANN, headers=there).status_code == 200
    with ThreadPoolExecutor(2 * GUESSES) as pool:
        asked = [pool.submit(site.post, "/login?wrong=1", headers=there) for _ in range(2 * GUESSES)]
        assert [one.result().status_code for one in asked].count(400) <= GUESSES
    logged_in = {**here, "cookie": f"{COOKIE}x=known"}
    assert site.get("/config", headers=logged_in).status_code == 200
    now = monotonic() + 61
    monkeypatch.setattr(visitors, "monotonic", lambda: now)
    assert site.get("/config", auth=ANN, headers=here).status_code == 200
    assert f"After {GUESSES} wrong passwords" in httpx.get(served.url).text


def test_cookies_are_kept_from_scripts_and_other_origins(served):
    answer = log_in(served.url, ANN)
    for cookie in answer.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie and ("SameSite=lax" in cookie or "Secure" in cookie)
    cookie = {"cookie": cookies_of(answer)}
    address = served.url.rstrip("/")
    assert httpx.get(f"{served.url}v1/methods", headers={**cookie, **ELSEWHERE}).status_code == 401
    assert httpx.get(f"{served.url}v1/methods", headers={**cookie, "origin": address}).status_code == 200


def test_every_answer_tells_browsers_what_they_may_do(served):
    for path in ("", "healthz", "v1/methods", "docs", "nowhere", "gradio_api/file=/etc/passwd", "theme.css"):
        answer = httpx.get(served.url + path, auth=ANN, headers=ELSEWHERE)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'self' https://huggingface.co" in policy
        assert "access-control-allow-credentials" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers


def test_a_public_server_lets_other_origins_read_what_needs_no_cookie_alone():
    async def told(request):
        headers = {"access-control-allow-origin": "*", "access-control-allow-credentials": "true"}
        return PlainTextResponse(request.headers.get("cookie", "no cookie"), headers=headers)

    site = TestClient(
        Access(Starlette(routes=[Route("/", told)]), Accounts()), base_url="https://here.example"
    )
    cookie = {"cookie": "a=b"}
    assert site.get("/", headers=cookie).text == "a=b"
    for own in ({"origin": "https://here.example"}, {**ELSEWHERE, "sec-fetch-site": "same-origin"}):
        assert site.get("/", headers={**cookie, **own}).text == "a=b"
    behind = {"origin": "https://public.example", "x-forwarded-host": "public.example"}
    assert site.get("/", headers={**cookie, **behind}).text == "a=b"
    for other in (ELSEWHERE, {"origin": "null"}, {"origin": "https://here.example.elsewhere.example"}):
        answer = site.get("/", headers={**cookie, **other})
        assert answer.text == "no cookie" and "access-control-allow-credentials" not in answer.headers


def test_accounts_are_read_and_never_repeated(tmp_path):
    settings = Settings.from_environment({"FUSEBOX_LOGIN": "ann:a pass:word"})
    assert settings.login.admit(*ANN) and not settings.login.admit("ann", "a pass")
    assert not settings.login.admit("ann:a pass", "word!") and not settings.login.admit("", "")
    assert "pass" not in repr(settings) + str(settings.login)
    (tmp_path / "empty").write_text("\n")
    for wrong in ("a-password-alone", ":no-user", "no-password:", str(tmp_path / "empty"), str(tmp_path)):
        with pytest.raises(SettingsError, match="user:password") as caught:
            Settings.from_environment({"FUSEBOX_LOGIN": wrong})
        assert wrong not in str(caught.value)
    assert not Settings.from_environment({}).login


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !", "Basic YW5u", "Bearer YW5uOmEgcGFzczp3b3Jk", "Basic /w=="]
)
def test_what_is_no_account_in_a_header_opens_nothing(header):
    assert not Accounts.of([":".join(ANN)]).admit_basic(header)


def test_an_account_split_at_another_colon_is_the_same_text_and_no_other_user():
    accounts = Accounts.of(["ann:a:b"])
    assert accounts.admit("ann", "a:b")
    assert not accounts.admit("ann:a", "b")
