"""The whole program with workers elsewhere: what they draw comes back once, whatever becomes of them meanwhile."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from bots.doctor import Finding, examine
from core.config import Settings
from core.errors import ConfigError, StyleMissing
from tests.fakes.cluster import Fault, Workers
from tests.fakes.telegram import Person, TelegramServer
from tests.models import installed
from tests.running import QuickEngine, running, settings_in
from tests.soak.crowd import Color, color_of, jpeg_of

ANNA = Person(id=1001, first_name="Anna")
COLORS: list[Color] = [(240, 16, 16), (16, 240, 16), (16, 16, 240), (240, 240, 16), (16, 240, 240)]


def elsewhere(folder: Path, telegram: TelegramServer, *urls: str, fallback: bool = False) -> Settings:
    return settings_in(
        folder,
        telegram,
        album_seconds=0.3,
        inference_url=urls,
        inference_token=SecretStr("open sesame"),
        inference_seconds=5,
        inference_parallel=4,
        inference_fallback=fallback,
    )


def drawn(telegram: TelegramServer) -> list[Color | None]:
    return [color_of(message.data) for message in telegram.chat(ANNA.id).messages if message.file is not None]


async def send(telegram: TelegramServer, answer: str) -> None:
    """Anna's album, until it is answered so."""
    await telegram.send_album(ANNA, [jpeg_of(color) for color in COLORS], gap=0.0)
    await telegram.wait_for_message(ANNA.id, lambda message: answer in (message.text or ""))


async def test_an_album_is_drawn_by_workers_several_photos_at_once(tmp_path: Path):
    async with (
        TelegramServer() as telegram,
        Workers() as one,
        Workers() as two,
        running(elsewhere(tmp_path, telegram, one.url, two.url)),
    ):
        await send(telegram, "Here are your 5 cartoons: anime 0.7.")
    assert drawn(telegram) == COLORS
    assert one.asked.count("/stylize") + two.asked.count("/stylize") == len(COLORS)
    assert min(len(one.drawn), len(two.drawn)) > 0
    assert telegram.violations == []


async def test_the_styles_are_those_of_the_workers(tmp_path: Path):
    installed(tmp_path, "anime")
    async with (
        TelegramServer() as telegram,
        Workers(styles=("ink",)) as workers,
        running(elsewhere(tmp_path, telegram, workers.url)),
    ):
        await send(telegram, "Here are your 5 cartoons: ink 0.7.")
    assert drawn(telegram) == COLORS


async def test_what_fails_there_is_drawn_all_the_same_and_comes_once(tmp_path: Path):
    async with TelegramServer() as telegram, Workers() as workers:
        workers.fail(Fault(drop=True), times=2)
        workers.fail(Fault(500), times=2)
        async with running(elsewhere(tmp_path, telegram, workers.url)):
            await send(telegram, "Here are your 5 cartoons")
    assert drawn(telegram) == COLORS
    assert workers.asked.count("/stylize") == len(COLORS) + 4


async def test_while_they_are_away_this_machine_draws_if_it_may(tmp_path: Path):
    async with TelegramServer() as telegram, Workers() as workers:
        workers.go_away()
        settings = elsewhere(tmp_path, telegram, workers.url, fallback=True)
        async with running(settings, QuickEngine):
            await send(telegram, "Here are your 5 cartoons: ink 0.7.")
    assert drawn(telegram) == COLORS
    assert not workers.drawn


async def test_a_photo_that_they_cannot_draw_is_named_and_the_others_come(tmp_path: Path):
    async with TelegramServer() as telegram, Workers() as workers:
        workers.refuse(StyleMissing(style="anime", choices="ink"))
        async with running(elsewhere(tmp_path, telegram, workers.url)):
            await send(telegram, "Here are your 4 cartoons")
            await telegram.wait_for_message(ANNA.id, lambda message: "anime" in (message.text or ""))
    assert len(drawn(telegram)) == len(COLORS) - 1


async def test_a_refused_token_ends_the_start(tmp_path: Path):
    async with TelegramServer() as telegram, Workers(token="another") as workers:
        with pytest.raises(ConfigError, match="INFERENCE_TOKEN"):
            async with running(elsewhere(tmp_path, telegram, workers.url)):
                pass


async def test_the_doctor_tells_how_workers_are(tmp_path: Path):
    async with TelegramServer() as telegram, Workers() as fine, Workers(token="another") as shut:
        settings = elsewhere(tmp_path, telegram, fine.url, shut.url, "http://127.0.0.1:1")
        found = [each for each in await asyncio.to_thread(examine, settings) if each.what.startswith("Workers")]
    refused = Finding(
        f"Workers at {shut.url} refuse the token",
        False,
        "set INFERENCE_TOKEN in .env to the INFERENCE_TOKEN of the workers",
    )
    assert found[:2] == [Finding(f"Workers at {fine.url}: cpu (CPU); they draw ink, anime"), refused]
    assert (found[2].fine, found[2].remedy) == (False, "see that Ray Serve runs there (deploy/ray/README.md)")
