"""What bots on Discord get wrong, end to end: the real program and library against the stand-in Discord.

Attachments that are not what they say, at the level of the download: test_discord_attachments. Every command and
what it offers: test_discord_commands.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from discord.gateway import KeepAliveHandler
from pydantic import SecretStr

from bots.app import App
from core.errors import ConfigError
from core.look import Look
from core.photo import Array
from tests.bots.discord_program import (
    FILE,
    PHOTO,
    answers,
    cartoon,
    cartoons,
    drawn,
    labels,
    rows,
    serving,
    size_of,
    statuses,
    told,
)
from tests.bots.test_telegram_traps import Trap
from tests.fakes.discord import DiscordServer, Guild, GuildChannel, Message, Person
from tests.fakes.discord_gateway import Intent
from tests.fakes.discord_objects import MEBIBYTE, Json
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine, settings_in
from tests.workshop import HeldEngine

NOT_FETCHED = "cat.jpg: I could not fetch it. Please send it again."


class NoiseEngine(QuickEngine):
    """Makes pictures of nothing but noise, which no format makes small; `side` in pixels."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self._side = side

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        random = np.random.default_rng(0)
        return [random.integers(0, 256, (self._side, self._side, 3), np.uint8) for _ in photos]


# Answers that find no way


async def test_a_job_that_outlives_its_token_is_answered_in_the_channel_or_directly_or_not_at_all(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, guild: Guild, tmp_path: Path
):
    engine, carl = HeldEngine(), server.person("Carl")
    mute = guild.channel("mute", {"send_messages"})
    carl.closed_dms = True
    async with serving(server, tmp_path, lambda *_: engine):
        asked = [
            await person.slash(place, "cartoon", {"photo": FILE})
            for person, place in ((anna, channel), (li, mute), (carl, mute))
        ]
        for interaction in asked:
            await server.until(lambda of=interaction: of.answer and "Got your photo" in of.answer.content)
            await interaction.expire()
        engine.release_all()
        answer = await cartoon(server, channel)
        assert answer.content == f"<@{anna.id}> Here is your cartoon: ink 0.7."
        assert answer.mentions == [anna]
        assert "0.9" in labels(answer)
        await cartoon(server, server.dm(li))
        await server.until(lambda: [c for c in server.calls_to("POST", "/channels") if c.status == 403][2:])
    assert cartoons(mute) == cartoons(server.dm(carl)) == []
    assert statuses(tmp_path) == {"answered": 3}
    assert not list((tmp_path / "spool").iterdir())


async def test_words_that_a_channel_does_not_take_come_directly(
    server: DiscordServer, anna: Person, guild: Guild, tmp_path: Path
):
    async with serving(server, tmp_path):
        await anna.send(guild.channel("mute", {"send_messages"}), "/queue", mention=True)
        await told(server, server.dm(anna), "Nothing of yours is waiting.")


# In time


async def test_interactions_are_acknowledged_while_the_database_is_slow(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path):
        window = await (await li.slash(channel, "batch")).answered()
        path = tmp_path / "cartoonbot.sqlite3"
        with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as database:
            await asyncio.to_thread(database.execute, "BEGIN IMMEDIATE")
            one = await anna.slash(channel, "cartoon", {"photo": FILE})
            twenty = await li.submit(window, {"photos": [FILE] * 10, "more": [FILE] * 10})
            for interaction in (one, twenty):
                await interaction.acknowledged()
            database.execute("ROLLBACK")
        await drawn(server, one)
        await told(server, channel, "Here are your 20 cartoons")
    for interaction in (one, twenty):
        assert interaction.acked_after is not None
        assert interaction.acked_after < 3


# Sizes


async def test_results_that_are_too_heavy_come_as_jpg_and_the_words_say_so(
    server: DiscordServer, anna: Person, li: Person, tmp_path: Path
):
    club = server.guild("Club", premium_tier=3).channel("photos")
    async with serving(server, tmp_path, lambda *_: NoiseEngine(3300)):
        await anna.send(server.dm(anna), "/format png", [FILE])
        await li.send(club, "/format png", [FILE], mention=True)
        small, large = await cartoon(server, server.dm(anna)), await cartoon(server, club)
    for message, limit in ((small, 10 * MEBIBYTE), (large, 25 * MEBIBYTE)):
        (picture,) = message.attachments
        assert picture.name == "01-ink.jpg"
        assert limit / 2 < len(picture.data) < limit
        assert "too large for this chat as PNG, so it comes as JPG." in message.content
    assert size_of(large) == (3300, 3300)
    assert 413 not in [call.status for call in server.calls]


async def test_a_server_with_boosts_gets_what_others_would_get_smaller(
    server: DiscordServer, anna: Person, tmp_path: Path
):
    club = server.guild("Club", premium_tier=2).channel("photos")
    async with serving(server, tmp_path, lambda *_: NoiseEngine(2000)):
        await anna.send(club, "/format png", [FILE], mention=True)
        whole = await cartoon(server, club)
    assert whole.attachments[0].name == "01-ink.png"
    assert len(whole.attachments[0].data) > 11 * MEBIBYTE
    assert whole.content == "Here is your cartoon: ink 0.7."


@pytest.mark.parametrize("way", ["interaction", "message"])
async def test_what_discord_finds_too_heavy_although_it_said_otherwise_arrives_smaller(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path, way: str
):
    engine = HeldEngine()
    async with serving(server, tmp_path, lambda *_: engine):
        if way == "interaction":
            await anna.slash(channel, "cartoon", {"photo": FILE})
        else:
            await anna.send(channel, files=[FILE], mention=True)
        await told(server, channel, "Got your photo")
        server.fail("PATCH" if way == "interaction" else "POST", "/messages", 40005)
        engine.release_all()
        smaller = await cartoon(server, channel)
    assert smaller.content.endswith("One cartoon was too large for this chat, so it comes smaller.")
    refused, taken = [call.files[0] for call in server.calls if call.files]
    assert len(taken.data) < len(refused.data)


# What goes wrong on the way


async def test_a_limit_on_one_channel_keeps_nobody_else_waiting(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, guild: Guild, tmp_path: Path
):
    engine, other = HeldEngine(), guild.channel("other")
    async with serving(server, tmp_path, lambda *_: engine):
        await anna.send(channel, files=[FILE], mention=True)
        await li.send(other, files=[FILE], mention=True)
        for place in (channel, other):
            await told(server, place, "Got your photo")
        server.fail("POST", f"/channels/{channel.id}/messages", 429, retry_after=3)
        engine.release_all()
        await cartoon(server, other)
        assert not cartoons(channel)
        await cartoon(server, channel)
    assert (len(cartoons(channel)), len(cartoons(other))) == (1, 1)


async def test_a_limit_on_everything_loses_nothing(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, tmp_path: Path
):
    engine = HeldEngine()
    async with serving(server, tmp_path, lambda *_: engine):
        interaction = await li.slash(channel, "cartoon", {"photo": FILE})
        await anna.send(channel, files=[FILE], mention=True)
        await server.until(lambda: len([m for m in channel.messages if "Got your photo" in m.content]) == 2)
        for method in ("POST", "PATCH"):
            server.fail(method, "/messages", 429, retry_after=1, is_global=True)
        engine.release_all()
        await drawn(server, interaction)
        await server.until(lambda: len(cartoons(channel)) == 2)
    assert statuses(tmp_path) == {"answered": 2}


@pytest.mark.usefixtures("many_messages")
@pytest.mark.parametrize("status", [0, 500, 503])
@pytest.mark.parametrize("deny", [set[str](), {"read_message_history"}])
async def test_what_arrives_although_its_answer_is_lost_is_not_sent_twice(
    server: DiscordServer, anna: Person, li: Person, guild: Guild, tmp_path: Path, status: int, deny: set[str]
):
    engine, channel = HeldEngine(), guild.channel("photos", deny)
    async with serving(server, tmp_path, lambda *_: engine):
        interaction = await li.slash(channel, "cartoon", {"photo": FILE})
        await anna.send(channel, files=[FILE], mention=True)
        await server.until(lambda: len([m for m in channel.messages if "Got your photo" in m.content]) == 2)
        server.fail("PATCH", "/messages", status, after=True)
        # Where the bot may not read, its first try is refused: it may not reply.
        server.fail("POST", "/messages", status, after=True, times=2 if deny else 1)
        engine.release_all()
        await drawn(server, interaction)
        await server.until(lambda: len(cartoons(channel)) == 2)
        if deny:
            # It cannot see that the cartoon is there, and sends it once more.
            await server.until(lambda: [call for call in server.calls_to("POST", "/messages") if call.files][2:])
    assert len(cartoons(channel)) == 2
    assert statuses(tmp_path) == {"answered": 2}


@pytest.mark.parametrize("status", [0, 502])
async def test_first_words_whose_answer_is_lost_are_not_said_twice(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path, status: int
):
    server.fail("PATCH", "/messages", status, after=True)
    async with serving(server, tmp_path):
        interaction = await anna.slash(channel, "cartoon", {"photo": FILE})
        await drawn(server, interaction)
        assert len(server.calls_to("PATCH", "/messages")) == 3
    assert answers(interaction) == [interaction.answer]


async def test_a_connection_that_is_cut_before_anything_happens_loses_nothing(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path):
        for method, route in (("POST", "/webhooks"), ("PATCH", "/webhooks"), ("POST", "/channels")):
            server.fail(method, route, 0)
        server.cdn_faults.wrong_length()
        interaction = await anna.slash(channel, "cartoon", {"photo": FILE})
        await anna.send(server.dm(anna), files=[FILE])
        await drawn(server, interaction)
        await cartoon(server, server.dm(anna))
    assert statuses(tmp_path) == {"answered": 2}


# Photos that are not there any more


async def test_what_cannot_be_fetched_by_its_link_is_fetched_by_its_message(
    server: DiscordServer, anna: Person, tmp_path: Path
):
    async with serving(server, tmp_path):
        await anna.send(server.dm(anna), files=[FILE])
        server.cdn.expire_links()
        await cartoon(server, server.dm(anna))
    assert len(server.calls_to("GET", "/messages/{message_id}")) == 1
    assert len(server.cdn.requests) == 2


async def test_what_came_with_a_command_and_is_gone_is_answered_with_a_sentence(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path):
        server.cdn.link_seconds = -1
        late = await anna.slash(channel, "cartoon", {"photo": FILE})
        server.cdn.link_seconds = 3600
        first = await drawn(server, await anna.slash(channel, "cartoon", {"photo": FILE}))
        await server.until(lambda: late.is_answered)
        server.cdn.expire_links()
        again = await anna.press(first, "0.9")
        await server.until(lambda: again.followups)
    assert [late.answer and late.answer.content, again.followups[0].content] == [NOT_FETCHED] * 2
    assert len(cartoons(channel)) == 1


async def test_buttons_draw_again_what_has_expired_after_a_restart_too(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path):
        await anna.send(channel, files=[FILE], mention=True)
        first = await cartoon(server, channel)
        server.cdn.expire_links()
        await anna.press(first, "0.9")
        assert (await cartoon(server, channel, 2)).content == "Here is your cartoon: ink 0.9."
    server.cdn.expire_links()
    async with serving(server, tmp_path):
        await anna.press(first, "0.3")
        assert (await cartoon(server, channel, 3)).content == "Here is your cartoon: ink 0.3."


async def test_a_photo_whose_message_was_deleted_is_asked_for_once_more(
    server: DiscordServer, anna: Person, tmp_path: Path
):
    engine, place = HeldEngine(), server.dm(anna)
    async with serving(server, tmp_path, lambda *_: engine):
        sent = await anna.send(place, files=[FILE])
        await engine.next_batch()
        await anna.delete(sent)
        engine.release_all()
        first = await cartoon(server, place)
        assert first.reference is None
        server.cdn.expire_links()
        await anna.press(first, "0.9")
        assert (await told(server, place, "I could not fetch it")).content == NOT_FETCHED


# What people send


async def test_nothing_is_fetched_from_where_discord_does_not_keep_it(
    server: DiscordServer, anna: Person, li: Person, tmp_path: Path
):
    async with Trap().serving() as trap, serving(server, tmp_path):
        elsewhere = {"url": f"http://{trap.address}/cat.jpg", "proxy_url": f"http://{trap.address}/cat.jpg"}
        foreign = written(server, anna, [FILE])
        announce(server, foreign, attachments=[foreign.attachments[0].wire() | elsewhere])
        # As GET shows it, it is where it should be.
        await cartoon(server, server.dm(anna))
        server.cdn_faults.redirect(elsewhere["url"], times=2)
        await li.send(server.dm(li), files=[FILE])
        await told(server, server.dm(li), NOT_FETCHED)
        assert trap.visits == 0


async def test_files_that_are_no_photos_are_named_and_the_others_are_drawn(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    files = [("cat.jpg", b"just some words"), ("empty.jpg", b""), FILE, ("endless.jpg", PHOTO)]
    async with serving(server, tmp_path, photo_megabytes=1):
        window = await (await anna.slash(channel, "batch")).answered()
        await server.until(lambda: window.modal)
        interaction = await anna.submit(window, {"photos": files[:3]})
        await drawn(server, interaction)
        await told(server, channel, "Photo 2 (empty.jpg): the file is empty. Please send it again.")
        assert "Photo 1 (cat.jpg): this is not a picture I can read." in "\n".join(server.story)
        server.cdn_faults.endless_body()
        await anna.send(server.dm(anna), files=files[3:])
        await told(server, server.dm(anna), "endless.jpg: the file has 1+ MB, and I can take up to 1 MB.")


async def test_pictures_of_forwarded_messages_are_drawn(server: DiscordServer, anna: Person, tmp_path: Path):
    async with serving(server, tmp_path):
        message = written(server, anna, [FILE])
        wire = message.wire()
        kept = ("type", "content", "embeds", "attachments", "timestamp", "edited_timestamp", "flags", "mentions")
        forwarded = {name: wire[name] for name in kept}
        pointer = {"type": 1, "message_id": str(message.id - 1), "channel_id": str(message.channel.id)}
        snapshots = [{"message": forwarded}]
        announce(server, message, attachments=[], message_reference=pointer, message_snapshots=snapshots)
        assert (await cartoon(server, server.dm(anna))).reference is message


@pytest.mark.usefixtures("many_messages")
async def test_more_than_twenty_photos_in_a_row_are_all_drawn(server: DiscordServer, anna: Person, tmp_path: Path):
    async with serving(server, tmp_path, album_seconds=0.3):
        for count in (10, 10, 3):
            await anna.send(server.dm(anna), files=[FILE] * count)
        await server.until(lambda: sum(len(each.attachments) for each in cartoons(server.dm(anna))) == 23)
    assert rows(tmp_path, "SELECT count(*) FROM photos GROUP BY job_id ORDER BY 1") == [(3,), (20,)]


async def test_nobody_but_people_is_answered(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    robot = server.person("Robot")
    robot.is_bot = True
    async with serving(server, tmp_path):
        await robot.send(channel, "/help", [FILE], mention=True)
        for author, webhook in ((anna, 4711), (server.me, None)):
            message = Message(next(server.ids), channel, author, f"<@{server.me.id}> /help", webhook=webhook)
            await server.post(message)
        asked = await anna.send(channel, "/queue", mention=True)
        answer = await told(server, channel, "Nothing of yours is waiting.")
        assert answer.reference is asked
    assert [message for message in channel.messages if message.id > asked.id] == [answer]
    assert statuses(tmp_path) == {}


async def test_names_of_files_are_shown_as_they_are_and_ping_nobody(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path):
        await anna.send(channel, files=[("@everyone_*cat*_`x`.jpg", b"no picture")], mention=True)
        words = await told(server, channel, "this is not a picture")
        assert words.content.startswith(r"@everyone\_\*cat\*\_\`x\`.jpg: this is not a picture")
        assert words.mentions == [anna]


async def test_spoilers_stay_spoilers_and_every_cartoon_says_what_it_shows(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path):
        await anna.send(channel, files=[FILE], mention=True, spoiler=True, alt="My cat")
        (picture,) = (await cartoon(server, channel)).attachments
        assert picture.name == "SPOILER_01-ink.jpg"
        assert picture.description == "cat.jpg as a cartoon: ink 0.7, 1024 px, jpg"


# Places


async def test_a_thread_is_answered_in_the_thread(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, tmp_path: Path
):
    thread = channel.thread("cats")
    async with serving(server, tmp_path):
        await anna.send(thread, files=[FILE], mention=True)
        interaction = await li.slash(thread, "cartoon", {"photo": FILE})
        await drawn(server, interaction)
        await server.until(lambda: len(cartoons(thread)) == 2)
    assert not cartoons(channel)


async def test_whoever_installed_the_bot_for_themselves_is_served_where_it_is_not(
    server: DiscordServer, anna: Person, tmp_path: Path
):
    abroad = server.guild("Abroad", has_bot=False).channel("photos")
    async with serving(server, tmp_path):
        window = await (await anna.slash(abroad, "batch", installed="user")).answered()
        many = await anna.submit(window, {"photos": [FILE] * 10, "more": [FILE] * 2})
        one = await anna.slash(abroad, "cartoon", {"photo": FILE}, installed="user")
        again = await anna.press(await drawn(server, one), "0.9")
        await server.until(lambda: [each for each in again.followups if each.attachments])
        assert again.followups[0].content == "Here is your cartoon: ink 0.9."
        await server.until(lambda: sum(len(each.attachments) for each in answers(many)) == 12)
        assert not server.dm(anna).messages


async def test_two_people_in_one_channel_each_get_their_own(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path, album_seconds=0.5):
        sent: dict[Message, int] = {}
        for person, side in ((anna, 200), (li, 400)):
            files = [("cat.jpg", jpeg_bytes(gradient(side, 100)))] * 2
            sent[await person.send(channel, files=files, mention=True)] = side
        await server.until(lambda: len(cartoons(channel)) == 2)
    for message in cartoons(channel):
        assert message.reference is not None
        side = sent[message.reference]
        assert [size_of(message, number) for number in (0, 1)] == [(1024, round(1024 * 100 / side))] * 2


# Buttons and messages


async def test_a_progress_message_that_somebody_deletes_takes_no_answer_with_it(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, guild: Guild, tmp_path: Path
):
    engine = HeldEngine()
    guild.admins.add(li)
    async with serving(server, tmp_path, lambda *_: engine):
        interaction = await anna.slash(channel, "cartoon", {"photo": FILE})
        await li.delete(await told(server, channel, "Got your photo"))
        engine.release_all()
        answer = await cartoon(server, channel)
        assert answer.mentions == [anna]
    assert interaction.followups == []


async def test_cancel_calls_off_ones_own_and_nobody_elses(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, tmp_path: Path
):
    engine = HeldEngine()
    async with serving(server, tmp_path, lambda *_: engine, batch_size=1):
        interaction = await anna.slash(channel, "cartoon", {"photo": FILE})
        progress = await told(server, channel, "Got your photo")
        stranger = await (await li.press(progress, "Cancel")).answered()
        (refusal,) = stranger.followups
        assert (refusal.only_for, refusal.content) == (
            li,
            "These buttons are not yours. Send me a photo of your own!",
        )
        owner = await anna.press(progress, "Cancel")
        await server.until(lambda: owner.followups)
        assert owner.followups[0].content == "I called off your photo."
        await server.until(lambda: progress.deleted)
        engine.release_all()
    assert answers(interaction) == []
    assert statuses(tmp_path) == {"cancelled": 1}


async def test_a_button_of_a_forgotten_job_says_what_to_do(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path
):
    async with serving(server, tmp_path):
        first = await drawn(server, await anna.slash(channel, "cartoon", {"photo": FILE}))
    rows(tmp_path, "UPDATE jobs SET created_at = created_at - 100 * 86400")
    async with serving(server, tmp_path, retention_days=90):
        pressed = await (await anna.press(first, "0.9")).answered()
        (words,) = pressed.followups
        assert words.content == "I don't remember this one any more. Please send the photo again."


# The gateway


async def resumable_drop(server: DiscordServer) -> None:
    await server.drop()


async def final_drop(server: DiscordServer) -> None:
    await server.drop(resumable=False)


async def op_7(server: DiscordServer) -> None:
    await server.reconnect()


async def op_9_resumable(server: DiscordServer) -> None:
    await server.invalidate(resumable=True)


async def op_9(server: DiscordServer) -> None:
    await server.invalidate(resumable=False)


@pytest.mark.parametrize("trouble", [resumable_drop, final_drop, op_7, op_9_resumable, op_9])
async def test_a_gateway_that_goes_and_comes_back_loses_nothing_and_brings_nothing_twice(
    server: DiscordServer,
    anna: Person,
    li: Person,
    channel: GuildChannel,
    tmp_path: Path,
    trouble: Callable[[DiscordServer], Awaitable[None]],
):
    engine = HeldEngine()
    async with serving(server, tmp_path, lambda *_: engine):
        asked = await anna.slash(channel, "cartoon", {"photo": FILE})
        await anna.send(channel, files=[FILE], mention=True)
        await engine.next_batch()
        await trouble(server)
        if trouble in (final_drop, op_9):
            # What is said meanwhile, Discord itself does not bring again.
            await server.until(lambda: len(server.identifies) == 2 and server.gateway.connected)
        late = await li.slash(channel, "cartoon", {"photo": FILE})
        engine.release_all()
        for interaction in (asked, late):
            await drawn(server, interaction)
        await server.until(lambda: len(cartoons(channel)) == 3)
        if trouble not in (final_drop, op_9):
            assert server.resumes
    assert len(cartoons(channel)) == 3
    assert statuses(tmp_path) == {"answered": 3}


async def test_two_shards_serve_the_servers_of_both(server: DiscordServer, anna: Person, tmp_path: Path):
    server.gateway.shards = 2
    guilds: dict[int, Guild] = {}
    while len(guilds) < 2:
        # Which shard it is on comes with its number.
        guild = server.guild(f"Guild {len(server.guilds)}")
        guilds.setdefault(server.gateway.shard_of(guild), guild)
    places = [guilds[shard].channel("photos") for shard in (0, 1)]
    async with serving(server, tmp_path, discord_sharded=True):
        await server.until(lambda: len(server.gateway.connected) == 2)
        for place in places:
            await drawn(server, await anna.slash(place, "cartoon", {"photo": FILE}))
    assert [identify["shard"] for identify in server.identifies] == [[0, 2], [1, 2]]


# Starts and stops


async def test_commands_are_registered_once(server: DiscordServer, anna: Person, tmp_path: Path):
    async with serving(server, tmp_path):
        pass
    async with serving(server, tmp_path):
        await server.until(lambda: len(server.calls_to("GET", "/commands")) == 2)
        await anna.send(server.dm(anna), "/queue")
        await told(server, server.dm(anna), "Nothing of yours is waiting.")
    assert len(server.calls_to("PUT", "/commands")) == 1


async def test_a_wrong_token_ends_the_program_with_a_sentence(server: DiscordServer, tmp_path: Path):
    settings = settings_in(tmp_path, None, server, discord_bot_token=SecretStr("wrong"))
    with pytest.raises(ConfigError, match=r"does not accept DISCORD_BOT_TOKEN\. Copy it again"):
        await App(settings, QuickEngine).run(asyncio.Event())


async def test_a_stop_right_after_the_start_leaves_the_library_nothing_to_complain_of(
    server: DiscordServer, anna: Person, guild: Guild, tmp_path: Path
):
    async with serving(server, tmp_path):
        await anna.send(server.dm(anna), "/queue")
        await told(server, server.dm(anna), "Nothing of yours is waiting.")
        # It collects its servers for two seconds, also when it is closed meanwhile.
        (collecting,) = [task for task in asyncio.all_tasks() if "_delay_ready" in repr(task.get_coro())]
    await collecting


async def test_a_stop_while_it_connects_anew_leaves_no_heartbeat_behind(server: DiscordServer, tmp_path: Path):
    async with serving(server, tmp_path):
        beats = len(server.heartbeats)
        await server.invalidate(resumable=False)
        # The first beat of the new connection; then the library waits before it says who it is.
        await server.until(lambda: len(server.heartbeats) > beats)
    assert not [thread for thread in threading.enumerate() if isinstance(thread, KeepAliveHandler)]


@pytest.mark.parametrize("status", [0, 503])
async def test_a_discord_that_cannot_be_reached_is_waited_for(
    server: DiscordServer, anna: Person, channel: GuildChannel, tmp_path: Path, status: int
):
    server.fail("GET", "/users/@me", status)
    async with serving(server, tmp_path):
        await drawn(server, await anna.slash(channel, "cartoon", {"photo": FILE}))
    assert len(server.calls_to("GET", "/users/@me")) == 2


async def test_what_a_stop_interrupts_is_finished_after_the_next_start_in_the_same_message(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, tmp_path: Path
):
    engine = HeldEngine()
    async with serving(server, tmp_path, lambda *_: engine, shutdown_seconds=1):
        interaction = await anna.slash(channel, "cartoon", {"photo": FILE})
        sent = await li.send(channel, files=[FILE], mention=True)
        await engine.next_batch()
        await server.until(lambda: len([m for m in channel.messages if "Got your photo" in m.content]) == 2)
    engine.release_all()
    assert not cartoons(channel)
    async with serving(server, tmp_path):
        assert await drawn(server, interaction) is interaction.answer
        await server.until(lambda: [m for m in cartoons(channel) if m.reference is sent])
    assert len(cartoons(channel)) == 2
    assert not [message for message in channel.messages if "Got your photo" in message.content]


@pytest.mark.usefixtures("many_messages")
@pytest.mark.parametrize("deny", [set[str](), {"read_message_history"}])
@pytest.mark.parametrize("way", ["message", "interaction", "expired interaction"])
async def test_a_kill_between_an_answer_and_its_row_sends_nothing_twice(
    server: DiscordServer, anna: Person, guild: Guild, tmp_path: Path, way: str, deny: set[str]
):
    engine, channel = HeldEngine(), guild.channel("photos", deny)
    async with serving(server, tmp_path, lambda *_: engine):
        if way == "message":
            await anna.send(channel, files=[FILE], mention=True)
        else:
            await anna.slash(channel, "cartoon", {"photo": FILE})
        await told(server, channel, "Got your photo")
        if way == "expired interaction":
            server.token_seconds = 0
        await asyncio.to_thread(
            rows,
            tmp_path,
            "CREATE TRIGGER killed BEFORE UPDATE ON photos WHEN NEW.status = 'answered' "
            "BEGIN SELECT RAISE(ABORT, 'killed'); END",
        )
        engine.release_all()
        await cartoon(server, channel)
    assert statuses(tmp_path) == {"done": 1}
    rows(tmp_path, "DROP TRIGGER killed")
    before = len(server.calls)
    # A token shows its messages, whatever the bot may read.
    sees = not deny or way == "interaction"
    async with serving(server, tmp_path):
        # It looks; and where there is nothing to see, it sends once more, to no effect.
        await server.until(
            lambda: [
                call
                for call in server.calls[before:]
                if ("/messages" in call.route if sees else call.files and call.status == 200)
            ]
        )
    assert statuses(tmp_path) == {"answered": 1}
    assert len(cartoons(channel)) == 1
    assert len([call for call in server.calls if call.files and call.status == 200]) == (1 if sees else 2)
    assert len(channel.messages) == (2 if way == "message" else 1)


def written(server: DiscordServer, person: Person, files: Sequence[tuple[str, bytes]]) -> Message:
    """A direct message to the bot, which is still to be announced."""
    place = server.dm(person)
    attachments = [server.cdn.keep(name, data, channel_id=place.id) for name, data in files]
    message = Message(next(server.ids), place, person, attachments=attachments)
    place.by_id[message.id] = message
    return message


def announce(server: DiscordServer, message: Message, **changes: object) -> None:
    """Tell the bot of a message, in other words than those that the stand-in has."""
    wire: Json = message.wire() | changes
    server.gateway.dispatch("MESSAGE_CREATE", lambda intents: wire, None, Intent.DIRECT_MESSAGES)


async def test_photos_sent_while_nobody_listened_are_drawn_once_where_the_bot_is_known(
    server: DiscordServer, anna: Person, li: Person, channel: GuildChannel, tmp_path: Path
):
    dm = server.dm(anna)
    async with serving(server, tmp_path):
        await anna.send(dm, files=[FILE])
        await cartoon(server, dm)
        await li.send(channel, files=[FILE], mention=True)
        await cartoon(server, channel)
    await anna.send(dm, "hello?")
    missed = await anna.send(dm, "0.9", [FILE])
    await li.send(channel, files=[FILE])
    named = await li.send(channel, files=[FILE], mention=True)
    for start in (1, 2):
        async with serving(server, tmp_path):
            # Both chats are read.
            await server.until(
                lambda reads=2 * start: len(server.calls_to("GET", "/channels/{channel_id}/messages")) == reads
            )
            assert (await cartoon(server, dm, 2)).reference is missed
            assert (await cartoon(server, channel, 2)).reference is named
            # Heard after what was missed, and so answered after it.
            await anna.send(dm, "/queue")
            await told(server, dm, "Nothing of yours is waiting.")
    assert len(cartoons(dm)) == len(cartoons(channel)) == 2
    assert not [message for message in dm.messages if "Please use" in message.content]


async def test_photos_sent_while_the_connection_was_lost_for_good_are_drawn(
    server: DiscordServer, anna: Person, tmp_path: Path
):
    dm = server.dm(anna)
    async with serving(server, tmp_path):
        await anna.send(dm, files=[FILE])
        await cartoon(server, dm)
        await server.drop(resumable=False)
        missed = await anna.send(dm, files=[FILE])
        assert (await cartoon(server, dm, 2)).reference is missed
