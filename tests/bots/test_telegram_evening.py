"""An evening on Telegram as people live it: every feature once, in the order in which they might find it.

    python -m tests.bots.test_telegram_evening [--write docs/telegram-evening.md]

prints what people see, or writes it down.
"""

import argparse
import asyncio
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from storage.database import Database
from tests.bots.evening import PHOTO, Evening, Scenes, markdown
from tests.fakes.telegram import ANONYMOUS_ADMIN, Person, TelegramServer
from tests.pictures import gradient, png_bytes
from tests.workshop import HeldEngine

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "telegram-evening.md"
TITLE = "An evening on Telegram"
INTRODUCTION = """\
What people see when they use Cartoonbot on Telegram. This was written by a run of the real program against a
stand-in Telegram server (`python -m tests.bots.test_telegram_evening --write docs/telegram-evening.md`), and a
test checks that it still goes like this.

`[photo 300x200]` is a picture of that size in pixels, `[Cancel]` a button; `(Friends)` is the group where
something happens. "Toast" and "alert" are short notes that only the person who pressed a button sees. While it
draws, the chat also shows "uploading a photo"; that is left out here."""

ANNA = Person(1001, "Anna", "en")
LI = Person(1002, "Li", "zh-hans")
BERTA = Person(1003, "Berta", "en")
OLGA = Person(900, "Olga", "en")


async def first_steps(evening: Evening) -> None:
    anna = evening.guest(ANNA)
    async with evening.program():
        evening.scene("Anna starts the bot")
        await anna.asks("/start", "Hello! Send me a photo")
        await anna.asks("/help", "/style 0.8 – how strong")

        evening.scene("A photo, and a photo as a file")
        await anna.sends_photo()
        await evening.draws()
        await anna.sends_file(png_bytes(gradient(300, 200)), "cat.png", "image/png")
        await evening.draws()

        evening.scene("Captions change one photo only")
        for caption, look in [("0.9", "ink 0.9"), ("pop 0.9", "pop 0.9"), ("/style 0.9", "ink 0.9")]:
            await anna.sends_photo(caption)
            await evening.draws(look)
        await anna.sends_photo("/size 2048")
        await evening.shows("2048 px", "[document 01-ink.jpg 2048x1365]", "bot deletes")
        await anna.sends_photo("my lovely cat")
        await evening.draws()
        photo = await anna.sends_photo("7")
        await evening.shows('"7" is not a strength')
        await evening.draws()

        evening.scene("She corrects the caption")
        await anna.edits_caption(photo, "0.5")
        await evening.draws("ink 0.5")


async def welcomes(evening: Evening) -> None:
    anna, li = evening.guest(ANNA), evening.guest(LI)
    async with evening.program():
        evening.scene("Anna comes by a link to a style")
        await anna.asks("/start pop", "Kept: pop")
        await anna.sends_photo()
        await evening.draws("pop 0.7")

        evening.scene("And by one to a style that is not here")
        await anna.asks("/start anime", 'The style "anime" is not installed here')

        evening.scene("Li starts the bot, in Chinese")
        await li.asks("/start", "你好")
        await li.asks("/help", "/style 0.8 – 强度")
        await li.sends_photo("0.9")
        await evening.shows("收到 1 张照片", "你的卡通画好了：ink 0.9", "bot deletes")
        await li.asks("hello", "请发给我一张照片")
        await li.asks("/dance", "我不认识 /dance")


async def albums(evening: Evening) -> None:
    anna, li = evening.guest(ANNA), evening.guest(LI)
    async with evening.program():
        evening.scene("An album of ten")
        await anna.sends_album(10)
        await evening.shows(
            "Got your 10 photos", "[album of 10 photos", "bot deletes", "Here are your 10 cartoons"
        )

        evening.scene("Twenty photos: two albums, one request")
        await anna.sends_album(10)
        await anna.sends_album(10)
        await evening.shows("Got your 20 photos", *["[album of 10 photos"] * 2, "bot deletes", "Here are your 20")

        evening.scene("An album whose second photo is late")
        await anna.sends_photo("0.9", album="late")
        await evening.draws("ink 0.9")
        await anna.sends_photo(album="late")
        await evening.draws("ink 0.9")

        evening.scene("Li forwards an album")
        await li.sends_album(3, forwarded_from=BERTA)
        await evening.shows("收到 3 张照片", "[album of 3 photos", "bot deletes", "你的 3 张卡通画好了")

        evening.scene("Files that are no pictures among good ones")
        files = {"cat.jpg": PHOTO, "notes.txt": b"just some words", "empty.jpg": b"", "dog.jpg": PHOTO}
        for name, data in files.items():
            await li.sends_file(data, name, album="mixed")
        await evening.shows("收到 2 张照片", "[album of 2 photos", "第 2 张（notes.txt）：这不是我能读的图片")
        await evening.shows("bot deletes", "你的 2 张卡通画好了")

        evening.scene("What is no photo")
        for kind in ("sticker", "video", "voice", "animation"):
            await anna.sends_other(kind)
            await evening.shows("I can draw only pictures")
        await anna.sends_file(b"%PDF-1.7", "bill.pdf", "application/pdf")
        await evening.shows("I can draw only pictures")
        for _ in range(3):
            await anna.sends_other("video", album="films")
        await evening.shows("I can draw only pictures")


async def results(evening: Evening) -> None:
    li = evening.guest(LI)
    toast = "bot toast to Li: "
    async with evening.program():
        evening.scene("Li asks for it gentler, and in another style")
        await li.sends_photo()
        await evening.shows("收到 1 张照片", "你的卡通画好了：ink 0.7", "bot deletes")
        cartoon = li.sees("ink 0.7")
        await li.presses("0.3", toast + "马上就来：ink 0.3", "收到", "ink 0.3", "bot deletes")
        await li.presses("换风格", "[pop]", on=cartoon)
        await li.presses("‹ 返回", "[对比强度]", on=cartoon)
        await li.presses("换风格", "[pop]", on=cartoon)
        await li.presses("pop", toast + "马上就来：pop 0.7", on=cartoon)
        await evening.shows("[对比强度]", "收到", "画好了：pop 0.7", "bot deletes")

        evening.scene("All strengths, beside the photo, as a file")
        await li.presses("对比强度", toast, "收到", "ink 的几种强度", "bot deletes", on=cartoon)
        await li.presses("画前 / 画后", toast, "收到", "画前与画后：ink 0.7", "bot deletes", on=cartoon)
        await li.presses("发文件", toast, "收到", "[document 01-ink.jpg", "bot deletes", on=cartoon)

    evening.scene("Buttons outlive a restart")
    async with evening.program():
        await li.presses("0.9", toast + "马上就来：ink 0.9", "收到", "ink 0.9", "bot deletes", on=cartoon)
        await li.presses("删除", "bot deletes", toast + "已删除", on=cartoon)


async def panel(evening: Evening) -> None:
    anna = evening.guest(ANNA)
    pressed = "bot toast to Anna: Kept."
    async with evening.program():
        evening.scene("Every page of the settings, one change on each")
        await anna.asks("/settings", "Your settings:")
        for page, choice, changed in [
            ("Style:", "pop", "Your style is pop"),
            ("Strength:", "0.5", "Your strength is 0.5"),
            ("Size:", "768", "Your size is 768 px"),
            ("Format:", "png", "Your format is png"),
            ("Faces:", "the largest", "Only the largest face"),
            ("Results:", "files", "Results come as files"),
        ]:
            await anna.presses(page, "bot edits")
            await anna.presses(choice, pressed, changed)
            await anna.presses("‹ All settings", "Your settings:")

        evening.scene("In Chinese, and back")
        await anna.presses("Language:", "I speak the language of your app")
        await anna.presses("中文", "bot toast to Anna: 已记住。", "我会用中文和你交流")
        await anna.presses("‹ 全部设置", "你的设置")
        await anna.presses("语言：", "我会用中文和你交流")
        await anna.presses("English", pressed, "I speak English with you")

        evening.scene("They hold")
        await anna.sends_photo()
        await evening.shows("pop 0.5, 768 px, png", "[document 01-pop.png 768x512]", "bot deletes")


async def commands(evening: Evening) -> None:
    li = evening.guest(LI)
    async with evening.program():
        evening.scene("Li sets things by command")
        await li.asks("/style", "[photo")
        await li.presses("pop", "bot toast to Li: 已记住。", "你的风格是 pop")
        await li.presses("‹ 全部设置", "你的设置")
        for command, answer in [
            ("/style ink 0.8", "已记住：ink，强度 0.8"),
            ("/strength 0.5", "已记住：ink，强度 0.5"),
            ("/strength 0.8", "强度 0.8"),
            ("/size", "你的尺寸是 1024 像素"),
            ("/size 1536", "1536 像素"),
            ("/size 1024", "1024 像素"),
            ("/format webp", "webp"),
            ("/format jpg", "jpg"),
            ("/faces main", "只精细处理最大的人脸"),
        ]:
            await li.asks(command, answer)

        evening.scene("Wrong values")
        for command, answer in [
            ("/style 7", "“7”不能作为强度"),
            ("/style abc", "没有“abc”这种风格"),
            ("/style anime", "风格“anime”没有在这里安装"),
            ("/size 99999", "“99999”不能作为尺寸"),
            ("/format gif", "没有“gif”这种格式"),
            ("/faces none", "人脸不能设为“none”"),
            ("/strength 11", "“11”不能作为强度"),
            ("/deliver pigeon", "不能以“pigeon”的方式"),
            ("/language fr", "我还不会说“fr”"),
        ]:
            await li.asks(command, answer)
        await li.asks("/settings", "强度：0.8")

        evening.scene("Forgotten, in Chinese")
        await li.asks("/privacy", "照片只在运行这个机器人的机器上绘制")
        await li.asks("/forget", "你的设置也已删除")
        await li.asks("/settings", "强度：0.7")


async def deliveries(evening: Evening) -> None:
    anna = evening.guest(ANNA)
    async with evening.program():
        evening.scene("As a ZIP file")
        await anna.asks("/deliver zip", "one ZIP file")
        await anna.sends_album(3)
        await evening.shows("Got your 3 photos", "[document cartoons.zip]", "bot deletes")
        with zipfile.ZipFile(BytesIO(anna.sees("Here are your 3 cartoons").data)) as archive:
            assert archive.namelist() == ["01.jpg", "02.jpg", "03.jpg"]

        evening.scene("Large pictures: as pictures, as files, and whichever is better")
        await anna.asks("/size 2048", "2048 px")
        for way, sent in [("photo", "[photo 2048x"), ("file", "[document 01-ink.jpg"), ("auto", "[document")]:
            await anna.asks(f"/deliver {way}", "Possible are /deliver")
            await anna.sends_photo()
            await evening.shows("Got your photo", sent, "bot deletes")

        evening.scene("In Chinese, and as her app is")
        await anna.asks("/language zh", "我会用中文和你交流")
        await anna.asks("/queue", "你没有排队的照片")
        await anna.asks("/language auto", "I speak the language of your app")
        await anna.asks("/settings", "Language: that of your app")


async def comparing_and_forgetting(evening: Evening) -> None:
    anna = evening.guest(ANNA)
    async with evening.program():
        evening.scene("Which strength? Which style?")
        await anna.asks("/compare", "Please send me a photo first")
        photo = await anna.sends_photo()
        await evening.draws()
        cartoon = anna.sees("Here is your cartoon")
        await anna.asks("/compare", "Got your photo: several strengths of ink", "Several strengths of ink.")
        await evening.shows("bot deletes")
        await anna.says("/compare styles", about=photo)
        await evening.shows("all styles at strength 0.7", "All styles at strength 0.7.", "bot deletes")
        await anna.asks("/cartoon", "Please send /cartoon as a reply")
        await anna.asks("/auto on", "/auto is for groups")

        evening.scene("Nothing waits, and nothing is known by that name")
        await anna.asks("/queue", "Nothing of yours is waiting.")
        await anna.asks("/cancel", "Nothing of yours is waiting.")
        await anna.asks("/dance", "I don't know /dance.")

        evening.scene("Forget me")
        await anna.asks("/privacy", "Photos are drawn on the machine")
        await anna.asks("/forget", "I deleted all that I had kept of your 3 photos")
        await anna.presses("0.5", "bot alert to Anna: I don't remember this one", on=cartoon)
        await anna.asks("/forget", "I had kept nothing")


async def waiting_in_line(evening: Evening) -> None:
    anna, olga, li = evening.guest(ANNA), evening.guest(OLGA), evening.guest(LI)
    engine = HeldEngine()
    async with evening.program(lambda *_: engine):
        evening.scene("The device is busy; Li and Olga change their minds")
        await anna.sends_album(2)
        await evening.shows("Got your 2 photos", "░░░░░░░░░░ 0/2")
        await olga.sends_photo()
        await evening.shows("Got your photo")
        await li.sends_album(3)
        await evening.shows("收到 3 张照片：ink 0.7，1024 像素，jpg。前面还有 3 张。")
        await li.asks("/queue", "你有 3 张照片正在处理。前面还有 3 张。")
        await li.presses("取消", "bot toast to Li: 已取消 3 张照片", "bot deletes")
        await li.asks("/queue", "你没有排队的照片")
        await olga.presses("Cancel", "bot toast to Olga: I called off your photo.", "bot deletes")
        engine.release_all()
        await evening.shows("[album of 2 photos", "bot deletes", "Here are your 2 cartoons")


async def watching(evening: Evening) -> None:
    anna = evening.guest(ANNA)
    engine = HeldEngine()
    async with evening.program(lambda *_: engine):
        evening.scene("Anna watches her album being drawn, and has seen enough")
        # Short, so that what is held later does not count as the usual time.
        engine.release()
        await anna.sends_photo()
        await evening.draws()
        await anna.sends_album(4)
        await evening.shows("Got your 4 photos", "░░░░░░░░░░ 0/4")
        engine.release()
        await evening.shows("▓▓░░░░░░░░ 1/4")
        engine.release()
        await evening.shows("▓▓▓▓▓░░░░░ 2/4")
        await anna.asks("/queue", "2 photos of yours are on their way")
        await anna.asks("/cancel", "I called off 2 photos")
        await evening.shows("[album of 2 photos", "bot deletes", "Here are your 2 cartoons")
        engine.release()

        evening.scene("The program stops in the middle of a photo")
        await anna.sends_photo()
        await evening.shows("Got your photo")
        # The one photo, three of the four, and now this.
        for _ in range(5):
            await engine.next_batch()
    evening.scene("It starts again")
    async with evening.program():
        await evening.shows("Here is your cartoon", "bot deletes")
    # The thread of the first program has nobody to draw for any more.
    engine.release_all()


async def administration(evening: Evening) -> None:
    anna, olga = evening.guest(ANNA), evening.guest(OLGA)
    async with evening.program():
        evening.scene("Olga runs the bot")
        await anna.asks("/stats", "I don't know /stats")
        await olga.asks("/quota 1001 1", "telegram:1001 may send one photo a day")
        await anna.sends_photo()
        await evening.draws()
        await anna.sends_photo()
        await evening.shows("Your photo for today is used up")
        await olga.asks("/quota 1001 0", "as many photos a day as they like")
        await olga.asks("/ban telegram:1001", "telegram:1001 is shut out now")
        await anna.asks("/help", "has shut you out")
        await anna.sends_album(2)
        await evening.shows("has shut you out")
        await anna.presses("0.5", "bot alert to Anna: Whoever runs this bot has shut you out")
        await anna.asks("/privacy", "Photos are drawn on the machine")
        await anna.asks("/forget", "I deleted all that I had kept")
        await olga.asks("/allow 1001", "telegram:1001 may use this bot now")
        await anna.asks("/settings", "Your settings:")
        await olga.asks("/ban", "Please send whom to shut out")
        await olga.asks("/ban 900", "nobody can shut out administrators")
        await olga.asks("/stats", "Waiting photos: 0")


async def group(evening: Evening) -> None:
    friends = evening.telegram.group(-500, "Friends")
    anna, berta, li = (evening.guest(person, friends) for person in (ANNA, BERTA, LI))
    async with evening.program():
        evening.scene("A group: silent until it is asked")
        await berta.says("what a day")
        beach = await berta.sends_photo("at the beach")
        await anna.says("/dance")
        await anna.says("/cartoon pop 0.9", about=beach)
        await evening.draws("pop 0.9")
        cartoon = anna.sees("Here is your cartoon")
        await berta.presses("0.3", "to Berta: These buttons are not yours", on=cartoon)
        await li.says("不错")
        await li.presses("0.3", "bot toast to Li: 这些按钮", on=cartoon)

        evening.scene("By name, in reply, and in an album")
        await anna.sends_photo("@cartoon_test_bot 0.9")
        await evening.draws("ink 0.9")
        await li.sends_photo(about=cartoon)
        await evening.shows("收到 1 张照片", "你的卡通画好了：ink 0.7", "bot deletes")
        await berta.sends_photo(album="trip")
        await berta.sends_photo("@cartoon_test_bot", album="trip")
        await evening.shows("Got your 2 photos", "[album of 2 photos", "bot deletes", "Here are your 2 cartoons")

        evening.scene("A topic of a forum")
        forum = evening.telegram.group(-1_001_000_000_700, "Painters", forum=True)
        painter = evening.guest(ANNA, forum, thread_id=77)
        await painter.sends_photo("@cartoon_test_bot")
        await evening.draws()
        assert {message.thread_id for message in forum.messages} == {77}


async def automatic_group(evening: Evening) -> None:
    club = evening.telegram.group(-501, "Photo club")
    club.admins.add(OLGA.id)
    anna, olga, anonymous = (evening.guest(person, club) for person in (ANNA, OLGA, ANONYMOUS_ADMIN))
    async with evening.program():
        evening.scene("Every photo of a group")
        await anna.asks("/auto on", "Only an administrator of this group")
        await anna.sends_photo()
        await olga.asks("/auto on", "But I cannot see them yet")
        await anna.sends_photo()
        await evening.shows("Here is your cartoon: ink 0.7.")
        await anna.sends_other("animation")
        await anna.sends_file(b"just some words", "cat.jpg")
        await anna.asks("/auto", "I draw every photo of this group")
        await olga.asks("/auto off", "From now on I draw only what I am asked for")
        await anna.sends_photo()

        evening.scene("An administrator who is not named")
        club.admins.add(evening.telegram.me.id)
        await anonymous.asks("/auto on", "From now on I draw every photo sent here. /auto off ends it.")
        await anna.sends_photo()
        await evening.shows("Here is your cartoon: ink 0.7.")


async def farewells(evening: Evening) -> None:
    friends = evening.telegram.group(-502, "Friends")
    anna, li = evening.guest(ANNA, friends), evening.guest(LI)
    engine = HeldEngine()
    async with evening.program(lambda *_: engine):
        evening.scene("The group becomes a supergroup while a photo is drawn")
        await anna.sends_photo("@cartoon_test_bot")
        await evening.shows("Got your photo")
        await engine.next_batch()
        supergroup = await evening.telegram.migrate(friends)
        engine.release()
        await evening.shows("Here is your cartoon: ink 0.7.")
        assert [message.caption for message in supergroup.messages] == ["Here is your cartoon: ink 0.7."]

        evening.scene("The bot is removed from it while another one is drawn")
        await evening.guest(ANNA, supergroup).sends_photo("@cartoon_test_bot")
        await evening.shows("Got your photo")
        await engine.next_batch()
        await evening.telegram.kick(supergroup)

        evening.scene("Anna blocks the bot while it draws for her")
        engine.release()
        await evening.guest(ANNA).sends_photo()
        await evening.shows("Got your photo")
        await engine.next_batch()
        await evening.telegram.block(ANNA)
        engine.release_all()

        evening.scene("For others it goes on")
        await li.sends_photo()
        await evening.shows("收到 1 张照片", "你的卡通画好了", "bot deletes")
    assert not list((evening.folder / "spool").iterdir())
    assert await unsettled_photos(evening.folder) == 0


# Where photos come one by one, none is waited for long.
ONE_BY_ONE: Final = {"album_seconds": 0.3}


class Act(NamedTuple):
    """A part of the evening, with settings of its own."""

    name: str
    play: Callable[[Evening], Awaitable[None]]
    settings: Mapping[str, object] = {}


ACTS: Final = (
    Act("First steps", first_steps, ONE_BY_ONE),
    Act("Welcomes", welcomes, ONE_BY_ONE),
    Act("Albums and files", albums),
    Act("Buttons under a cartoon", results, ONE_BY_ONE),
    Act("The settings panel", panel),
    Act("Settings by command", commands),
    Act("How cartoons come", deliveries),
    Act("Comparing, and being forgotten", comparing_and_forgetting, ONE_BY_ONE),
    Act("Waiting in line", waiting_in_line, {"batch_size": 1}),
    Act("Watching", watching, {"batch_size": 1, "shutdown_seconds": 1}),
    Act("Who runs the bot", administration, {"admin_ids": f"telegram:{OLGA.id}"}),
    Act("In groups", group),
    Act("Groups that want every photo", automatic_group, ONE_BY_ONE),
    Act("Farewells", farewells, ONE_BY_ONE),
)


async def unsettled_photos(folder: Path) -> int:
    database = await Database.open(folder / "cartoonbot.sqlite3")
    try:
        cursor = await database.reading.execute(
            "SELECT count(*) FROM photos WHERE status NOT IN ('answered', 'cancelled')"
        )
        row = await cursor.fetchone()
    finally:
        await database.close()
    assert row is not None
    return int(row[0])


async def played(act: Act, folder: Path) -> Scenes:
    async with TelegramServer() as telegram:
        evening = Evening(telegram, folder / act.play.__name__, **act.settings)
        await act.play(evening)
        return evening.over()


async def told(folder: Path) -> str:
    """The whole evening as a document. All acts are played at once, each with a bot of its own."""
    scenes = await asyncio.gather(*(played(act, folder) for act in ACTS))
    return markdown(TITLE, INTRODUCTION, zip([act.name for act in ACTS], scenes, strict=True))


async def test_the_evening_goes_as_the_document_tells(tmp_path: Path):
    seen = await told(tmp_path)
    # If the new way is the better one: python -m tests.bots.test_telegram_evening --write docs/telegram-evening.md
    assert seen.splitlines() == DOCUMENT.read_text(encoding="utf-8").splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description="Play an evening on Telegram.")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write it down there instead of printing it")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        seen = asyncio.run(told(Path(folder)))
    if arguments.write is None:
        print(seen)
    else:
        arguments.write.write_text(seen, encoding="utf-8")


if __name__ == "__main__":
    main()
