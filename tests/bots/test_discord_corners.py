"""Corners of the Discord front end, end to end: the real program and library against the stand-in Discord."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bots.discord.wire import Place, Source
from bots.replies import Reply
from tests.bots.discord_program import (
    FILE,
    answers,
    cartoon,
    cartoons,
    drawn,
    rows,
    serving,
    statuses,
    told,
)
from tests.fakes.discord import Attachment, DiscordServer, Guild, GuildChannel, Interaction, Message, Person
from tests.fakes.discord_objects import Json
from tests.running import QuickEngine, running, settings_in
from tests.workshop import HeldEngine

# Types of messages.
ADDED_TO_THREAD, PINNED = 1, 6
NOTHING_WAITS = "Nothing of yours is waiting."
ALWAYS = 1_000_000
# Seconds: longer than any test.
NEVER_WHOLE = 600


class Spoiler(Attachment):
    """One that only its flags tell of."""

    def wire(self) -> Json:
        return super().wire() | {"flags": 1 << 3}


def thinking(channel: GuildChannel) -> list[Message]:
    """Where people still see that the bot is thinking."""
    return [message for message in channel.messages if message.thinking]


# Stops


async def test_what_is_heard_while_the_program_stops_is_drawn_after_the_next_start(
    server: DiscordServer, li: Person, channel: GuildChannel, tmp_path: Path
):
    people = [server.person(f"Person {number}") for number in range(10)]
    async with serving(server, tmp_path):
        path = tmp_path / "cartoonbot.sqlite3"
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as database:
            await asyncio.to_thread(database.execute, "BEGIN IMMEDIATE")
            for person in people:
                await person.send(server.dm(person), files=[FILE])
            # It is heard after all of them, and acknowledged before anything can be noted.
            await (await li.slash(channel, "queue")).acknowledged()
            assert statuses(tmp_path) == {}
    assert rows(tmp_path, "SELECT count(*) FROM photos") == [(len(people),)]
    async with serving(server, tmp_path):
        for person in people:
            await cartoon(server, server.dm(person))


async def test_photos_of_messages_are_kept_by_ids_and_fetched_after_a_restart_as_those_of_commands_are(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, tmp_path: Path
):
    server.cdn_faults.slow_body(NEVER_WHOLE, times=2)
    async with serving(server, tmp_path):
        sent = await anna.send(channel, files=[FILE], mention=True)
        asked = await li.slash(channel, "cartoon", {"photo": FILE})
        await server.until(lambda: len(server.cdn.requests) == 2)
    assert statuses(tmp_path) == {"arriving": 2}
    kept = [str(reference) for (reference,) in rows(tmp_path, "SELECT reference FROM photos")]
    by_url, by_ids = sorted(kept, key=lambda reference: "http" not in reference)
    assert Source.of(by_url).url.startswith(f"{server.cdn_url}/ephemeral-attachments/")
    assert Source.of(by_ids) == Source(sent.attachments[0].id, "", channel.id, sent.id)
    async with serving(server, tmp_path):
        await drawn(server, asked)
        await server.until(lambda: [message for message in cartoons(channel) if message.reference is sent])
    assert len(server.calls_to("GET", "/messages/{message_id}")) == 1


# Answers that find no way


async def test_a_refused_token_of_the_bot_writes_nothing_off(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    engine = HeldEngine()
    async with serving(server, tmp_path, lambda *_: engine):
        sent = await anna.send(channel, files=[FILE], mention=True)
        await told(server, channel, "Got your photo")
        server.fail("POST", "/channels/{channel_id}/messages", 401, times=2)
        engine.release_all()
        assert (await cartoon(server, channel)).reference is sent
    assert [call.status for call in server.calls if call.files] == [401, 401, 200]
    assert statuses(tmp_path) == {"answered": 1}


@pytest.mark.parametrize(("code", "status"), [(50027, 401), (10015, 404)])
async def test_a_dead_interaction_is_answered_in_the_channel_at_once(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path, code: int, status: int
):
    engine = HeldEngine()
    async with serving(server, tmp_path, lambda *_: engine):
        interaction = await anna.slash(channel, "cartoon", {"photo": FILE})
        server.fail("PATCH", interaction.token, code, times=ALWAYS)
        server.fail("POST", f"/webhooks/{server.application_id}/{interaction.token}", code, times=ALWAYS)
        await told(server, channel, "Got your photo")
        engine.release_all()
        answer = await cartoon(server, channel)
    assert answer.content == f"<@{anna.id}> Here is your cartoon: ink 0.7."
    assert [call.status for call in server.calls if call.files] == [status, 200]


async def test_an_interaction_that_keeps_failing_keeps_nobody_else_waiting(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, tmp_path: Path
):
    engine = HeldEngine()
    async with serving(server, tmp_path, lambda *_: engine, shutdown_seconds=1):
        stuck = await anna.slash(channel, "cartoon", {"photo": FILE})
        server.fail("PATCH", stuck.token, 500, times=ALWAYS)
        await server.until(lambda: [call for call in server.calls if call.status == 500])
        engine.release_all()
        await engine.next_batch()
        asked = await li.slash(channel, "cartoon", {"photo": FILE})
        # Anna's cartoon is drawn by then, and waits for words that do not go out.
        await engine.next_batch()
        await drawn(server, asked)
    assert statuses(tmp_path) == {"answered": 1, "done": 1}


@pytest.mark.usefixtures("many_messages")
async def test_twelve_people_who_ask_at_once_in_one_channel_are_all_answered(
    server: DiscordServer, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path):
        people = [server.person(f"Person {number}") for number in range(12)]
        sent = {await person.send(channel, "/queue", mention=True) for person in people}
        await server.until(lambda: len(channel.messages) == 2 * len(people))
    said = [message for message in channel.messages if message.author.is_bot]
    assert {message.reference for message in said} == sent
    assert {message.content for message in said} == {NOTHING_WAITS}


async def test_long_words_in_place_of_a_dead_interaction_name_nobody(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    chat = Place(channel.id, anna.id, interaction=1, token="of 2015").chat
    async with running(settings_in(tmp_path, None, server), QuickEngine) as app:
        for words in ("x" * 1995, "y" * 1900):
            await app.front_ends["discord"].say(chat, Reply(words))
    assert [message.content for message in channel.messages] == ["x" * 1995, f"<@{anna.id}> {'y' * 1900}"]


# Nothing stays "thinking"


async def test_a_second_compare_while_the_first_is_drawn_gets_a_sentence(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    engine = HeldEngine()
    async with serving(server, tmp_path, lambda *_: engine):
        engine.release()
        await drawn(server, await anna.slash(channel, "cartoon", {"photo": FILE}))
        await engine.next_batch()
        first = await anna.slash(channel, "compare")
        await engine.next_batch()
        second = await (await anna.slash(channel, "compare")).answered()
        assert second.answer is not None
        assert second.answer.only_for is anna
        assert second.answer.content == "On its way: several strengths of ink."
        engine.release_all()
        await drawn(server, first)
        assert not thinking(channel)
    assert len(cartoons(channel)) == 2


@pytest.mark.parametrize("command", ["cancel", "forget"])
async def test_what_is_called_off_while_it_is_fetched_is_not_thought_about(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path, command: str
):
    server.cdn_faults.slow_body(NEVER_WHOLE)
    async with serving(server, tmp_path):
        await (await anna.slash(channel, "cartoon", {"photo": FILE})).acknowledged()
        await server.until(lambda: thinking(channel) and server.cdn.requests)
        await (await anna.slash(channel, command)).answered()
        await server.until(lambda: not thinking(channel))
    assert channel.messages == []
    assert statuses(tmp_path) == ({"cancelled": 1} if command == "cancel" else {})


async def test_the_cartoon_comes_where_the_words_before_it_were_refused(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    engine = HeldEngine()
    async with serving(server, tmp_path, lambda *_: engine):
        interaction = await anna.slash(channel, "cartoon", {"photo": FILE})
        server.fail("PATCH", interaction.token, 400)
        server.fail("POST", f"/webhooks/{server.application_id}/{interaction.token}", 400)
        await server.until(lambda: len([call for call in server.calls if call.status == 400]) == 2)
        engine.release_all()
        assert await drawn(server, interaction) is interaction.answer
    assert channel.messages == [interaction.answer]


# What is not asked for


async def test_a_photo_is_drawn_once_its_words_are_changed_to_mention_the_bot(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path):
        sent = await anna.send(channel, "look at this", [FILE])
        await anna.edit(sent, f"<@{server.me.id}> look at this")
        assert (await cartoon(server, channel)).reference is sent


async def test_a_photo_that_was_never_heard_is_not_drawn_for_words_that_ask_for_nothing(
    server: DiscordServer, anna: Person, tmp_path: Path
):
    place = server.dm(anna)
    unheard = await anna.send(place, "look at this", [FILE])
    async with serving(server, tmp_path):
        await anna.edit(unheard, "look at this cat")
        asked = await anna.send(place, "/queue")
        assert (await told(server, place, NOTHING_WAITS)).reference is asked
    assert len(place.messages) == 3
    assert statuses(tmp_path) == {}


async def test_what_discord_itself_tells_of_is_not_answered(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    place, thread = server.dm(anna), channel.thread("cats")
    async with serving(server, tmp_path):
        await server.post(Message(next(server.ids), place, anna, "", PINNED))
        await server.post(Message(next(server.ids), thread, anna, f"<@{server.me.id}>", ADDED_TO_THREAD))
        for where in (place, thread):
            asked = await anna.send(where, "/queue", mention=True)
            assert (await told(server, where, NOTHING_WAITS)).reference is asked
    assert [len(where.messages) for where in (place, thread)] == [3, 3]


# The window of /batch


async def refusal(server: DiscordServer, interaction: Interaction) -> Message:
    """The sentence that comes instead of the window."""
    await interaction.answered()
    assert interaction.modal is None
    (answer,) = answers(interaction)
    assert answer.only_for is interaction.person
    return answer


async def test_no_window_opens_where_the_bot_may_not_attach_files(
    server: DiscordServer, anna: Person, guild: Guild, tmp_path: Path
):
    async with serving(server, tmp_path):
        asked = await anna.slash(guild.channel("words", {"attach_files"}), "batch")
        assert (await refusal(server, asked)).content.startswith("I may not send pictures to the channel")


async def test_no_window_opens_for_who_was_not_let_in(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path, access="allowlist"):
        words = (await refusal(server, await anna.slash(channel, "batch"))).content
    assert words.startswith("This bot is private.")
    assert f"/admin allow id: discord:{anna.id}" in words


async def test_a_spoiler_that_only_its_flags_tell_of_stays_one(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    spoiler = Spoiler(**vars(server.cdn.keep(*FILE, channel_id=None)))
    async with serving(server, tmp_path):
        window = await (await anna.slash(channel, "batch")).answered()
        await drawn(server, await anna.submit(window, {"photos": [spoiler, FILE]}))
    assert [each.name for each in cartoons(channel)[0].attachments] == ["SPOILER_01-ink.jpg", "02-ink.jpg"]
