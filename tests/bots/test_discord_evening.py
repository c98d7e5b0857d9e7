"""An evening on Discord as people live it: every feature once, in the order in which they might find it.

    python -m tests.bots.test_discord_evening [--write docs/discord-evening.md]

prints what people see, or writes it down.
"""

import argparse
import asyncio
import zipfile
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import numpy as np

from core.look import Look
from core.photo import Array
from tests.bots.discord_evening import Evening, photos
from tests.bots.evening import Scenes, markdown
from tests.fakes.discord import DiscordServer
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine
from tests.workshop import HeldEngine

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "discord-evening.md"
TITLE = "An evening on Discord"
INTRODUCTION = """\
What people see when they use Cartoonbot on Discord. This was written by a run of the real program against a
stand-in Discord server (`python -m tests.bots.test_discord_evening --write docs/discord-evening.md`), and a test
checks that it still goes like this.

`(Friends #photos)` is the server and the channel where something happens; without it, it is a direct message.
`[cat.jpg 300x200 "words"]` is a picture of that size in pixels with its description, `[Cancel]` a button,
`[*0.7*]` one that is marked, and `<0.3 | *0.7*>` a list to choose from. What is "only to Anna" nobody else sees.
While it works, Discord shows that it is thinking or typing; that is left out here."""

PHOTO: Final = photos(1)[0]
SQUARE: Final = ("square.jpg", jpeg_bytes(gradient(200, 200)))
# Acts mostly wait, for the pace at which Discord is called.
PROCESSES: Final = 8


class HeavyEngine(QuickEngine):
    """Draws noise: a square PNG of 2048 pixels has more than 10 MiB."""

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        chance = np.random.default_rng(7)
        return [chance.integers(0, 256, drawn.shape, np.uint8) for drawn in super().stylize(photos, looks)]


async def first_steps(evening: Evening) -> None:
    anna = evening.guest(evening.anna)
    async with evening.program():
        evening.scene("Anna writes to the bot")
        await anna.says("hello")
        await evening.shows("Please use /cartoon with a photo")
        await anna.uses("help", "only to Anna: Use /cartoon with a photo")

        evening.scene("A photo, words beside it, and one that is hidden")
        await anna.says("", [PHOTO])
        await evening.draws()
        for words, look in [("pop 0.9", "pop 0.9"), ("my lovely cat", "ink 0.7")]:
            await anna.says(words, [PHOTO])
            await evening.draws(look)
        await anna.says("7", [PHOTO], spoiler=True)
        await evening.shows('"7" is not a strength', "Got your photo", "[SPOILER_01-ink.jpg", "bot deletes")

        evening.scene("Photos in a row")
        for name in photos(3):
            await anna.says("", [name])
        await evening.shows("Got your 3 photos", "Here are your 3 cartoons", "bot deletes")


async def first_steps_in_chinese(evening: Evening) -> None:
    li = evening.guest(evening.li)
    async with evening.program():
        evening.scene("Li writes first, and the bot does not know yet that Li speaks Chinese")
        await li.says("你好")
        await evening.shows("Please use /cartoon with a photo")
        await li.uses("help", "only to Li: 用 /cartoon 附上一张照片")
        await li.says("你好")
        await evening.shows("请用 /cartoon 附上一张照片")
        await li.says("0.9", [PHOTO])
        await evening.shows("收到 1 张照片", "你的卡通画好了：ink 0.9", "bot deletes")


async def commands(evening: Evening) -> None:
    channel = evening.discord.guild("Friends").channel("photos")
    anna, li = evening.guest(evening.anna, channel), evening.guest(evening.li, channel)
    async with evening.program():
        evening.scene("A photo by command")
        await anna.uses("cartoon", "Got your photo", "Here is your cartoon: ink 0.7", photo=PHOTO)
        assert await anna.types("cartoon", "style", "po") == ["pop"]
        look = {"strength": 0.9, "style": "pop", "size": 768}
        await anna.uses("cartoon", "pop 0.9, 768 px", "Here is your cartoon: pop 0.9", photo=PHOTO, **look)

        evening.scene("A strength to keep")
        assert await anna.types("style", "value", "0.8") == ["0.8", "ink 0.8", "sketch-ink 0.8", "pop 0.8"]
        await anna.uses("style", "only to Anna: Kept: ink, strength 0.8", value="0.8")
        await anna.uses("cartoon", "Got your photo", "Here is your cartoon: ink 0.8", photo=PHOTO)

        evening.scene("Styles that are not here")
        missing = 'The style "anime" is not installed here'
        await anna.uses("style", missing, value="anime")
        await anna.uses("style", "There is no style", value="watercolour")
        await anna.uses("cartoon", missing, "Got your photo", "ink 0.8", photo=PHOTO, style="anime")

        evening.scene("Li does the same in Chinese")
        await li.types("cartoon", "style", "")
        await li.uses("cartoon", "收到 1 张照片", "你的卡通画好了：ink 0.7", photo=PHOTO)
        await li.uses("style", "没有“水彩”这种风格", value="水彩")
        await li.uses("queue", "你没有排队的照片")

        evening.scene("What is no photo")
        await anna.uses("cartoon", "this is not a picture I can read", photo=("notes.txt", b"just some words"))


async def settings(evening: Evening) -> None:
    channel = evening.discord.guild("Friends").channel("photos")
    anna = evening.guest(evening.anna, channel)
    async with evening.program():
        evening.scene("Every page of the settings, one change on each")
        panel = (await anna.uses("settings", "only to Anna: Your settings:")).answer
        for page, choice, changed in [
            ("Style: ink", "pop", "Your style is pop"),
            ("Strength: 0.7", "0.5", "Your strength is 0.5"),
            ("Size: 1024 px", "768", "Your size is 768 px"),
            ("Format: jpg", "png", "Your format is png"),
            ("Faces: all", "the largest", "Only the largest face"),
            ("Results: automatic", "ZIP", "Several results come as one ZIP file"),
        ]:
            await anna.presses(page, "bot edits", on=panel)
            await anna.chooses(choice, changed, on=panel)
            await anna.presses("‹ All settings", "Your settings:", on=panel)

        evening.scene("A little stronger")
        await anna.presses("Strength: 0.5", "Your strength is 0.5", on=panel)
        await anna.presses("+ 0.55", "Your strength is 0.55", on=panel)
        await anna.presses("− 0.5", "Your strength is 0.5", on=panel)
        await anna.presses("‹ All settings", "Your settings:", on=panel)

        evening.scene("In Chinese, and back")
        await anna.presses("Language: as my app", "I speak the language of your app", on=panel)
        await anna.chooses("中文", "我会用中文和你交流", on=panel)
        await anna.presses("‹ 全部设置", "你的设置", on=panel)
        await anna.presses("语言：中文", "我会用中文和你交流", on=panel)
        await anna.chooses("English", "I speak English with you", on=panel)

        evening.scene("They hold: a ZIP file of small PNG files")
        message = await anna.says("", photos(2), to_bot=True)
        await evening.shows("pop 0.5, 768 px, png", "[cartoons.zip]", "bot deletes")
        with zipfile.ZipFile(BytesIO(anna.sees("Here are your 2").attachments[0].data)) as archive:
            assert archive.namelist() == ["01.png", "02.png"]
        assert anna.sees("Here are your 2").reference is message


async def batch(evening: Evening) -> None:
    channel = evening.discord.guild("Friends").channel("photos")
    anna, li = evening.guest(evening.anna, channel), evening.guest(evening.li, channel)
    async with evening.program():
        evening.scene("Twelve photos at once")
        form = await anna.uses("batch", "bot shows Anna the form", strength=0.9)
        await anna.submits(
            form,
            "Got your 12 photos",
            "[01-ink.jpg",
            "[07-ink.jpg",
            "Here are your 12",
            photos=photos(10),
            more=photos(2, start=11),
        )

        evening.scene("Files that are no pictures among good ones")
        form = await li.uses("batch", "要画的照片")
        mixed = [photos(1)[0], ("notes.jpg", b"just some words"), ("empty.jpg", b""), photos(1, start=4)[0]]
        await li.submits(form, "收到 2 张照片", "你的 2 张卡通画好了", "第 2 张（notes.jpg）", photos=mixed)


async def of_others(evening: Evening) -> None:
    channel = evening.discord.guild("Friends").channel("photos")
    anna, li = evening.guest(evening.anna, channel), evening.guest(evening.li, channel)
    async with evening.program():
        evening.scene("Somebody else's picture")
        beach = await li.says("at the beach", photos(2))
        await anna.cartoonizes(beach, "Got your 2 photos", "Here are your 2 cartoons")

        evening.scene("Nothing to draw in it")
        words = await anna.says("what a day")
        await anna.cartoonizes(words, "only to Anna: There is no picture in that message")
        await li.cartoonizes(words, "only to Li: 那条消息里没有我能画的图片")


async def mentions(evening: Evening) -> None:
    guild = evening.discord.guild("Friends")
    channel = guild.channel("photos")
    anna, li = evening.guest(evening.anna, channel), evening.guest(evening.li, channel)
    async with evening.program():
        evening.scene("Silent until it is asked")
        beach = await anna.says("at the beach", [PHOTO])
        await li.says("不错")
        await anna.says("0.9", photos(2), to_bot=True)
        await evening.shows("Got your 2 photos", "Here are your 2 cartoons: ink 0.9", "bot deletes")

        evening.scene("A hidden picture stays hidden")
        await anna.says("pop", [PHOTO], to_bot=True, spoiler=True)
        await evening.shows("Got your photo", "[SPOILER_01-pop.jpg", "bot deletes")

        evening.scene("Photos in a row")
        await anna.says("", photos(2), to_bot=True)
        await anna.says("", photos(1, start=3), to_bot=True)
        await evening.shows("Got your 3 photos", "Here are your 3 cartoons", "bot deletes")

        evening.scene("Without a picture")
        await anna.says("draw this", to_bot=True, about=beach)
        await evening.shows("I see no picture in the message")
        await anna.says("", to_bot=True)
        await evening.shows("I draw pictures")
        await li.uses("queue", "你没有排队的照片")
        await li.says("你会做什么？", to_bot=True)
        await evening.shows("请用 /cartoon 附上一张照片")

        evening.scene("In a thread")
        thread = channel.thread("trip")
        await evening.guest(evening.anna, thread).says("", [PHOTO], to_bot=True)
        await evening.draws()
        await evening.guest(evening.li, thread).uses("cartoon", "收到 1 张照片", "画好了：ink 0.7", photo=PHOTO)
        assert all(message.channel is thread for message in thread.messages)


async def results(evening: Evening) -> None:
    channel = evening.discord.guild("Friends").channel("photos")
    anna, li = evening.guest(evening.anna, channel), evening.guest(evening.li, channel)
    async with evening.program():
        evening.scene("Li asks for it stronger, and in another style")
        cartoon = (await li.uses("cartoon", "收到 1 张照片", "ink 0.7", photo=PHOTO)).answer
        await li.presses("0.9", "收到 1 张照片：ink 0.9", "你的卡通画好了：ink 0.9", on=cartoon)
        await li.presses("换风格", "[pop]", on=cartoon)
        await li.presses("‹ 返回", "[对比强度]", on=cartoon)
        await li.presses("换风格", "[pop]", on=cartoon)
        await li.presses("pop", on=cartoon)
        await evening.shows_in_any_order("bot edits: [01-ink.jpg", "收到 1 张照片：pop 0.7")
        await evening.shows("画好了：pop 0.7")

        evening.scene("All strengths, and beside the photo")
        await li.presses("对比强度", "收到", "ink 的几种强度", on=cartoon)
        await li.presses("画前 / 画后", "收到", "画前与画后：ink 0.7", on=cartoon)

        evening.scene("Somebody else presses")
        await anna.presses("0.3", "only to Anna: These buttons are not yours", on=cartoon)

        evening.scene("Away with it")
        await li.presses("删除", "bot deletes", on=cartoon)


async def comparing(evening: Evening) -> None:
    channel = evening.discord.guild("Friends").channel("photos")
    anna, li = evening.guest(evening.anna, channel), evening.guest(evening.li, channel)
    async with evening.program():
        evening.scene("Which strength? Which style?")
        await anna.uses("compare", "Please use /compare with a photo")
        await anna.uses("compare", "several strengths of ink", "Several strengths of ink.", photo=PHOTO)
        await anna.uses("compare", "all styles at strength 0.7", "All styles at strength 0.7.", kind="styles")
        await li.uses("compare", "请用 /compare 附上一张照片")


async def waiting_in_line(evening: Evening) -> None:
    channel = evening.discord.guild("Friends").channel("photos")
    anna, li = evening.guest(evening.anna, channel), evening.guest(evening.li, channel)
    engine = HeldEngine()
    async with evening.program(lambda *_: engine, batch_size=1):
        evening.scene("The device is busy, and Li does not want to wait")
        await anna.uses("cartoon", "Got your photo", photo=PHOTO)
        await engine.next_batch()
        form = await li.uses("batch", "要画的照片")
        waiting = await li.submits(
            form, "收到 3 张照片：ink 0.7，1024 像素，jpg。前面还有 1 张。", photos=photos(3)
        )
        await li.uses("queue", "only to Li: 你有 3 张照片正在处理。前面还有 1 张。")
        await li.presses("取消", on=waiting.answer)
        await evening.shows_in_any_order("only to Li: 已取消 3 张照片", "bot deletes")
        await li.uses("queue", "你没有排队的照片")
        engine.release_all()
        await evening.shows("Here is your cartoon")


async def calling_off(evening: Evening) -> None:
    channel = evening.discord.guild("Friends").channel("photos")
    anna, li = evening.guest(evening.anna, channel), evening.guest(evening.li, channel)
    engine = HeldEngine()
    async with evening.program(lambda *_: engine):
        evening.scene("Nobody but Anna calls off what is hers")
        drawn = await anna.uses("cartoon", "Got your photo", photo=PHOTO)
        await engine.next_batch()
        await li.presses("Cancel", "only to Li: 这些按钮不属于你", on=drawn.answer)
        await li.uses("cancel", "你没有排队的照片")
        await anna.uses("cancel")
        await evening.shows_in_any_order("I called off your photo", "bot deletes")
        await anna.uses("cancel", "Nothing of yours is waiting.")
        engine.release_all()


async def channels_with_rules(evening: Evening) -> None:
    guild = evening.discord.guild("Friends")
    no_files = guild.channel("no-files", deny={"attach_files"})
    read_only = guild.channel("read-only", deny={"send_messages"})
    engine = HeldEngine()
    async with evening.program(lambda *_: engine):
        evening.scene("A channel where the bot may not attach files")
        anna, li = evening.guest(evening.anna, no_files), evening.guest(evening.li, no_files)
        await anna.uses("cartoon", "only to Anna: I may not send pictures", photo=PHOTO)
        await li.uses("compare", "不能发送图片", photo=PHOTO)
        await li.says("", [PHOTO], to_bot=True)
        await evening.shows("不能发送图片")

        evening.scene("A channel where it may not write: it answers directly")
        anna, li = evening.guest(evening.anna, read_only), evening.guest(evening.li, read_only)
        await anna.says("hello", to_bot=True)
        await evening.shows("bot: Please use /cartoon with a photo")
        await anna.says("", [PHOTO], to_bot=True)
        await evening.shows("bot: I may not send pictures")

        evening.scene("Commands are answered there, or directly when it is too late for that")
        asked = await li.uses("cartoon", "收到 1 张照片", photo=PHOTO)
        await engine.next_batch()
        await asked.expire()
        engine.release_all()
        await evening.shows("bot: [01-ink.jpg", "bot deletes")
        await li.uses("cartoon", "收到 1 张照片", "你的卡通画好了", photo=PHOTO)


async def too_heavy(evening: Evening) -> None:
    small = evening.discord.guild("Friends").channel("photos")
    large = evening.discord.guild("Club", premium_tier=2).channel("photos")
    async with evening.program(HeavyEngine):
        evening.scene("A cartoon that is too heavy for the chat")
        anna = evening.guest(evening.anna, small)
        await anna.uses("format", "Kept: ink", value="png")
        await anna.uses("cartoon", "2048 px, png", "so it comes as JPG", photo=SQUARE, size=2048)

        evening.scene("And where there is room for it")
        await evening.guest(evening.anna, large).uses(
            "cartoon", "2048 px, png", "[01-ink.png 2048x2048", photo=SQUARE, size=2048
        )


async def tokens(evening: Evening) -> None:
    friends = evening.discord.guild("Friends").channel("photos")
    abroad = evening.discord.guild("Painters", has_bot=False).channel("gallery")
    engine = HeldEngine()
    async with evening.program(lambda *_: engine):
        evening.scene("Discord takes no answer to the command any more when the cartoon is done")
        asked = await evening.guest(evening.anna, friends).uses("cartoon", "Got your photo", photo=PHOTO)
        await engine.next_batch()
        await asked.expire()
        engine.release()
        await evening.shows("@Anna", "bot deletes")

        evening.scene("In a server that has no bot, Anna brings it along")
        traveller = evening.guest(evening.anna, abroad, "user")
        engine.release()
        await traveller.uses("cartoon", "Got your photo", "Here is your cartoon", photo=PHOTO)
        await engine.next_batch()

        evening.scene("There, too, the answer may come too late")
        asked = await traveller.uses("cartoon", "Got your photo", photo=PHOTO)
        await engine.next_batch()
        await asked.expire()
        engine.release_all()
        await evening.shows("Here is your cartoon")


async def restart(evening: Evening) -> None:
    channel = evening.discord.guild("Friends").channel("photos")
    anna, li = evening.guest(evening.anna, channel), evening.guest(evening.li, channel)
    engine = HeldEngine()
    async with evening.program(lambda *_: engine, shutdown_seconds=1):
        evening.scene("The program stops in the middle of a photo")
        engine.release()
        old = (await li.uses("cartoon", "收到 1 张照片", "画好了：ink 0.7", photo=PHOTO)).answer
        form = await li.uses("batch", "要画的照片")
        await anna.uses("cartoon", "Got your photo", photo=PHOTO)
        for _ in range(2):
            await engine.next_batch()
    evening.scene("It starts again")
    again = HeldEngine()
    async with evening.program(lambda *_: again):
        await evening.shows("bot edits: Got your photo")
        again.release_all()
        await evening.shows("Here is your cartoon")
        await li.presses("0.9", "收到 1 张照片：ink 0.9", "画好了：ink 0.9", on=old)
        await li.submits(form, "收到 2 张照片", "你的 2 张卡通画好了", photos=photos(2))
    engine.release_all()


async def administration(evening: Evening) -> None:
    guild = evening.discord.guild("Friends")
    channel = guild.channel("photos")
    olga = evening.discord.person("Olga")
    guild.admins.update({olga, evening.anna})
    admin, anna, li = (evening.guest(each, channel) for each in (olga, evening.anna, evening.li))
    async with evening.program(admin_ids=f"discord:{olga.id}", access="allowlist"):
        evening.scene("Only whom Olga lets in")
        await li.uses("cartoon", "这是私人机器人", photo=PHOTO)
        await li.says("", [PHOTO], to_bot=True)
        await evening.shows("这是私人机器人")
        await admin.uses("admin allow", "Li's id may use this bot now", user=evening.li)
        await li.uses("cartoon", "收到 1 张照片", "画好了：ink 0.7", photo=PHOTO)
        await admin.uses("admin quota", "may send one photo a day", user=evening.li, photos=1)
        await li.uses("cartoon", "你今天的 1 张照片已用完", photo=PHOTO)
        await admin.uses("admin ban", "is shut out now", user=evening.li)
        await li.uses("help", "运行这个机器人的人不允许你使用")
        await li.presses("0.3", "only to Li: 运行这个机器人的人不允许你使用", on=li.sees("画好了"))
        await admin.uses("admin allow", "telegram:1234 may use this bot now", id="telegram:1234")
        await admin.uses("admin allow", "whom to let in")
        await admin.uses("admin stats", "Waiting photos: 0")

        evening.scene("Anna runs the server, but not the bot")
        await anna.uses("admin stats", "This bot is private")
        await admin.uses("admin allow", "Anna's id may use this bot now", user=evening.anna)
        await anna.uses("admin stats", "I don't know /stats")


async def forgetting(evening: Evening) -> None:
    anna, li = evening.guest(evening.anna), evening.guest(evening.li)
    async with evening.program():
        evening.scene("What is kept, and away with it")
        cartoon = (await anna.uses("cartoon", "Got your photo", "Here is your cartoon", photo=PHOTO)).answer
        await anna.uses("style", "Kept: pop", value="pop")
        await anna.uses("privacy", "Photos are drawn on the machine")
        await anna.uses("forget", "I deleted all that I had kept of your photo")
        await anna.presses("0.5", "only to Anna: I don't remember this one", on=cartoon)
        await anna.uses("forget", "I had kept nothing")

        evening.scene("And in Chinese")
        await li.uses("language", "我会用中文和你交流", value="zh-CN")
        await li.uses("privacy", "照片只在运行这个机器人的机器上绘制")
        await li.uses("forget", "你的设置也已删除")
        await li.uses("forget", "你没有设置过什么")


class Act(NamedTuple):
    """A part of the evening, with a bot of its own."""

    name: str
    play: Callable[[Evening], Awaitable[None]]


ACTS: Final = (
    Act("First steps", first_steps),
    Act("First steps in Chinese", first_steps_in_chinese),
    Act("By command", commands),
    Act("The settings panel", settings),
    Act("Many photos", batch),
    Act("Pictures of others", of_others),
    Act("Mentions", mentions),
    Act("Buttons under a cartoon", results),
    Act("Comparing", comparing),
    Act("Waiting in line", waiting_in_line),
    Act("Calling off", calling_off),
    Act("Channels with rules", channels_with_rules),
    Act("Heavy cartoons", too_heavy),
    Act("Answers that are late", tokens),
    Act("A restart", restart),
    Act("Who runs the bot", administration),
    Act("Being forgotten", forgetting),
)


async def _played(act: Act, folder: Path) -> Scenes:
    async with DiscordServer() as discord:
        evening = Evening(discord, folder / act.play.__name__)
        await act.play(evening)
        return evening.over()


def played(act: Act, folder: Path) -> Scenes:
    return asyncio.run(_played(act, folder))


def told(folder: Path) -> str:
    """The whole evening as a document. The library knows one Discord for a process, so the acts are in several."""
    context = get_context("forkserver")
    # What is large is imported once, for all of them.
    context.set_forkserver_preload([Evening.__module__])
    with ProcessPoolExecutor(PROCESSES, context) as pool:
        scenes = [*pool.map(played, ACTS, repeat(folder))]
    return markdown(TITLE, INTRODUCTION, zip([act.name for act in ACTS], scenes, strict=True))


def test_the_evening_goes_as_the_document_tells(tmp_path: Path):
    seen = told(tmp_path)
    # If the new way is the better one: python -m tests.bots.test_discord_evening --write docs/discord-evening.md
    assert seen.splitlines() == DOCUMENT.read_text(encoding="utf-8").splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description="Play an evening on Discord.")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write it down there instead of printing it")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        seen = told(Path(folder))
    if arguments.write is None:
        print(seen)
    else:
        arguments.write.write_text(seen, encoding="utf-8")


if __name__ == "__main__":
    main()
