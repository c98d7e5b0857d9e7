"""The door of the web app, over real HTTP: who a browser is, who is let in, and what they never reach."""

import asyncio
import contextlib
import io
import json
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
import pytest_asyncio
from gradio_client import Client, handle_file
from gradio_client.exceptions import AuthenticationError
from playwright.async_api import Browser, async_playwright, expect
from yarl import URL

from bots.locales import Locale
from bots.web.login import TRIES, TRY_SECONDS, Tries
from bots.web.refusals import Refused
from bots.web.visitors import check_reach
from core.errors import ConfigError
from tests.bots.doorway import Doorway, doorway, uploaded, visiting

# One loop serves the doors that tests share, and runs all tests: the mark is for nothing else.
pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "open sesame"
PAGE = {"Accept": "text/html,*/*;q=0.8"}
PHOTO = Path(__file__).resolve().parents[2] / "bots" / "samples" / "chelsea.jpg"
CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here; on Debian: apt-get install chromium"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """What is served is below it; Gradio is set as the program sets it before it imports it."""
    folder = tmp_path_factory.mktemp("doors")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        environment.setenv("GRADIO_TEMP_DIR", str(folder / "shelf"))
        yield folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(folder: Path) -> AsyncGenerator[Doorway]:
    """A door without a password. It takes a second to build, so tests share it; each comes with new browsers."""
    async with doorway(folder) as door:
        yield door


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def locked(folder: Path) -> AsyncGenerator[Doorway]:
    """A door with PASSWORD, at which no more than a few wrong ones may be tried."""
    async with doorway(folder, PASSWORD) as door:
        yield door


def session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
            ],
        )
        try:
            yield browser
        finally:
            await browser.close()


def entering(browser: aiohttp.ClientSession, url: str) -> Any:
    """What a browser sends when a person types the password."""
    return browser.post(url, data={"password": PASSWORD}, headers=PAGE, allow_redirects=False)


async def status(asking: Any) -> int:
    async with asking as answer:
        return answer.status


async def send_file(door: Doorway, browser: aiohttp.ClientSession, name: str = "cat.jpg") -> Path:
    async with browser.post(f"{door.api}/upload", data=uploaded(name, b"a secret cat")) as answer:
        assert answer.status == 200, await answer.text()
        return Path((await answer.json())[0])


async def endpoint(door: Doorway, browser: aiohttp.ClientSession, name: str) -> int:
    async with browser.get(f"{door.url}/config") as answer:
        config = await answer.json()
    return next(row["id"] for row in config["dependencies"] if row["api_name"] == name)


async def join(door: Doorway, browser: aiohttp.ClientSession, name: str, data: list[Any], of: str) -> int:
    body = {"data": data, "fn_index": await endpoint(door, browser, name), "session_hash": of}
    return await status(browser.post(f"{door.api}/queue/join", json=body))


async def heard(door: Doorway, browser: aiohttp.ClientSession, of: str) -> str:
    """What a session tells. Gradio breaks off where there is none of that name."""
    told = b""
    async with browser.get(f"{door.api}/queue/data", params={"session_hash": of}) as events:
        with contextlib.suppress(aiohttp.ClientPayloadError):
            async for line in events.content:
                told += line
    return told.decode()


async def test_a_browser_is_a_person_whom_no_other_browser_is(door: Doorway):
    async with visiting(door) as (one, first), visiting(door) as (_, second):
        assert first != second
        assert first.isalnum()
        async with one.get(f"{door.url}/who") as answer:
            assert (await answer.json())["user"] == first
            assert "set-cookie" not in answer.headers


async def test_the_cookie_is_for_this_app_and_not_for_scripts(door: Doorway):
    async with session() as browser:
        async with browser.get(f"{door.url}/config") as answer:
            cookie = answer.headers["set-cookie"]
        for part in ("HttpOnly", "SameSite=Lax", "Path=/;", "Max-Age=31536000"):
            assert part in cookie
        assert "Secure" not in cookie
        async with aiohttp.request("GET", door.url, headers={"X-Forwarded-Proto": "https"}) as answer:
            assert answer.headers["set-cookie"].endswith("; Secure")


async def test_a_cookie_that_we_did_not_make_names_nobody(door: Doorway):
    for cookie in ("x", "é" * 43, "../" * 14 + "a", "a" * 44):
        async with aiohttp.request("GET", f"{door.url}/who", headers={"Cookie": f"cartoonbot={cookie}"}) as answer:
            assert answer.status == 200
            assert "set-cookie" in answer.headers


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, None),
        ({"Accept-Language": "zh-TW,zh;q=0.9"}, "zh-TW"),
        ({"Accept-Language": "de;q=0.8"}, "de"),
        # Of Gradio's labels, and for the page alone.
        ({"Accept-Language": "de", "Cookie": "cartoonbot-language=zh-CN"}, "de"),
    ],
)
async def test_the_language_is_what_the_browser_likes_most(
    door: Doorway, headers: dict[str, str], language: str | None
):
    async with aiohttp.request("GET", f"{door.url}/who", headers=headers) as answer:
        assert (await answer.json())["language"] == language


async def test_gradio_client_is_one_visitor_who_uploads_calls_and_fetches(door: Doorway, tmp_path: Path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"12345")

    def work() -> None:
        client = Client(door.url, verbose=False, download_files=str(tmp_path / "fetched"))
        user = client.predict(api_name="/me")
        assert user == client.predict(api_name="/me")
        assert client.predict(handle_file(photo), api_name="/weigh") == 5
        assert Path(client.predict("a cartoon", api_name="/make")).read_text() == "a cartoon"
        assert door.shelf.find(user, "results/made.txt")
        client.close()

    await asyncio.to_thread(work)


async def test_without_the_password_a_page_asks_for_it_and_all_else_is_refused(locked: Doorway):
    async with session() as browser:
        for language in ("en", "zh-CN"):
            locale = Locale(language)
            async with browser.get(f"{locked.url}/", headers=PAGE | {"Accept-Language": language}) as answer:
                assert answer.status == 401
                page = await answer.text()
            assert f'<html lang="{language}">' in page
            assert locale.say("web-login-label") in page
            assert 'autocomplete="current-password"' in page
            for path in ("config", "gradio_api/info", "gradio_api/upload", "assets/x.js", "who", "login"):
                async with browser.get(f"{locked.url}/{path}", headers={"Accept-Language": language}) as answer:
                    assert (answer.status, await answer.text()) == (401, locale.say("web-login-needed"))
        assert list(browser.cookie_jar) == []


async def test_the_password_lets_a_browser_in_until_it_is_another_one(folder: Path):
    async with session() as browser:
        async with doorway(folder, PASSWORD) as door:
            async with entering(browser, f"{door.url}/login") as answer:
                assert (answer.status, answer.headers["location"]) == (303, "/")
            async with browser.get(f"{door.url}/who") as answer:
                user = (await answer.json())["user"]
        async with doorway(folder, PASSWORD) as door, browser.get(f"{door.url}/who") as answer:
            assert (await answer.json())["user"] == user
        async with doorway(folder, "another password") as door:
            assert await status(browser.get(f"{door.url}/who")) == 401


async def test_who_was_here_without_a_password_has_to_give_it(door: Doorway, locked: Doorway):
    async with session() as browser:
        assert await status(browser.get(f"{door.url}/who")) == 200
        assert await status(browser.get(f"{locked.url}/who")) == 401


async def test_a_wrong_password_is_told_in_the_persons_language(locked: Doorway):
    async with session() as browser:
        wrong = {"password": "sésame, öffne dich"}
        headers = PAGE | {"Accept-Language": "zh"}
        async with browser.post(f"{locked.url}/login", data=wrong, headers=headers) as answer:
            assert answer.status == 401
            assert Locale("zh-CN").say("web-login-wrong") in await answer.text()
        async with browser.post(f"{locked.url}/login", data=wrong) as answer:
            assert (answer.status, await answer.text()) == (401, Locale("en").say("web-login-wrong"))
        assert list(browser.cookie_jar) == []


async def test_gradio_client_logs_in_with_the_password(locked: Doorway):
    def work() -> None:
        client = Client(locked.url, auth=("", PASSWORD), verbose=False)
        assert client.predict(api_name="/me").isalnum()
        client.close()
        with pytest.raises(AuthenticationError):
            Client(locked.url, auth=("", "open barley"), verbose=False)
        with pytest.raises(AuthenticationError):
            Client(locked.url, verbose=False)

    await asyncio.to_thread(work)


async def test_who_guesses_passwords_has_to_wait(folder: Path):
    async with doorway(folder, PASSWORD) as door, session() as browser:
        for number in range(TRIES):
            guess = {"password": str(number)}
            assert await status(browser.post(f"{door.url}/login", data=guess)) == 401
        for headers in ({}, PAGE):
            async with browser.post(f"{door.url}/login", data={"password": PASSWORD}, headers=headers) as answer:
                assert answer.status == 429
                assert Locale("en").say("web-login-wait") in await answer.text()
        elsewhere = {"X-Forwarded-For": "192.0.2.7"}
        login = browser.post(f"{door.url}/login", data={"password": PASSWORD}, headers=elsewhere)
        assert await status(login) == 200


async def test_tries_come_back_after_a_minute_and_are_counted_by_network():
    now = 0.0
    tries = Tries(lambda: now)
    for number in range(TRIES):
        tries.check(f"2001:db8::{number}")
        tries.count(f"2001:db8::{number}")
    with pytest.raises(Refused):
        tries.check("2001:db8::ffff")
    tries.check("2001:db8:0:1::1")
    tries.check("192.0.2.1")
    tries.check("not an address")
    now = float(TRY_SECONDS)
    tries.check("2001:db8::ffff")


async def test_a_login_has_no_endless_body(locked: Doorway):
    form = {"password": "x" * 5000}
    async with aiohttp.request("POST", f"{locked.url}/login", data=form) as answer:
        assert (answer.status, await answer.text()) == (413, Locale("en").say("web-request-heavy"))


ORIGINS: tuple[tuple[str, dict[str, str], int], ...] = (
    ("GET", {}, 200),
    ("GET", {"Origin": "http://{own}"}, 200),
    ("GET", {"Origin": "http://evil.example"}, 403),
    ("GET", {"Origin": "http://{own}.evil.example"}, 403),
    ("GET", {"Origin": "null"}, 403),
    ("GET", {"Sec-Fetch-Site": "cross-site"}, 200),
    ("POST", {}, 422),
    ("POST", {"Origin": "http://{own}", "Sec-Fetch-Site": "same-origin"}, 422),
    ("POST", {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
    ("POST", {"Origin": "http://localhost:1", "Sec-Fetch-Site": "same-site"}, 403),
    ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("OPTIONS", {"Origin": "http://evil.example", "Access-Control-Request-Headers": "x-forwarded-host"}, 403),
)


async def test_pages_of_other_sites_cannot_ask_for_anything(door: Doorway):
    other_site = Locale("en").say("web-other-site")
    async with session() as browser:
        own = door.url.removeprefix("http://")
        for method, headers, answered in ORIGINS:
            sent = {name: value.replace("{own}", own) for name, value in headers.items()}
            url, body = (f"{door.url}/config", None) if method == "GET" else (f"{door.api}/cancel", {})
            async with browser.request(method, url, headers=sent, json=body) as answer:
                assert answer.status == answered, (method, headers)
                if answered == 403:
                    assert await answer.text() == other_site
                    assert "set-cookie" not in answer.headers


HOSTS: tuple[tuple[dict[str, str], bool], ...] = (
    ({"Host": "127.0.0.1:7860"}, True),
    ({"Host": "127.0.0.2"}, True),
    ({"Host": "localhost"}, True),
    ({"Host": "[::1]:80"}, True),
    ({"X-Forwarded-Host": "localhost:7860"}, True),
    ({"Host": "evil.example"}, False),
    ({"Host": "localhost.evil.example"}, False),
    ({"Host": "evil@evil.example"}, False),
    ({"Host": "192.0.2.1"}, False),
    ({"Host": "0.0.0.0"}, False),
    ({"Host": "[::1"}, False),
    ({"X-Forwarded-Host": "cartoons.example"}, False),
    ({"X-Forwarded-Host": "localhost, cartoons.example"}, False),
)


async def test_a_proxy_may_ask_by_another_name_where_that_is_wanted(folder: Path):
    async with doorway(folder, is_open=True) as door, session() as browser:
        for headers in (
            {"Host": "cartoons.example", "Origin": "https://cartoons.example"},
            {"X-Forwarded-Host": "cartoons.example", "Origin": "https://cartoons.example"},
            {"Origin": "https://cartoons.example", "Sec-Fetch-Site": "same-origin"},
        ):
            assert await status(browser.get(f"{door.url}/config", headers=headers)) == 200, headers
        for headers, _ in HOSTS:
            assert await status(browser.get(f"{door.url}/who", headers=headers)) == 200, headers


async def test_an_app_without_a_password_is_answered_by_this_machines_names_only(door: Doorway):
    unknown = Locale("en").say("web-unknown-host")
    async with session() as browser:
        for headers, is_answered in HOSTS:
            async with browser.get(f"{door.url}/who", headers=headers) as answer:
                assert answer.status == (200 if is_answered else 400), headers
                if not is_answered:
                    assert await answer.text() == unknown


async def test_neither_of_two_visitors_gets_the_others_files_by_any_address(door: Doorway, folder: Path):
    async with visiting(door) as (one, user), visiting(door) as (two, _):
        path = await send_file(door, one)
        address = path.relative_to(folder / "shelf" / user)
        for form in (
            f"gradio_api/file={path}",
            f"gradio_api/file={quote(str(path), safe='')}",
            f"gradio_api/file/{path}",
            f"gradio_api/file/{str(path)[1:]}",
            f"gradio_api/file={address}",
            f"gradio_api/file=../{user}/{address}",
            f"gradio_api/file={path}/",
            f"gradio_api//file={path}",
            f"/gradio_api/file={path}",
            f"file={path}",
            f"file/{path}",
            f"x/gradio_api/file={path}",
            f"gradio_api/file={path}?x=1",
            f"gradio_api/file=file://{path}",
            f"gradio_api/file={quote(quote(str(path), safe=''), safe='')}",
        ):
            for method in ("GET", "HEAD"):
                url = URL(f"{door.url}/{form}", encoded=True)
                async with two.request(method, url, headers={"Range": "bytes=0-3"}) as answer:
                    assert answer.status in (404, 405), form
                    assert b"cat" not in await answer.read()
        for form in (path, f"/{path}", quote(str(path), safe=""), address):
            url = URL(f"{door.api}/file={form}", encoded=True)
            async with one.get(url) as answer:
                assert (answer.status, await answer.read()) == (200, b"a secret cat"), form
        async with one.get(f"{door.api}/file={path}", headers={"Range": "bytes=2-7"}) as answer:
            assert (answer.status, await answer.read()) == (206, b"secret")
        assert await status(one.head(f"{door.api}/file={path}")) == 200


TRAVERSALS = (
    "/etc/passwd",
    "//etc/passwd",
    "../../../../../../../../etc/passwd",
    "uploads/../../../secret.txt",
    "..%2f..%2fsecret.txt",
    "%2e%2e/%2e%2e/secret.txt",
    "%2e%2e%2f%2e%2e%2fsecret.txt",
    "%252e%252e%252f%252e%252e%252fsecret.txt",
    "..%5c..%5csecret.txt",
    "....//....//secret.txt",
    "./.././../secret.txt",
    "..%00/secret.txt",
    "%00",
    "%ff%fe",
    "~/.bashrc",
    "$HOME/.bashrc",
    "file:///etc/passwd",
    "uploads",
    "",
    ".",
    "..",
    "secret.txt",
    "link",
)


async def test_no_address_leads_out_of_the_visitors_folder(door: Doorway, folder: Path):
    missing = Locale("en").say("web-file-missing")
    (folder / "secret.txt").write_text("root:secret")
    async with visiting(door) as (browser, _):
        own = (await send_file(door, browser)).parent
        (own / "link").symlink_to(folder / "secret.txt")
        for form, start, address in product(("file=", "file/"), ("", f"{own}/"), TRAVERSALS):
            async with browser.get(URL(f"{door.api}/{form}{start}{address}", encoded=True)) as answer:
                assert answer.status == 404, start + address
                assert await answer.text() == missing


async def test_nothing_is_fetched_from_elsewhere_for_a_visitor(door: Doorway):
    came: list[str] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append("a request")
        writer.close()

    server = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
    outside = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.jpg"
    async with server, visiting(door) as (browser, _):
        for route in ("file=", "file/", "proxy="):
            assert await status(browser.get(f"{door.api}/{route}{outside}")) == 404
            url = URL(f"{door.api}/{route}{quote(outside, safe='')}", encoded=True)
            assert await status(browser.get(url)) == 404
        for data in ({"path": outside, "meta": {"_type": "gradio.FileData"}}, {"path": outside, "url": outside}):
            assert await join(door, browser, "weigh", [data], "s") == 404
    assert came == []


async def test_a_request_names_files_of_its_own_visitor_only(door: Doorway):
    async with visiting(door) as (one, _), visiting(door) as (two, _):
        path = await send_file(door, one)
        file = {"path": str(path), "meta": {"_type": "gradio.FileData"}}
        for data in (file, {"path": str(path)}, [[{"x": file}]], file | {"path": "/etc/passwd"}):
            assert await join(door, two, "weigh", [data], "two") == 404
        assert await join(door, one, "weigh", [file], "one") == 200
        assert '"data":[12]' in await heard(door, one, "one")


async def test_a_session_is_its_visitors_even_when_another_knows_its_name(door: Doorway):
    async with visiting(door) as (one, user), visiting(door) as (two, other):
        assert await join(door, one, "me", [], "known") == 200
        stolen = await heard(door, two, "known")
        assert '"session_not_found":true' in stolen
        assert user not in stolen
        assert await join(door, two, "me", [], "known") == 200
        assert f'"data":["{user}"]' in await heard(door, one, "known")
        assert f'"data":["{other}"]' in await heard(door, two, "known")


async def test_answers_come_as_they_are_made_and_not_at_the_end(door: Doorway):
    async with visiting(door) as (browser, _):
        assert await join(door, browser, "tale", [], "s") == 200
        async with browser.get(f"{door.api}/queue/data", params={"session_hash": "s"}) as events:
            while b"once upon a time" not in await events.content.readline():
                assert not events.content.at_eof()
            door.go_on.set()
            assert "the end" in await events.text()


async def test_the_page_lives_on_heartbeats(door: Doorway):
    async with aiohttp.request("GET", f"{door.api}/heartbeat/anything") as beats:
        assert beats.status == 200
        assert b"ALIVE" in await beats.content.readline()


UNUSED = (
    "monitoring",
    "monitoring/summary",
    "openapi.json",
    "logout",
    "svelte/x.js",
    "gradio_api/proxy=https://x.hf.space/",
    "gradio_api/call/me",
    "gradio_api/call/me/123",
    "gradio_api/call/v2/me",
    "gradio_api/run/me",
    "gradio_api/api/me",
    "gradio_api/stream/123",
    "gradio_api/component_server",
    "gradio_api/custom_component/1/client/component/index.js",
    "gradio_api/deep_link",
    "gradio_api/dev/reload",
    "gradio_api/openapi.json",
    "gradio_api/process_recording",
    "gradio_api/queue/status",
    "gradio_api/runs",
    "gradio_api/startup-events",
    "gradio_api/token",
    "gradio_api/user",
    "gradio_api/vibe-code",
    "gradio_api/vibe-edit/",
)


async def test_what_is_not_used_is_not_there(door: Doorway):
    not_found = Locale("en").say("web-not-found")
    async with session() as browser:
        for path, method in product(UNUSED, ("GET", "POST")):
            async with browser.request(method, f"{door.url}/{path}", json={}) as answer:
                assert (answer.status, await answer.text()) == (404, not_found), path


NO_SENSE = (
    (b"", 400, "web-not-understood"),
    (b"[]", 400, "web-not-understood"),
    (b"{", 400, "web-not-understood"),
    (b"\xff", 400, "web-not-understood"),
    (b"[" * 100_000, 400, "web-not-understood"),
    (json.dumps({"data": ["x" * 5_000_000]}).encode(), 413, "web-request-heavy"),
)


async def test_requests_that_make_no_sense_are_told_so(door: Doorway):
    headers, chinese = {"Content-Type": "application/json", "Accept-Language": "zh-CN"}, Locale("zh-CN")
    async with session() as browser:
        for body, answered, sentence in NO_SENSE:
            async with browser.post(f"{door.api}/queue/join", data=io.BytesIO(body), headers=headers) as answer:
                told = {"detail": chinese.say(sentence)}
                assert (answer.status, await answer.json()) == (answered, told)


async def test_a_session_is_named_by_letters_and_digits(door: Doorway):
    async with visiting(door) as (browser, user):
        sentence = Locale("en").say("web-not-understood")
        for name in ("", "x" * 65, f"{user}.known", "a b", "a/b", "é", "a\n"):
            async with browser.post(f"{door.api}/queue/join", json={"session_hash": name}) as answer:
                assert (answer.status, await answer.json()) == (400, {"detail": sentence}), name
            async with browser.get(f"{door.api}/queue/data", params={"session_hash": name}) as answer:
                assert (answer.status, await answer.text()) == (400, sentence), name
            beats = URL(f"{door.api}/heartbeat/{quote(name, safe='')}", encoded=True)
            assert await status(browser.get(beats)) == 400, name
        for name in (5, None, ["known"], {"a": 1}):
            async with browser.post(f"{door.api}/cancel", json={"session_hash": name}) as answer:
                assert answer.status in (400, 422), name
        assert await join(door, browser, "me", [], "x" * 64) == 200


async def test_what_is_the_same_for_everybody_makes_nobody_somebody(door: Doorway):
    async with session() as browser:
        for path in ("theme.css", "static/img/logo.svg", "assets/none.js", "icon.svg", "favicon.ico"):
            async with browser.get(f"{door.url}/{path}") as answer:
                assert "set-cookie" not in answer.headers, path
        async with browser.get(f"{door.url}/config") as answer:
            assert "set-cookie" in answer.headers
            assert answer.headers["cache-control"] == "private, no-store"
        async with browser.get(f"{door.api}/info") as answer:
            assert "set-cookie" not in answer.headers
            assert answer.headers["cache-control"] == "private"


async def test_a_proxy_may_show_the_app_below_a_path(folder: Path):
    async with doorway(folder, PASSWORD, root_path="/cartoons") as door, session() as browser:
        async with browser.get(f"{door.url}/cartoons/", headers=PAGE) as answer:
            assert 'action="/cartoons/login"' in await answer.text()
        async with entering(browser, f"{door.url}/cartoons/login") as answer:
            assert (answer.status, answer.headers["location"]) == (303, "/cartoons/")
            assert "; Path=/cartoons;" in answer.headers["set-cookie"]
            cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        # With the path left on by the proxy, and with it taken off.
        for url in (f"{door.url}/cartoons/config", f"{door.url}/config"):
            async with browser.get(url, headers=cookie) as answer:
                assert (await answer.json())["root"] == f"{door.url}/cartoons"
        assert await status(browser.get(f"{door.url}/cartoonsx/config", headers=cookie)) == 404


async def test_a_path_that_comes_twice_opens_nothing(folder: Path):
    async with doorway(folder, root_path="/cartoons") as door, visiting(door) as (browser, user):
        secret = door.shelf.result("somebodyelse", "1.jpg")
        secret.write_bytes(b"secret")
        for times in range(1, 4):
            url = f"{door.url}{'/cartoons' * times}/gradio_api/file={secret}"
            assert await status(browser.get(url)) == 404
            async with browser.get(f"{door.url}{'/cartoons' * times}/monitoring") as answer:
                assert (answer.status, await answer.text()) == (404, Locale("en").say("web-not-found"))
        own = door.shelf.result(user, "1.jpg")
        own.write_bytes(b"mine")
        async with browser.get(f"{door.url}/cartoons/gradio_api/file={own}") as answer:
            assert (answer.status, await answer.read()) == (200, b"mine")


@pytest.mark.parametrize(
    ("host", "password", "is_open", "may_start"),
    [
        ("127.0.0.1", None, False, True),
        ("127.8.8.8", None, False, True),
        ("localhost", None, False, True),
        ("::1", None, False, True),
        ("0.0.0.0", None, False, False),
        ("::", None, False, False),
        ("192.168.1.5", None, False, False),
        ("my-computer", None, False, False),
        ("0.0.0.0", PASSWORD, False, True),
        ("::", None, True, True),
    ],
)
async def test_other_machines_reach_the_app_only_when_somebody_said_so(
    host: str, password: str | None, is_open: bool, may_start: bool
):
    if may_start:
        check_reach(host, password, is_open=is_open)
        return
    with pytest.raises(ConfigError, match="WEB_PASSWORD"):
        check_reach(host, password, is_open=is_open)


@needs_browser
async def test_gradios_page_works_under_the_policy_and_asks_nobody_else(door: Doorway):
    said: list[str] = []
    asked: list[str] = []
    async with chromium() as browser:
        page = await browser.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        answer = await page.goto(door.url)
        assert answer
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        await expect(page.get_by_label("Told")).to_have_value("ticked", timeout=20_000)
        await page.get_by_role("button", name="Press").click()
        await expect(page.get_by_label("Text")).to_have_value("pressed redo")
        await page.locator("input[type=file]").nth(1).set_input_files(PHOTO)
        await expect(page.get_by_label("Seen")).to_have_value(f"{PHOTO.stat().st_size} bytes", timeout=20_000)
        await expect(page.locator("img[src*='chelsea']")).to_be_visible()
        width = await page.locator("img[src*='chelsea']").evaluate("image => image.naturalWidth")
        assert width > 0
        await page.get_by_role("tab", name="Two").click()
        await expect(page.get_by_text("Before and after")).to_be_visible()
        # The policy is in force: what it forbids does not happen.
        refused = await page.evaluate("fetch('http://127.0.0.1:9/').catch(error => String(error))")
        assert "Failed to fetch" in refused
        await expect(page.get_by_label("Told")).to_be_hidden()
    assert [text for text in said if "127.0.0.1:9/" not in text] == []
    assert len([text for text in said if "Content Security Policy" in text]) >= 1
    assert [url for url in asked if not url.startswith((door.url, "data:", "blob:", "http://127.0.0.1:9/"))] == []


@needs_browser
async def test_a_person_logs_in_with_the_keyboard_on_a_phone_in_the_dark(folder: Path):
    async with doorway(folder, PASSWORD, root_path="/cartoons") as door, chromium() as browser:
        page = await browser.new_page(locale="zh-CN", color_scheme="dark", viewport={"width": 360, "height": 640})
        await page.goto(f"{door.url}/cartoons/")
        locale = Locale("zh-CN")
        entry = page.get_by_label(locale.say("web-login-label"))
        await expect(entry).to_be_focused()
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 30)"
        await entry.fill("wrong")
        await entry.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text(locale.say("web-login-wrong"))
        await entry.fill(PASSWORD)
        await entry.press("Enter")
        await expect(page.get_by_label("Told")).to_have_value("ticked", timeout=20_000)
        assert page.url == f"{door.url}/cartoons/"
