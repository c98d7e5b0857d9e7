"""Styles that need weights, in a chat: missing, downloaded when asked for, and the default once they are there."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bots.frontend import Person
from bots.orders import Orders
from bots.pulls import Pulls
from bots.samples import StylePictures
from core.jobs import Owner, Ticket
from core.look import Look, Preferences
from core.pace import Forecast
from core.queue import FairQueue
from core.styles.registry import BUILT_IN, Styles
from core.weights import WeightsFolder
from storage.database import Database
from storage.jobs import Jobs
from storage.spool import Spool
from storage.user_settings import UserSettings
from tests.core.test_weights import ANIME, model, on_disk
from tests.fakes.modelscope import Fault, Hub
from tests.running import conversation_of, nothing_more

ANNA = Person(Owner("telegram", "1"), "en", "en")
LI = Person(Owner("telegram", "2"), "zh-CN", "zh-CN")


class Desk:
    """A conversation over real settings and a real weights folder."""

    def __init__(self, database: Database, folder: Path, *, automatic: bool = False) -> None:
        self.settings = UserSettings(database)
        self.weights = WeightsFolder(folder / "weights")
        self.styles = Styles(self.weights)
        self.pulls = Pulls(self.styles, self.weights, automatic=automatic)
        queue: FairQueue[Ticket] = FairQueue(100, 60)
        orders = Orders(
            Jobs(database),
            queue,
            Spool(folder / "spool"),
            self.settings,
            lambda *_: Forecast(0, None),
            lambda _: None,
            lambda _: None,
            nothing_more,
        )
        pictures = StylePictures(self.styles, self.weights, folder)
        self._conversation = conversation_of(database, self.styles, self.pulls.asked, orders, pictures)

    async def answer(self, person: Person, text: str) -> str:
        return (await self._conversation.answer(person, text)).text

    async def look(self, person: Person, caption: str = "") -> tuple[Look, str | None]:
        """What a photo with this caption becomes, and what is said about it."""
        wishes, remark = await self._conversation.wishes(person, caption)
        return wishes.look, remark

    def install(self, style: str, folder: Path) -> None:
        self.weights.install(style, on_disk(model(), folder / f"source-{style}"))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    yield database
    await database.close()


@pytest.fixture
async def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


@pytest.fixture
async def pulling(database: Database, tmp_path: Path) -> AsyncGenerator[Desk]:
    """A desk that downloads what people ask for."""
    desk = Desk(database, tmp_path, automatic=True)
    yield desk
    await desk.pulls.close()


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Hub]:
    async with Hub() as hub:
        hub.publish(ANIME, model())
        for name, value in hub.environment.items():
            monkeypatch.setenv(name, value)
        yield hub


async def test_a_missing_style_is_answered_with_what_the_owner_must_do_and_changes_nothing(desk: Desk):
    answer = await desk.answer(ANNA, "/style anime 0.9")
    assert "cartoonbot styles pull anime" in answer
    assert "ink, sketch-ink, pop" in answer
    assert await desk.settings.of(ANNA.owner) is None
    assert "cartoonbot styles pull anime" in await desk.answer(LI, "/style anime")


async def test_a_caption_that_asks_for_it_is_answered_and_the_photo_drawn_as_usual(desk: Desk):
    await desk.answer(ANNA, "/style pop 0.4")
    look, remark = await desk.look(ANNA, "anime 0.9")
    assert look == Look("pop", 0.4)
    assert remark is not None
    assert "cartoonbot styles pull anime" in remark


async def test_who_chose_a_style_that_is_gone_is_told_and_gets_the_default(desk: Desk, tmp_path: Path):
    await desk.settings.keep(ANNA.owner, Preferences(Look("sketch", 0.4)))
    for caption, look in (("", Look("ink", 0.4)), ("0.9", Look("ink", 0.9)), ("our cat", Look("ink", 0.4))):
        drawn, remark = await desk.look(ANNA, caption)
        assert drawn == look
        assert remark is not None
        assert "no longer installed" in remark
    assert await desk.look(ANNA, "pop") == (Look("pop", 0.4), None)
    assert "Style: ink" in await desk.answer(ANNA, "/settings")
    assert (await desk.answer(ANNA, "/style 0.8")).startswith("Kept: ink, strength 0.8")
    desk.install("sketch", tmp_path)
    assert await desk.look(ANNA) == (Look("sketch", 0.8), None)


async def test_who_never_chose_a_style_follows_the_default_whatever_else_they_set(desk: Desk, tmp_path: Path):
    await desk.answer(ANNA, "/size 512")
    await desk.answer(LI, "/style ink")
    assert (await desk.look(ANNA))[0] == Look("ink", size=512)
    desk.install("anime", tmp_path)
    assert (await desk.look(ANNA))[0] == Look("anime", size=512)
    assert (await desk.look(LI))[0] == Look("ink")


async def test_an_unknown_style_is_answered_with_those_that_are_here(desk: Desk):
    answer = await desk.answer(ANNA, "/style oil")
    assert answer.endswith("one of: ink, sketch-ink, pop.")


async def test_only_what_is_installed_is_listed(desk: Desk, tmp_path: Path):
    assert "/style sketch –" not in await desk.answer(ANNA, "/help")
    desk.install("sketch", tmp_path)
    listed = await desk.answer(ANNA, "/help")
    assert all(f"/style {name} –" in listed for name in (*BUILT_IN, "sketch"))
    assert "/style anime –" not in listed


async def test_anime_is_the_default_once_it_is_installed_but_nobodys_choice_changes(desk: Desk, tmp_path: Path):
    await desk.answer(LI, "/style pop")
    assert (await desk.look(ANNA))[0] == Look("ink")
    desk.install("anime", tmp_path)
    assert (await desk.look(ANNA))[0] == Look("anime")
    assert (await desk.look(LI))[0] == Look("pop")
    kept = await desk.answer(ANNA, "/style anime 0.9")
    assert kept.startswith("Kept: anime, strength 0.9")


async def test_with_auto_pull_who_asks_starts_the_download_and_can_have_it_afterwards(pulling: Desk, hub: Hub):
    gate = Fault(hang_after=1)
    hub.fail("cartoon_bg.pb", gate)
    answers = [await pulling.answer(ANNA, "/style anime")]
    await hub.wait_for("cartoon_bg.pb")
    answers.append(await pulling.answer(LI, "/style anime"))
    assert "is being downloaded (0 %)" in answers[0]
    assert "正在下载" in answers[1]
    gate.gate.set()
    await pulling.pulls.ended()
    assert (await pulling.answer(ANNA, "/style anime")).startswith("Kept: anime")
    assert len(hub.asked_for("alpha.jpg")) == 1


async def test_a_download_that_fails_is_owned_up_to_and_the_next_request_tries_again(
    pulling: Desk, hub: Hub, caplog: pytest.LogCaptureFixture
):
    hub.fail("(listing)", Fault(status=500), times=None)
    assert "is being downloaded" in await pulling.answer(ANNA, "/style anime")
    await pulling.pulls.ended()
    assert any("ModelScope is out of order" in message for message in caplog.messages)
    assert "could not be downloaded" in await pulling.answer(ANNA, "/style anime")
    hub.mend()
    assert "is being downloaded" in await pulling.answer(ANNA, "/style anime")
    await pulling.pulls.ended()
    assert (await pulling.answer(ANNA, "/style anime")).startswith("Kept: anime")


async def test_a_stop_ends_a_download_that_is_under_way(pulling: Desk, hub: Hub):
    hub.fail("cartoon_bg.pb", Fault(hang_after=1))
    await pulling.answer(ANNA, "/style anime")
    await hub.wait_for("cartoon_bg.pb")
    await pulling.pulls.close()
    assert not pulling.styles.has("anime")
