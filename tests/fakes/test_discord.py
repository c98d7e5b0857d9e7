"""The stand-in Discord, seen through the real discord.py: messages, files, slash commands."""

from io import BytesIO

import discord
import pytest
from PIL import Image

from tests.fakes.discord import DiscordServer
from tests.fakes.discord_bot import Client, running


def picture(width: int = 64, height: int = 48, form: str = "JPEG") -> bytes:
    data = BytesIO()
    Image.new("RGB", (width, height), "teal").save(data, form)
    return data.getvalue()


def upload(name: str = "cat.png", **more: object) -> discord.File:
    return discord.File(BytesIO(picture(form="PNG")), name, **more)  # type: ignore[arg-type]


async def test_the_bot_hears_what_people_write_and_answers(server: DiscordServer) -> None:
    anna = server.person("Anna")
    channel = server.guild("Friends").channel("photos")
    async with running(Client(), server) as client:
        assert client.user
        assert (client.user.id, client.application_id) == (server.me.id, server.application_id)
        sent = await anna.send(channel, "draw this", [("my cat.jpg", picture(90, 60))], alt="a cat")
        heard = await client.heard.get()
        (file,) = heard.attachments
        assert (heard.id, heard.content, heard.author.id) == (sent.id, "draw this", anna.id)
        assert (file.filename, file.width, file.height, file.content_type) == ("my_cat.jpg", 90, 60, "image/jpeg")
        assert file.description == "a cat"
        assert await file.read() == sent.attachments[0].data == picture(90, 60)
        assert "/attachments/" in file.url
        assert not file.is_spoiler()

        answer = await heard.reply("Done", file=upload(spoiler=True, description="a drawn cat"))
        assert await answer.attachments[0].read() == picture(form="PNG")
        shown = channel.messages[1]
        assert (shown.reference, shown.author, shown.id) == (sent, server.me, answer.id)
        assert shown.attachments[0].spoiler
        await answer.edit(content="Done!", attachments=[])
        assert (shown.content, shown.edits, shown.attachments) == ("Done!", ["Done"], [])
        await answer.delete()
        assert shown.deleted
        assert channel.messages == [sent]
        await anna.delete(sent)
        with pytest.raises(discord.HTTPException, match="Unknown message"):
            await heard.reply("too late")
        reference = heard.to_reference(fail_if_not_exists=False)
        assert (await heard.channel.send("anyway", reference=reference)).reference is None
        async with heard.channel.typing():
            pass
    assert server.violations == []
    assert len(server.heartbeats) == 1
    assert server.story == [
        '(Friends #photos) Anna: [my_cat.jpg 90x60 "a cat"] draw this',
        '(Friends #photos) bot -> [reply to Anna]: [SPOILER_cat.png 64x48 [spoiler] "a drawn cat"] Done',
        "(Friends #photos) bot edits: Done!",
        "(Friends #photos) bot deletes: Done!",
        '(Friends #photos) Anna deletes: [my_cat.jpg 90x60 "a cat"] draw this',
        "(Friends #photos) bot: anyway",
        "(Friends #photos) bot is typing",
    ]


async def test_direct_messages_begin_on_either_side(server: DiscordServer) -> None:
    anna = server.person("Anna")
    async with running(Client(), server) as client:
        await anna.send(server.dm(anna), "hello")
        assert (await client.heard.get()).guild is None
        user = await client.fetch_user(anna.id)
        await user.send("hi")
        assert [message.content for message in server.dm(anna).messages] == ["hello", "hi"]
        anna.closed_dms = True
        with pytest.raises(discord.Forbidden) as refused:
            await user.send("still there?")
        assert refused.value.code == 50007
    assert server.violations == []
