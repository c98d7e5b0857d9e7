"""Scripts speak to the running program: gradio_client, as it is installed, over real HTTP."""

import asyncio
import io
import json
import logging
import re
import zipfile
from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from bots.locales import Locale
from core.errors import BatchTooLarge, NoPhoto, NotAPhoto
from core.styles.registry import BUILT_IN
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, running, settings_in

EN = Locale("en")
PHOTO = jpeg_bytes(gradient(300, 200))


@contextmanager
def served(folder: Path, most_photos: int = 20) -> Generator[str]:
    """The program's address; in a thread of its own, as the client's calls are for no event loop.

    Its page leaves a folder to Gradio in the environment, which is that of one program.
    """
    ready: Future[tuple[str, Callable[[], object]]] = Future()

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        async with running(settings_in(folder, web_batch_photos=most_photos), QuickEngine) as app:
            assert app.web
            async with asyncio.timeout(60):
                await app.web.ready.wait()
            ready.set_result((app.web.url, lambda: loop.call_soon_threadsafe(stop.set)))
            await stop.wait()

    with pytest.MonkeyPatch.context() as environment, ThreadPoolExecutor(1) as threads:
        environment.setenv("GRADIO_TEMP_DIR", str(folder))
        serving = threads.submit(lambda: asyncio.run(serve()))
        either: list[Future[Any]] = [serving, ready]
        wait(either, return_when=FIRST_COMPLETED)
        if serving.done():
            serving.result()
        url, stop = ready.result()
        try:
            yield url
        finally:
            stop()
            serving.result()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("program")


@pytest.fixture(scope="module")
def url(folder: Path) -> Generator[str]:
    with served(folder) as url:
        yield url


@contextmanager
def scripting(url: str) -> Generator[Client]:
    """A script of its own."""
    client = Client(url, verbose=False, download_files=False)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(scope="module")
def script(url: str) -> Generator[Client]:
    with scripting(url) as client:
        yield client


@pytest.fixture
def photo(tmp_path: Path) -> Any:
    (tmp_path / "my cat.jpg").write_bytes(PHOTO)
    return handle_file(tmp_path / "my cat.jpg")


@pytest.fixture
def words(tmp_path: Path) -> Any:
    (tmp_path / "notes.jpg").write_bytes(b"just some words, and nothing of a picture")
    return handle_file(tmp_path / "notes.jpg")


def refusal(script: Client, *given: Any, **named: Any) -> str:
    with pytest.raises(AppError) as caught:
        script.predict(*given, **named)
    return str(caught.value)


def fetch(script: Client, file: Any) -> httpx.Response:
    """What is behind a file that an endpoint gave, for this script."""
    path = file if isinstance(file, str) else file["path"]
    return httpx.get(f"{script.src_prefixed}file={path}", cookies=script.cookies)


@pytest.mark.parametrize(
    ("look", "size", "kind", "name"),
    [
        ({}, (1024, 683), "JPEG", "my cat-ink.jpg"),
        ({"style": "pop", "size": 640}, (640, 427), "JPEG", "my cat-pop.jpg"),
        ({"format": "png", "strength": 0.3, "size": 512, "faces": "main"}, (512, 341), "PNG", "my cat-ink.png"),
    ],
)
def test_a_script_draws_a_photo(
    script: Client, photo: Any, look: dict[str, Any], size: tuple[int, int], kind: str, name: str
):
    cartoon = script.predict(photo, **look, api_name="/cartoonize")
    assert Path(cartoon["path"]).name == name
    with Image.open(io.BytesIO(fetch(script, cartoon).content)) as image:
        assert (image.size, image.format) == (size, kind)


def test_a_script_asks_for_the_styles(script: Client):
    assert script.predict(api_name="/styles") == [*BUILT_IN]


@pytest.mark.parametrize(
    ("look", "sentence"),
    [
        ({"style": "oil"}, 'There is no style "oil".'),
        ({"strength": 7}, '"7" is not a strength I can use.'),
        ({"size": 100}, '"100" is not a size I can use.'),
        ({"size": 700.5}, '"700.5" is not a size I can use.'),
        ({"format": "bmp"}, 'There is no format "bmp".'),
        ({"faces": "cats"}, '"cats" is not possible for faces.'),
    ],
)
def test_a_wrong_value_is_refused_in_words(script: Client, photo: Any, look: dict[str, object], sentence: str):
    for name in ("/cartoonize", "/batch"):
        given = photo if name == "/cartoonize" else [photo]
        assert sentence in refusal(script, given, **look, api_name=name)


def test_a_script_without_a_photo_or_with_none_that_can_be_read_hears_so(script: Client, words: Any):
    for name, nothing in (("/cartoonize", None), ("/batch", []), ("/batch", None)):
        assert EN.error(NoPhoto()) in refusal(script, nothing, api_name=name)
    reason = EN.error(NotAPhoto())
    assert reason[0].upper() + reason[1:] in refusal(script, words, api_name="/cartoonize")


def test_a_script_draws_many_photos_and_hears_which_failed(script: Client, photo: Any, words: Any):
    archive, failed = script.predict([photo, words, photo], style="pop", size=512, api_name="/batch")
    with zipfile.ZipFile(io.BytesIO(fetch(script, archive).content)) as file:
        assert file.namelist() == ["01-my cat-pop.jpg", "03-my cat-pop.jpg"]
        assert file.testzip() is None
    (told,) = failed
    assert (told["number"], told["name"]) == (2, "notes.jpg")
    assert told["reason"].startswith("This is not a picture I can read.")
    archive, failed = script.predict([words], api_name="/batch")
    assert (archive, [each["number"] for each in failed]) == (None, [1])


def test_no_script_gets_at_what_is_another_ones(script: Client, photo: Any, url: str, folder: Path):
    cartoon = script.predict(photo, size=512, api_name="/cartoonize")
    theirs = Path(cartoon["path"])
    (shelf,) = [each for each in (folder / "spool" / "web").iterdir() if theirs.is_relative_to(each)]
    upload = next(shelf.rglob("uploads/*/*"))
    with scripting(url) as stranger:
        for path in (theirs, upload):
            assert fetch(script, str(path)).status_code == 200
            assert fetch(stranger, str(path)).status_code == 404
            for address in (f"files/{path.relative_to(shelf)}", f"files/{path}", f"files/../{shelf.name}/"):
                assert httpx.get(f"{url}/{address}", cookies=stranger.cookies).status_code == 404
        archive = httpx.get(f"{url}/zip/{theirs.parent.name}", cookies=stranger.cookies)
        assert archive.status_code == 404
        assert httpx.get(f"{url}/zip/{theirs.parent.name}", cookies=script.cookies).status_code == 200


class Requests:
    """Requests as the page's own script makes them, right and wrong."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/gradio_api/", timeout=20)
        self.functions = {
            row["api_name"]: row["id"] for row in self._http.get(f"{url}/config").json()["dependencies"]
        }

    def upload(self) -> dict[str, object]:
        """A photo of theirs, as it is named in requests."""
        return file_data(self._http.post("upload", files={"files": ("a.jpg", PHOTO)}).json()[0])

    def ask(self, function: Any, data: Any, **more: Any) -> Any:
        """What comes of it: values, or an error in words."""
        body = {"data": data, "fn_index": function, "session_hash": "mine", **more}
        joined = self._http.post(
            "queue/join", content=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        if joined.status_code != 200:
            assert joined.status_code < 500
            return joined.json()["detail"]
        told = self._http.get("queue/data", params={"session_hash": "mine"}).text
        events = [json.loads(line.removeprefix("data:")) for line in told.splitlines() if line]
        (done,) = [event["output"] for event in events if event["msg"] == "process_completed"]
        return done.get("error") or done["data"]

    def close(self) -> None:
        self._http.close()


@pytest.mark.parametrize("most", [20, 50])
def test_a_batch_may_have_as_many_photos_as_is_set(tmp_path: Path, most: int):
    with served(tmp_path, most) as url, closing(Requests(url)) as requests:
        batch, photo, look = requests.functions["batch"], requests.upload(), [None, None, 512, None, None]
        too_many = EN.error(BatchTooLarge(given=most + 1, most=most))
        assert requests.ask(batch, [[photo] * (most + 1), *look]) == too_many
        archive, failed = requests.ask(batch, [[photo] * most, *look])
        assert failed == []
        with zipfile.ZipFile(archive["path"]) as file:
            assert len(file.namelist()) == most


def test_the_page_begins_with_our_script_and_tells_of_nobody_else(url: str):
    page = httpx.get(url, headers={"Accept-Encoding": "gzip, br, zstd"})
    assert "content-encoding" not in page.headers
    assert int(page.headers["content-length"]) == len(page.content)
    script = files("bots.web").joinpath("page.js").read_text(encoding="utf-8")
    assert page.text.index(f"<head><script>{script}</script>") < page.text.index("<meta")
    assert page.text.count("<script>" + script) == 1
    for foreign in ("og:", "twitter:"):
        assert not re.search(f"<meta[^>]*{foreign}", page.text)
    assert httpx.head(url).status_code < 500


def file_data(path: str) -> dict[str, object]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def test_wrong_requests_are_answered_in_words_and_print_nothing(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    with closing(Requests(url)) as requests:
        draw, batch = requests.functions["cartoonize"], requests.functions["batch"]
        send, press = requests.functions["_send"], requests.functions["_press"]
        nothing = [None] * 5
        missing = EN.say("web-file-missing")
        assert requests.ask(draw, [file_data("/etc/passwd"), *nothing]) == missing
        assert requests.ask(batch, [[file_data("/etc/passwd")], *nothing]) == missing
        assert requests.ask(send, [{"text": "", "files": [file_data("http://127.0.0.1/")]}]) == missing
        assert requests.ask(draw, [None, *nothing]) == EN.error(NoPhoto())
        for function, data, more in (
            (draw, [], {}),
            (draw, [5, *nothing], {}),
            (batch, ["x"] * 6, {}),
            (draw, [None, None, "strong", None, None, None], {}),
            (send, ["text"], {}),
            (send, [{"text": 5, "files": ["a"]}], {}),
            (press, [], {"event_data": {"action": "redo:1:2", "message": "none"}}),
            (press, [], {"event_data": {}}),
            (press, [], {"event_data": 5}),
            (press, [], {"event_data": {"action": "redo:1:2", "message": None}}),
            (press, [], {"event_data": {"action": "redo:1:2", "message": 1e999}}),
        ):
            # A sentence of ours, from "Something went wrong" to what is wrong.
            assert re.fullmatch(r'["A-Z][^{}<>]*\.', requests.ask(function, data, **more))
        assert isinstance(requests.ask(press, [], event_data={"action": "redo:1:2", "message": 10**30}), list)
    assert capfd.readouterr() == ("", "")
    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []
