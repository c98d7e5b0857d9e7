"""Log lines: readable by people or programs, with the ids they are about, and without secrets."""

import io
import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bots.logs import JsonLines, TextLines

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "123456:AbC-secret"
QUOTED = "https://api.telegram.org/file/bot123456%3AAbC-secret/photos/file_1.jpg"


class Log:
    """A logger by itself, and what it wrote."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self._stream = io.StringIO()
        handler = logging.StreamHandler(self._stream)
        handler.setFormatter(formatter)
        self.logger = logging.Logger("core.studio")
        self.logger.addHandler(handler)

    @property
    def text(self) -> str:
        return self._stream.getvalue()


def break_with(sentence: str) -> None:
    raise RuntimeError(sentence)


def fail(log: Log) -> None:
    """Log an error whose traceback and cause hold the token, both as it is and quoted."""
    try:
        try:
            break_with(f"cannot open {QUOTED}")
        except RuntimeError as error:
            raise ValueError(f"token {TOKEN} was refused") from error
    except ValueError:
        log.logger.exception("photo of bot %s failed", TOKEN, extra={"job": "4f1a", "photo": 7})


def test_a_json_line_says_when_how_bad_where_what_and_about_which_photo():
    log = Log(JsonLines([]))
    before = datetime.now(UTC)
    log.logger.warning('%d photos "wait"\nlonger', 3, extra={"job": "4f1a", "photo": 7})
    (line,) = log.text.splitlines()
    row = json.loads(line)
    time = datetime.fromisoformat(row.pop("time"))
    assert time.utcoffset() is not None
    assert abs((time - before).total_seconds()) < 5
    assert row == {
        "level": "WARNING",
        "logger": "core.studio",
        "message": '3 photos "wait"\nlonger',
        "job": "4f1a",
        "photo": 7,
    }


def test_ids_and_errors_are_only_in_json_lines_that_have_some():
    log = Log(JsonLines([]))
    log.logger.info("ready")
    assert json.loads(log.text).keys() == {"time", "level", "logger", "message"}


def test_a_json_error_is_one_line_with_its_traceback_and_without_the_token():
    log = Log(JsonLines([TOKEN]))
    fail(log)
    (line,) = log.text.splitlines()
    row = json.loads(line)
    assert "AbC-secret" not in line
    assert row["message"] == "photo of bot [secret] failed"
    assert row["exception"].endswith("ValueError: token [secret] was refused")
    assert "file/bot[secret]/photos/file_1.jpg" in row["exception"]
    assert "break_with" in row["exception"]


def test_a_text_line_ends_in_its_ids_and_its_traceback_follows_without_the_token():
    log = Log(TextLines([TOKEN]))
    fail(log)
    first, *traceback = log.text.splitlines()
    assert first.endswith("ERROR   core.studio: photo of bot [secret] failed job=4f1a photo=7")
    assert traceback[-1] == "ValueError: token [secret] was refused"
    assert "AbC-secret" not in log.text
    log.logger.info("ready")
    assert log.text.endswith("INFO    core.studio: ready\n")


@pytest.mark.parametrize("kind", [JsonLines, TextLines])
def test_secrets_are_hidden_whatever_is_in_them(kind: type[JsonLines | TextLines]):
    secret = 'quo"te\\back/slash'
    log = Log(kind([secret, secret + "-and-more", ""]))
    log.logger.info("as it is %s, quoted %s, longer %s", secret, "QUO%22te%5cback%2fslash", secret + "-and-more")
    assert "as it is [secret], quoted [secret], longer [secret]" in log.text


PROGRAM = """
import asyncio, logging, warnings
import aiosqlite, httpx
from pydantic import SecretStr
from bots.logs import log_to_terminal
from core.config import Settings

settings = Settings(_env_file=None)
log_to_terminal(settings)

async def main():
    async with aiosqlite.connect(":memory:") as database:
        await database.execute("SELECT ?", ("holiday-with-anna.jpg",))
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            await client.get("http://127.0.0.1:9/bot" + settings.telegram_bot_token.get_secret_value())
        except httpx.ConnectError:
            pass

asyncio.run(main())
logging.getLogger("core.studio").debug("one of ours")
warnings.warn("something will change")
"""


def run(level: str) -> "subprocess.CompletedProcess[str]":
    environment = {"LOG_LEVEL": level, "LOG_FORMAT": "json", "TELEGRAM_BOT_TOKEN": TOKEN}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def test_a_whole_program_writes_json_alone_and_even_debugging_shows_no_picture_names_and_no_token():
    done = run("DEBUG")
    rows = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout == ""
    assert {"core.studio": "one of ours"}.items() <= {row["logger"]: row["message"] for row in rows}.items()
    assert any("something will change" in row["message"] for row in rows if row["logger"] == "py.warnings")
    assert "holiday-with-anna" not in done.stderr
    assert "AbC-secret" not in done.stderr


def test_less_is_logged_where_less_is_asked_for():
    assert run("ERROR").stderr == ""
