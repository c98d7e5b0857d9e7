"""Discord end to end: the real program and the real client library against the stand-in server."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from tests.bots.discord_program import (
    cartoons,
    labels,
    serving,
    spooled,
    statuses,
    told,
)
from tests.fakes.discord import Channel, DiscordServer, Interaction, Message, Person
from tests.pictures import gradient, jpeg_bytes
from tests.workshop import HeldEngine

Files = Sequence[tuple[str, bytes]]
Ask = Callable[[Person, Channel, Files], Awaitable[Interaction | Message]]


def photos(count: int) -> Files:
    """Pictures that differ in size, so that each is known by its cartoon."""
    return [
        (f"{number}.jpg", jpeg_bytes(gradient(120 + 10 * number, 80), comment=f"photo {number}".encode()))
        for number in range(count)
    ]


async def by_slash(person: Person, channel: Channel, files: Files) -> Interaction:
    (photo,) = files
    return await person.slash(channel, "cartoon", {"photo": photo})


async def by_batch(person: Person, channel: Channel, files: Files) -> Interaction:
    window = await (await person.slash(channel, "batch")).answered()
    return await person.submit(window, {"photos": files[:10], "more": files[10:]})


async def by_menu(person: Person, channel: Channel, files: Files) -> Interaction:
    return await person.menu(channel, "Cartoonize", await person.send(channel, files=files))


async def by_mention(person: Person, channel: Channel, files: Files) -> Message:
    return await person.send(channel, files=files, mention=True)


async def by_direct_message(person: Person, channel: Channel, files: Files) -> Message:
    return await person.send(channel, files=files)


@pytest.mark.parametrize(
    ("ask", "count"),
    [(by_slash, 1), (by_batch, 10), (by_batch, 20), (by_menu, 3), (by_mention, 3), (by_direct_message, 10)],
)
async def test_what_is_drawn_are_the_bytes_that_were_sent_and_what_comes_back_those_that_were_made(
    server: DiscordServer, anna: Person, channel: Channel, tmp_path: Path, ask: Ask, count: int
):
    engine, files = HeldEngine(), photos(count)
    place = server.dm(anna) if ask is by_direct_message else channel
    async with serving(server, tmp_path, lambda *_: engine):
        asked = await ask(anna, place, files)
        await engine.next_batch()
        assert spooled(tmp_path, "source") == [data for _, data in files]
        await told(server, place, "I'm drawing now.")
        # Discord is out of order for a moment, so that the results can be seen in the spool.
        for method, route in (("POST", "/channels"), ("PATCH", "/webhooks")):
            server.fail(method, route, 503)
        engine.release_all()
        await server.until(lambda: any(call.status == 503 for call in server.calls))
        made = spooled(tmp_path, "jpg")
        await server.until(lambda: len(cartoons(place)) == (2 if count > 10 else 1))
        sent = [attachment for message in cartoons(place) for attachment in message.attachments]
        assert [attachment.data for attachment in sent] == made
        assert [attachment.name for attachment in sent] == [
            f"{number:02}-ink.jpg" for number in range(1, count + 1)
        ]
        assert [(attachment.width, attachment.height) for attachment in sent] == [
            (1024, round(1024 * 80 / (120 + 10 * number))) for number in range(count)
        ]
        if isinstance(asked, Message):
            assert cartoons(place)[0].reference is asked
        words = await told(server, place, "Here is your" if count == 1 else f"Here are your {count} cartoons")
        assert words.id >= cartoons(place)[-1].id
        assert labels(words)[:5] == ["0.3", "0.5", "0.7", "0.9", "1.0"]
    assert statuses(tmp_path) == {"answered": count}
    assert not list((tmp_path / "spool").iterdir())
