"""Every command in both languages: what is answered, what it changes, and what wrong words get."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bots.conversation import COMMANDS, Conversation, is_for_us
from bots.frontend import Person
from bots.locales import Locale
from bots.orders import Orders
from core.jobs import Chat, Owner, Ticket
from core.look import Look
from core.queue import FairQueue
from core.styles.registry import Styles
from core.weights import WeightsFolder
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People, Standing
from storage.spool import Spool
from storage.user_settings import UserSettings
from tests.running import conversation_of

ANNA, LI = Person(Owner("telegram", "1"), "en"), Person(Owner("telegram", "2"), "zh-CN")
BOSS, LAOBAN = Person(Owner("telegram", "8"), "en"), Person(Owner("telegram", "9"), "zh-hans")
GUEST = Owner("telegram", "1234")
BIG_NUMBER = "9" * 5000
BIG_QUOTA = f"1234 {BIG_NUMBER}"


class Desk:
    """A conversation over real rows, with two administrators."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.people, self.settings, self.jobs = People(database), UserSettings(database), Jobs(database)
        self._database = database
        self._styles = Styles(WeightsFolder(folder / "weights"))
        queue: FairQueue[Ticket] = FairQueue(100, 60)
        self._orders = Orders(
            self.jobs, queue, Spool(folder / "spool"), self.settings, lambda _: None, lambda _: None
        )
        self.open = self._conversation(allowlist=False)
        self.private = self._conversation(allowlist=True)

    async def send(self, person: Person, photos: int) -> None:
        """Photos that wait."""
        owner = person.owner
        job_id = await self.jobs.open_job(owner, Chat(owner.platform, owner.user), "en", Look())
        for place in range(photos):
            await self.jobs.add_photo(job_id, place, "", f"{job_id} {place}")

    def _conversation(self, *, allowlist: bool) -> Conversation:
        missing = self._styles.missing
        administrators = frozenset({"telegram:8", "telegram:9"})
        return conversation_of(
            self._database, self._styles, missing, self._orders, admin_ids=administrators, allowlist=allowlist
        )


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    yield Desk(database, tmp_path)
    await database.close()


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("/start", "Hello! Send me a photo", "你好！发给我一张照片"),
        ("/help", "Send a photo or an album", "发来一张照片"),
        ("/settings", "Your settings:\nStyle: ink", "你的设置：\n风格：ink"),
        ("/style", "Your style is ink at strength 0.7.", "你的风格是 ink，强度 0.7。"),
        ("/size", "Your size is 1024 px.", "你的尺寸是 1024 像素。"),
        ("/format", "Your format is jpg.", "你的格式是 jpg。"),
        ("/faces", "All faces get special care.", "现在精细处理所有人脸。"),
        ("/style pop 0.9", "Kept: pop, strength 0.9, 1024 px, jpg", "已记住：pop，强度 0.9，1024 像素，jpg"),
        ("/size 512", "Kept: ink, strength 0.7, 512 px", "已记住：ink，强度 0.7，512 像素"),
        ("/format png", "Kept: ink, strength 0.7, 1024 px, png", "已记住：ink，强度 0.7，1024 像素，png"),
        ("/faces main", "Kept: ink, strength 0.7, 1024 px, jpg, special care for the largest", "已记住：ink"),
        ("/style 7", '"7" is not a strength I can use.', "“7”不能作为强度。"),
        ("/style oil", 'There is no style "oil".', "没有“oil”这种风格。"),
        ("/size big", '"big" is not a size I can use.', "“big”不能作为尺寸。"),
        ("/format bmp", 'There is no format "bmp".', "没有“bmp”这种格式。"),
        ("/faces cats", '"cats" is not possible for faces.', "人脸不能设为“cats”。"),
        ("/cancel", "Nothing of yours is waiting.", "你没有在等待的照片。"),
        (
            "/forget",
            "I had kept nothing of any photos of yours. You had not set anything.",
            "这里没有留下你的任何照片。",
        ),
        ("/dance", "I don't know /dance.", "我不认识 /dance。"),
        ("/", "I don't know /.", "我不认识 /。"),
        ("hello", "Please send me a photo", "请发给我一张照片"),
        ("", "Please send me a photo", "请发给我一张照片"),
        (" /SIZE@our_bot  512 ", "Kept: ink, strength 0.7, 512 px", "已记住：ink，强度 0.7，512 像素"),
    ],
)
async def test_everybody_is_answered_in_their_language(desk: Desk, text: str, english: str, chinese: str):
    assert (await desk.open.answer(ANNA, text)).startswith(english)
    assert (await desk.open.answer(LI, text)).startswith(chinese)


async def test_help_tells_how_to_call_off_and_to_be_forgotten(desk: Desk):
    for person in (ANNA, LI):
        listed = await desk.open.answer(person, "/help")
        assert "/cancel – " in listed
        assert "/forget – " in listed


async def test_no_known_command_is_unknown(desk: Desk):
    for command in COMMANDS:
        assert is_for_us(f"/{command}", "our_bot")
        assert "I don't know" not in await desk.open.answer(ANNA, f"/{command}")


async def test_calling_off_says_how_many(desk: Desk):
    for photos, english, chinese in (
        (1, "I called off your photo.", "已取消 1 张照片。"),
        (3, "I called off 3 photos.", "已取消 3 张照片。"),
    ):
        await desk.send(ANNA, photos)
        await desk.send(LI, photos)
        assert await desk.open.answer(ANNA, "/cancel") == english
        assert await desk.open.answer(LI, "/cancel") == chinese


async def test_forgetting_says_what_was_deleted_and_what_stays(desk: Desk):
    await desk.send(ANNA, 1)
    assert (await desk.open.answer(ANNA, "/forget")) == (
        "I deleted all that I had kept of your photo and its request. You had not set anything. "
        "All that stays is what an administrator decided about you (let in, shut out, a daily limit) "
        "and, until midnight UTC, how many photos you sent today."
    )
    for person in (ANNA, LI):
        await desk.send(person, 2)
        await desk.send(person, 3)
        await desk.settings.keep(person.owner, Look(strength=0.9))
    answer = await desk.open.answer(ANNA, "/forget")
    assert answer.startswith(
        "I deleted all that I had kept of your 5 photos and their 2 requests. I deleted your settings too."
    )
    answer = await desk.open.answer(LI, "/forget")
    assert answer.startswith("已删除留在这里的你的 5 张照片和 2 个请求的全部内容。你的设置也已删除。留下的只有")
    assert "strength 0.7" in await desk.open.answer(ANNA, "/style")


@pytest.mark.parametrize("text", ["/start", "/style 0.9", "/forget", "/allow 1", "/dance", "hello", ""])
async def test_who_is_not_invited_hears_how_to_be_and_changes_nothing(desk: Desk, text: str):
    assert await desk.private.answer(ANNA, text) == (
        "This bot is private. Whoever runs it can let you in with this command: /allow telegram:1"
    )
    assert (await desk.private.answer(LI, text)).endswith("/allow telegram:2")
    assert await desk.settings.look_of(ANNA.owner) is None


@pytest.mark.parametrize("text", ["/start", "/style 0.9", "/forget", "/dance", "hello", ""])
async def test_who_is_shut_out_hears_so_and_changes_nothing(desk: Desk, text: str):
    for person in (ANNA, LI):
        await desk.people.set_standing(person.owner, Standing.BLOCKED)
    assert (await desk.open.answer(ANNA, text)).startswith("Whoever runs this bot has shut you out")
    assert (await desk.open.answer(LI, text)).startswith("机器人的管理者不允许你使用")
    assert await desk.settings.look_of(ANNA.owner) is None


async def test_the_sentence_for_strangers_holds_the_very_command_that_lets_them_in(desk: Desk):
    command = (await desk.private.answer(ANNA, "/start")).rpartition(": ")[2]
    assert await desk.private.answer(BOSS, command) == "telegram:1 may use this bot now."
    assert (await desk.private.answer(ANNA, "/start")).startswith("Hello!")
    assert (await desk.private.answer(BOSS, "/ban 1")).startswith("telegram:1 is shut out now. /allow telegram:1")
    assert (await desk.private.answer(ANNA, "/start")).startswith("Whoever runs this bot has shut you out")


@pytest.mark.parametrize("who", ["telegram:1234", "1234", " Telegram:1234 ", "01234"])
async def test_a_person_is_written_with_the_platform_or_without(desk: Desk, who: str):
    await desk.open.answer(BOSS, f"/allow {who}")
    assert await desk.people.standing_of(GUEST) is Standing.ALLOWED
    await desk.open.answer(LAOBAN, f"/ban {who}")
    assert await desk.people.standing_of(GUEST) is Standing.BLOCKED
    await desk.open.answer(LAOBAN, f"/quota {who} 50")
    assert await desk.people.quota_of(GUEST) == 50


async def test_people_of_other_platforms_can_be_let_in(desk: Desk):
    assert await desk.open.answer(LAOBAN, "/allow discord:1234") == "discord:1234 现在可以使用机器人了。"
    assert await desk.people.standing_of(Owner("discord", "1234")) is Standing.ALLOWED
    assert await desk.people.standing_of(GUEST) is None


@pytest.mark.parametrize(
    ("quota", "english", "chinese"),
    [
        (0, "telegram:1234 may send as many photos a day as they like.", "telegram:1234 每天的照片不限张数。"),
        (1, "telegram:1234 may send one photo a day.", "telegram:1234 每天可以发 1 张照片。"),
        (1500, "telegram:1234 may send 1500 photos a day.", "telegram:1234 每天可以发 1500 张照片。"),
    ],
)
async def test_a_quota_is_confirmed(desk: Desk, quota: int, english: str, chinese: str):
    assert await desk.open.answer(BOSS, f"/quota telegram:1234  {quota}") == english
    assert await desk.open.answer(LAOBAN, f"/quota 1234 {quota}") == chinese
    assert await desk.people.quota_of(GUEST) == quota


async def test_the_figures_are_told(desk: Desk):
    assert await desk.open.answer(BOSS, "/stats") == (
        "Waiting photos: 12\n"
        "Since the start: drawn 340, failed 5, hours up 1000.25\n"
        "Today (UTC): photos 78, people 6\n"
        "In the spool: 9.5 MB"
    )
    assert await desk.open.answer(LAOBAN, "/stats") == (
        "等待的照片：12\n"
        "启动以来：画好 340 张，失败 5 张，已运行 1000.25 小时\n"
        "今天（UTC）：78 张照片，6 人\n"
        "暂存的照片：9.5 MB"
    )


@pytest.mark.parametrize(
    "who",
    [
        "",
        "anna",
        "@anna",
        "-1",
        "1.5",
        "telegram:",
        "telegram:anna",
        "fax:1234",
        ":1234",
        "1 2",
        "１２",
        BIG_NUMBER,
    ],
)
@pytest.mark.parametrize("command", ["allow", "ban"])
async def test_who_cannot_be_meant_is_answered_with_an_example(desk: Desk, command: str, who: str):
    for person in (BOSS, LAOBAN):
        assert f"/{command} telegram:1234" in await desk.open.answer(person, f"/{command} {who}")
    assert await desk.people.standing_of(GUEST) is None


@pytest.mark.parametrize(
    "argument",
    ["", "1234", "50 telegram:1234", "1234 -1", "1234 many", "1234 100001", "1234 1 2", BIG_QUOTA, "@anna 5"],
)
async def test_a_quota_that_makes_no_sense_is_answered_with_an_example(desk: Desk, argument: str):
    for person in (BOSS, LAOBAN):
        assert "/quota telegram:1234 50" in await desk.open.answer(person, f"/quota {argument}")
    assert await desk.people.quota_of(GUEST) is None


async def test_administrators_cannot_be_shut_out(desk: Desk):
    assert (await desk.open.answer(BOSS, "/ban 9")).startswith("telegram:9 is an administrator")
    assert (await desk.open.answer(LAOBAN, "/ban 9")).startswith("telegram:9 是管理者")
    assert await desk.people.standing_of(LAOBAN.owner) is None


@pytest.mark.parametrize("text", ["/allow telegram:1", "/ban telegram:1234", "/quota 1 50", "/stats", "/allow"])
async def test_for_everybody_else_the_commands_of_administrators_do_not_exist(desk: Desk, text: str):
    command = text.split()[0]
    assert await desk.open.answer(ANNA, text) == Locale("en").say("unknown-command", command=command)
    assert await desk.open.answer(LI, text) == Locale("zh-CN").say("unknown-command", command=command)
    assert await desk.people.standing_of(ANNA.owner) is None
    assert await desk.people.standing_of(GUEST) is None
    assert not is_for_us(command, "our_bot")
    assert is_for_us(f"{command}@our_bot", "our_bot")
