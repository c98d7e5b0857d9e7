"""Every command in both languages: what is answered, what it changes, and what wrong words get."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bots.actions import PAGE, SET, Action
from bots.conversation import COMMANDS, Conversation
from bots.frontend import Person
from bots.locales import Locale
from bots.orders import Orders
from bots.panel import CHOSEN, MAIN, SETTINGS
from bots.replies import Pressed, Reply
from bots.samples import StylePictures, welcome
from core.errors import LookError, UserError
from core.jobs import Chat, Owner, Ticket
from core.look import Look, Preferences
from core.pace import Forecast
from core.queue import FairQueue
from core.styles.registry import BUILT_IN, Styles
from core.weights import WeightsFolder
from storage.database import Database
from storage.jobs import Jobs
from storage.people import People, Standing
from storage.spool import Spool
from storage.user_settings import UserSettings
from tests.running import RETENTION_DAYS, conversation_of, nothing_more

ANNA, LI = Person(Owner("telegram", "1"), "en", "en"), Person(Owner("telegram", "2"), "zh-CN", "zh-CN")
BOSS, LAOBAN = Person(Owner("telegram", "8"), "en", "en"), Person(Owner("telegram", "9"), "zh-hans", "zh-hans")
GUEST = Owner("telegram", "1234")
BIG_NUMBER = "9" * 5000
BIG_QUOTA = f"1234 {BIG_NUMBER}"


class Desk:
    """A conversation over real rows, with two administrators."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.people, self.settings, self.jobs = People(database), UserSettings(database), Jobs(database)
        self._database = database
        weights = WeightsFolder(folder / "weights")
        self._styles = Styles(weights)
        self._pictures = StylePictures(self._styles, weights, folder)
        queue: FairQueue[Ticket] = FairQueue(100, 60)
        self._orders = Orders(
            self.jobs,
            queue,
            Spool(folder / "spool"),
            self.settings,
            lambda *_: Forecast(0, None),
            lambda _: None,
            lambda _: None,
            nothing_more,
        )
        self.open = self._conversation(allowlist=False)
        self._private = self._conversation(allowlist=True)

    async def answer(self, person: Person, text: str) -> str:
        return (await self.open.answer(person, text)).text

    async def answer_privately(self, person: Person, text: str) -> str:
        """As a bot does that only those on a list may use."""
        return (await self._private.answer(person, text)).text

    async def press(self, person: Person, page: str, value: str | None = None) -> Pressed:
        """Turn the settings panel to a page, or choose a value there."""
        verb, asked = (PAGE, page) if value is None else (SET, f"{page}:{value}")
        return await self.open.press(person, Action(verb, person.owner.user, asked))

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
            self._database,
            self._styles,
            missing,
            self._orders,
            self._pictures,
            admin_ids=administrators,
            allowlist=allowlist,
        )


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncGenerator[Desk]:
    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    yield Desk(database, tmp_path)
    await database.close()


def chosen_in(shown: Reply | Pressed) -> str:
    """The action of the one button that is marked."""
    (action,) = [button.action for row in shown.buttons or () for button in row if button.label.startswith(CHOSEN)]
    return action


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("/start", "Hello! Send me a photo", "你好！发给我一张照片"),
        ("/help", "Send a photo or an album", "发来一张照片"),
        ("/settings", "Your settings:\nStyle: ink", "你的设置：\n风格：ink"),
        ("/style", "Your style is ink at strength 0.7.", "你的风格是 ink，强度 0.7。"),
        ("/size", "Your size is 1024 px,", "你的尺寸是 1024 像素，"),
        ("/format", "Your format is jpg.", "你的格式是 jpg。"),
        ("/faces", "All faces get special care.", "现在精细处理所有人脸。"),
        ("/deliver", "Results come as pictures where that loses nothing", "不损失画质时以图片发送"),
        ("/language", "I speak the language of your app", "我会使用你应用的语言。"),
        ("/queue", "Nothing of yours is waiting.", "你没有排队的照片。"),
        (
            "/privacy",
            "Photos are drawn on the machine of",
            "照片只在运行这个机器人",
        ),
        ("/cartoon", "Please send /cartoon as a reply to a photo", "请用 /cartoon 回复一张照片"),
        ("/compare styles", "Please send me a photo first", "请先发给我一张照片"),
        ("/style pop 0.9", "Kept: pop, strength 0.9, 1024 px, jpg", "已记住：pop，强度 0.9，1024 像素，jpg"),
        ("/size 512", "Kept: ink, strength 0.7, 512 px", "已记住：ink，强度 0.7，512 像素"),
        ("/format png", "Kept: ink, strength 0.7, 1024 px, png", "已记住：ink，强度 0.7，1024 像素，png"),
        ("/faces main", "Kept: ink, strength 0.7, 1024 px, jpg, special care for the largest", "已记住：ink"),
        ("/deliver zips", "Several results come as one ZIP file", "多个结果打包成一个 ZIP 文件"),
        ("/style 7", '"7" is not a strength I can use.', "“7”不能作为强度。"),
        ("/style oil", 'There is no style "oil".', "没有“oil”这种风格。"),
        ("/size big", '"big" is not a size I can use.', "“big”不能作为尺寸。"),
        ("/format bmp", 'There is no format "bmp".', "没有“bmp”这种格式。"),
        ("/faces cats", '"cats" is not possible for faces.', "人脸不能设为“cats”。"),
        ("/deliver pigeon", '"pigeon" is not a way I can send results.', "不能以“pigeon”的方式发送结果。"),
        ("/language tlh", 'I don\'t speak "tlh" yet.', "我还不会说“tlh”。"),
        ("/cancel", "Nothing of yours is waiting.", "你没有排队的照片。"),
        (
            "/forget",
            "I had kept nothing of any photos of yours. You had not set anything.",
            "这里没有留下你的任何照片。",
        ),
        ("/dance", "I don't know /dance.", "我不认识 /dance。"),
        ("/", "I don't know /.", "我不认识 /。"),
        ("hello", "Please send me a photo", "请发给我一张照片"),
        ("", "I can draw only pictures", "我只会画图片"),
        (" /SIZE@our_bot  512 ", "Kept: ink, strength 0.7, 512 px", "已记住：ink，强度 0.7，512 像素"),
    ],
)
async def test_everybody_is_answered_in_their_language(desk: Desk, text: str, english: str, chinese: str):
    assert (await desk.answer(ANNA, text)).startswith(english)
    assert (await desk.answer(LI, text)).startswith(chinese)


async def test_a_greeting_and_the_styles_come_with_pictures(desk: Desk):
    assert (await desk.open.answer(ANNA, "/start")).picture == welcome()
    picture = (await desk.open.answer(ANNA, "/style")).picture
    assert picture is not None
    assert picture.read_bytes()[:2] == b"\xff\xd8"
    assert (await desk.open.answer(ANNA, "/style 0.8")).picture is None


@pytest.mark.parametrize("parameter", ["sketch-ink", "sketch_ink", " Sketch_Ink "])
async def test_a_link_that_names_a_style_greets_and_keeps_it(desk: Desk, parameter: str):
    answer = await desk.answer(ANNA, f"/start {parameter}")
    assert answer.startswith("Hello!")
    assert answer.endswith("Kept: sketch-ink, strength 0.7, 1024 px, jpg, special care for all faces.")
    assert await desk.settings.of(ANNA.owner) == Preferences(Look("sketch-ink"))


@pytest.mark.parametrize(
    ("parameter", "last_words"),
    [("anime", "What is here: ink, sketch-ink, pop"), ("friend42", "/help lists everything.")],
)
async def test_a_link_that_names_no_style_of_ours_greets_and_keeps_nothing(
    desk: Desk, parameter: str, last_words: str
):
    answer = await desk.answer(ANNA, f"/start {parameter}")
    assert answer.startswith("Hello!")
    assert answer.endswith(last_words)
    assert await desk.settings.of(ANNA.owner) is None


async def test_the_queue_tells_how_many_photos_are_on_their_way(desk: Desk):
    for photos, english, chinese in (
        (1, "One photo of yours is on its way.", "你有 1 张照片正在处理。"),
        (3, "4 photos of yours are on their way.", "你有 4 张照片正在处理。"),
    ):
        for person in (ANNA, LI):
            await desk.send(person, photos)
        assert await desk.answer(ANNA, "/queue") == english
        assert await desk.answer(LI, "/queue") == chinese


async def test_how_long_requests_are_remembered_is_told(desk: Desk):
    assert f"for {RETENTION_DAYS} days" in await desk.answer(ANNA, "/privacy")


async def test_on_the_web_help_and_privacy_tell_what_is_so_there(desk: Desk):
    for locale, words in ((Locale("en"), ("Drop photos", "24 hours")), (Locale("zh-CN"), ("拖", "24"))):
        person = Person(Owner("web", "1"), locale.language, locale.language)
        shown = [await desk.answer(person, command) for command in ("/help", "/privacy")]
        for text, elsewhere, word in zip(shown, ("/help", "/privacy"), words, strict=True):
            assert word in text
            assert text != await desk.answer(ANNA if locale.language == "en" else LI, elsewhere)
        # What is answered to, is for chats with messages that can be answered.
        assert "/cartoon" not in shown[0]
        assert "/auto" not in shown[0]


async def test_all_settings_can_be_kept_at_once(desk: Desk):
    wanted = Preferences(Look("pop", 0.4, 640, "png", "main"), "zip", "zh-CN")
    await desk.open.keep(ANNA.owner, wanted)
    assert await desk.open.preferences(ANNA.owner) == wanted
    assert await desk.open.preferences(LI.owner) == Preferences()
    assert (await desk.open.introduced(ANNA.owner, "en")).language == "zh-CN"


async def test_a_chosen_language_wins_over_that_of_the_app_from_its_own_answer_on(desk: Desk):
    assert (await desk.answer(ANNA, "/language 中文")).startswith("我会用中文和你交流。")
    anna = await desk.open.introduced(ANNA.owner, "en")
    assert anna == Person(ANNA.owner, "zh-CN", "en")
    assert (await desk.answer(anna, "/size 512")).startswith("已记住：ink")
    assert (await desk.answer(anna, "/language EN")).startswith("I speak English")
    await desk.answer(anna, "/language zh")
    # Back to that of the app, and said in it.
    assert (await desk.answer(anna, "/language auto")).startswith("I speak the language of your app")
    assert await desk.open.introduced(ANNA.owner, "zh-hans") == Person(ANNA.owner, "zh-hans", "zh-hans")
    assert await desk.open.introduced(LI.owner, None) == Person(LI.owner, None, None)


@pytest.mark.parametrize(
    ("caption", "wishes"),
    [
        ("", Preferences()),
        ("our cat", Preferences()),
        ("0.9", Preferences(Look(strength=0.9))),
        ("pop 0,5", Preferences(Look("pop", 0.5))),
        ("/size 2048", Preferences(Look(size=2048))),
        ("ink 0.9 /format png", Preferences(Look(strength=0.9, format="png"))),
        ("our cat /size 512px /faces main", Preferences(Look(size=512, faces="main"))),
        ("/cartoon pop 0.4", Preferences(Look("pop", 0.4))),
        ("/CARTOON@our_bot pop\n/Size 600", Preferences(Look("pop", size=600))),
        ("/style 0.4 /strength 0.3", Preferences(Look(strength=0.3))),
        ("/deliver zip", Preferences(delivery="zip")),
        ("/help /forget", Preferences()),
        ("seen at https://example.org/a/pop", Preferences()),
        ("2/3, 16/9", Preferences()),
    ],
)
async def test_a_caption_is_for_its_photo_alone(desk: Desk, caption: str, wishes: Preferences):
    assert await desk.open.wishes(ANNA, caption) == (wishes, None)
    assert await desk.settings.of(ANNA.owner) is None


@pytest.mark.parametrize(
    ("caption", "wishes", "english", "chinese"),
    [
        ("7", Preferences(), '"7" is not a strength', "“7”不能作为强度"),
        ("/size 99", Preferences(), '"99" is not a size', "“99”不能作为尺寸"),
        ("/cartoon oil", Preferences(), 'There is no style "oil"', "没有“oil”这种风格"),
        ("/format bmp", Preferences(), 'There is no format "bmp"', "没有“bmp”这种格式"),
        ("pop /size 512 /faces cats", Preferences(Look("pop", size=512)), '"cats" is not', "人脸不能设为“cats”"),
    ],
)
async def test_a_wrong_word_in_a_caption_is_told_and_the_right_ones_before_it_count(
    desk: Desk, caption: str, wishes: Preferences, english: str, chinese: str
):
    for person, words in ((ANNA, english), (LI, chinese)):
        wanted, remark = await desk.open.wishes(person, caption)
        assert wanted == wishes
        assert remark is not None
        assert remark.startswith(words)


@pytest.mark.parametrize(
    ("page", "value", "kept"),
    [
        ("style", "pop", Preferences(Look("pop"))),
        ("strength", "0.9", Preferences(Look("", 0.9))),
        ("size", "2048", Preferences(Look("", size=2048))),
        ("format", "webp", Preferences(Look("", format="webp"))),
        ("faces", "main", Preferences(Look("", faces="main"))),
        ("deliver", "zip", Preferences(Look(""), delivery="zip")),
        ("language", "zh-CN", Preferences(Look(""), language="zh-CN")),
    ],
)
async def test_each_setting_can_be_chosen_in_the_panel_and_is_marked(
    desk: Desk, page: str, value: str, kept: Preferences
):
    pressed = await desk.press(ANNA, page, value)
    assert await desk.settings.of(ANNA.owner) == kept
    assert pressed.toast == ("已记住。" if page == "language" else "Kept.")
    assert chosen_in(pressed) == f"set:1:{page}:{value}"
    # The main page tells it too.
    assert (await desk.press(ANNA, MAIN)).text == await desk.answer(ANNA, "/settings")


async def test_turning_a_page_changes_nothing(desk: Desk):
    for page in (MAIN, *SETTINGS):
        pressed = await desk.press(LI, page)
        assert (pressed.toast, pressed.gone) == ("", ())
        assert pressed.text
        assert pressed.buttons
    assert await desk.settings.of(LI.owner) is None


async def test_the_page_of_the_styles_describes_those_that_are_here(desk: Desk):
    text = (await desk.press(ANNA, "style")).text or ""
    assert all(f"/style {name} – " in text for name in BUILT_IN)
    assert "/style anime" not in text


@pytest.mark.parametrize(
    ("verb", "value"),
    [
        (PAGE, ""),
        (PAGE, "queue"),
        (PAGE, "style:pop"),
        (SET, ""),
        (SET, "password:pop"),
        (SET, "style:oil"),
        (SET, "style:anime"),
        (SET, "strength:7"),
        (SET, "strength:nan"),
        (SET, "strength:"),
        (SET, "size:1"),
        (SET, f"size:{BIG_NUMBER}"),
        (SET, "format:bmp"),
        (SET, "faces:cats"),
        (SET, "deliver:pigeon"),
    ],
)
async def test_a_value_that_the_panel_did_not_offer_is_refused_and_nothing_kept(desk: Desk, verb: str, value: str):
    with pytest.raises(LookError):
        await desk.open.press(ANNA, Action(verb, ANNA.owner.user, value))
    assert await desk.settings.of(ANNA.owner) is None


async def test_a_language_that_the_panel_did_not_offer_is_refused(desk: Desk):
    with pytest.raises(UserError):
        await desk.press(ANNA, "language", "tlh")
    assert await desk.settings.of(ANNA.owner) is None


async def test_help_tells_how_to_call_off_and_to_be_forgotten(desk: Desk):
    for person in (ANNA, LI):
        listed = await desk.answer(person, "/help")
        assert "/cancel – " in listed
        assert "/forget – " in listed


async def test_no_known_command_is_unknown(desk: Desk):
    for command in COMMANDS:
        assert "I don't know" not in await desk.answer(ANNA, f"/{command}")


async def test_calling_off_says_how_many(desk: Desk):
    for photos, english, chinese in (
        (1, "I called off your photo.", "已取消 1 张照片。"),
        (3, "I called off 3 photos.", "已取消 3 张照片。"),
    ):
        await desk.send(ANNA, photos)
        await desk.send(LI, photos)
        assert await desk.answer(ANNA, "/cancel") == english
        assert await desk.answer(LI, "/cancel") == chinese


async def test_forgetting_says_what_was_deleted_and_what_stays(desk: Desk):
    await desk.send(ANNA, 1)
    assert (await desk.answer(ANNA, "/forget")) == (
        "I deleted all that I had kept of your photo and its request. You had not set anything. "
        "All that stays is what an administrator decided about you (let in, shut out, a daily limit) "
        "and, until midnight UTC, how many photos you sent today."
    )
    for person in (ANNA, LI):
        await desk.send(person, 2)
        await desk.send(person, 3)
        await desk.settings.keep(person.owner, Preferences(Look(strength=0.9)))
    answer = await desk.answer(ANNA, "/forget")
    assert answer.startswith(
        "I deleted all that I had kept of your 5 photos and their 2 requests. I deleted your settings too."
    )
    answer = await desk.answer(LI, "/forget")
    assert answer.startswith("已删除留在这里的你的 5 张照片和 2 个请求的全部内容。你的设置也已删除。留下的只有")
    assert "strength 0.7" in await desk.answer(ANNA, "/style")


@pytest.mark.parametrize("text", ["/start", "/style 0.9", "/allow 1", "/dance", "hello", ""])
async def test_who_is_not_invited_hears_how_to_be_and_changes_nothing(desk: Desk, text: str):
    assert await desk.answer_privately(ANNA, text) == (
        "This bot is private. Whoever runs it can let you in with this command: /allow telegram:1"
    )
    assert (await desk.answer_privately(LI, text)).endswith("/allow telegram:2")
    assert await desk.settings.of(ANNA.owner) is None


@pytest.mark.parametrize("text", ["/start", "/style 0.9", "/dance", "hello", ""])
async def test_who_is_shut_out_hears_so_and_changes_nothing(desk: Desk, text: str):
    for person in (ANNA, LI):
        await desk.people.set_standing(person.owner, Standing.BLOCKED)
    assert (await desk.answer(ANNA, text)).startswith("Whoever runs this bot has shut you out")
    assert (await desk.answer(LI, text)).startswith("运行这个机器人的人不允许你使用")
    assert await desk.settings.of(ANNA.owner) is None


async def test_who_may_not_use_it_may_still_read_what_is_kept_and_have_it_forgotten(desk: Desk):
    await desk.settings.keep(ANNA.owner, Preferences())
    await desk.people.set_standing(ANNA.owner, Standing.BLOCKED)
    assert f"for {RETENTION_DAYS} days" in await desk.answer(ANNA, "/privacy")
    assert "I deleted your settings too." in await desk.answer(ANNA, "/forget")
    assert await desk.settings.of(ANNA.owner) is None


async def test_the_sentence_for_strangers_holds_the_very_command_that_lets_them_in(desk: Desk):
    command = (await desk.answer_privately(ANNA, "/start")).rpartition(": ")[2]
    assert await desk.answer_privately(BOSS, command) == "telegram:1 may use this bot now."
    assert (await desk.answer_privately(ANNA, "/start")).startswith("Hello!")
    assert (await desk.answer_privately(BOSS, "/ban 1")).startswith(
        "telegram:1 is shut out now. /allow telegram:1"
    )
    assert (await desk.answer_privately(ANNA, "/start")).startswith("Whoever runs this bot has shut you out")


@pytest.mark.parametrize("who", ["telegram:1234", "1234", " Telegram:1234 ", "01234"])
async def test_a_person_is_written_with_the_platform_or_without(desk: Desk, who: str):
    await desk.answer(BOSS, f"/allow {who}")
    assert await desk.people.standing_of(GUEST) is Standing.ALLOWED
    await desk.answer(LAOBAN, f"/ban {who}")
    assert await desk.people.standing_of(GUEST) is Standing.BLOCKED
    await desk.answer(LAOBAN, f"/quota {who} 50")
    assert await desk.people.quota_of(GUEST) == 50


async def test_people_of_other_platforms_can_be_let_in(desk: Desk):
    assert await desk.answer(LAOBAN, "/allow discord:1234") == "discord:1234 现在可以使用机器人了。"
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
    assert await desk.answer(BOSS, f"/quota telegram:1234  {quota}") == english
    assert await desk.answer(LAOBAN, f"/quota 1234 {quota}") == chinese
    assert await desk.people.quota_of(GUEST) == quota


async def test_the_figures_are_told(desk: Desk):
    assert await desk.answer(BOSS, "/stats") == (
        "Waiting photos: 12\n"
        "Since the start: drawn 340, failed 5, hours up 1000.25\n"
        "Today (UTC): photos 78, people 6\n"
        "In the spool: 9.5 MB"
    )
    assert await desk.answer(LAOBAN, "/stats") == (
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
        assert f"/{command} telegram:1234" in await desk.answer(person, f"/{command} {who}")
    assert await desk.people.standing_of(GUEST) is None


@pytest.mark.parametrize(
    "argument",
    ["", "1234", "50 telegram:1234", "1234 -1", "1234 many", "1234 100001", "1234 1 2", BIG_QUOTA, "@anna 5"],
)
async def test_a_quota_that_makes_no_sense_is_answered_with_an_example(desk: Desk, argument: str):
    for person in (BOSS, LAOBAN):
        assert "/quota telegram:1234 50" in await desk.answer(person, f"/quota {argument}")
    assert await desk.people.quota_of(GUEST) is None


async def test_administrators_cannot_be_shut_out(desk: Desk):
    assert (await desk.answer(BOSS, "/ban 9")).startswith("telegram:9 is an administrator")
    assert (await desk.answer(LAOBAN, "/ban 9")).startswith("telegram:9 是管理者")
    assert await desk.people.standing_of(LAOBAN.owner) is None


@pytest.mark.parametrize("text", ["/allow telegram:1", "/ban telegram:1234", "/quota 1 50", "/stats", "/allow"])
async def test_for_everybody_else_the_commands_of_administrators_do_not_exist(desk: Desk, text: str):
    command = text.split()[0]
    assert await desk.answer(ANNA, text) == Locale("en").say("unknown-command", command=command)
    assert await desk.answer(LI, text) == Locale("zh-CN").say("unknown-command", command=command)
    assert await desk.people.standing_of(ANNA.owner) is None
    assert await desk.people.standing_of(GUEST) is None
