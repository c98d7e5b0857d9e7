"""The stand-in Discord's gateway, through the real discord.py: resuming, beginning anew, shards, heartbeats."""

import discord
import pytest

from tests.fakes.discord import DiscordServer, Guild, GuildChannel, Person
from tests.fakes.discord_bot import Client, running


async def test_what_was_missed_is_sent_on_resume(
    server: DiscordServer, anna: Person, channel: GuildChannel
) -> None:
    async with running(Client(), server) as client:
        await anna.send(channel, "one")
        await server.drop()
        await anna.send(channel, "two")
        await anna.send(channel, "three")
        heard = [(await client.heard.get()).content for _ in range(3)]
        assert heard == ["one", "two", "three"]
        await server.reconnect()
        await server.until(lambda: len(server.resumes) == 2)
        await anna.send(channel, "four")
        assert (await client.heard.get()).content == "four"
    assert len(server.identifies) == 1
    assert server.violations == []


async def test_a_session_that_is_over_begins_anew(
    server: DiscordServer, anna: Person, channel: GuildChannel
) -> None:
    async with running(Client(), server) as client:
        await server.invalidate(resumable=True)
        await server.until(lambda: len(server.resumes) == 1)
        await server.drop(resumable=False)
        await anna.send(channel, "lost")
        await server.until(lambda: len(server.identifies) == 2)
        await anna.send(channel, "heard")
        assert (await client.heard.get()).content == "heard"
    assert server.violations == []
    async with running(Client(), server):
        assert len(server.identifies) == 3
    assert server.violations == []


async def test_identifying_too_often_is_a_violation(server: DiscordServer, channel: GuildChannel) -> None:
    class Hasty(Client):
        async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
            pass

    async with running(Hasty(), server):
        await server.invalidate(resumable=False)
        await server.until(lambda: len(server.identifies) == 2)
    (violation,) = server.violations
    assert violation.startswith("IDENTIFY of shard 0 ")


def guilds_on_both_of_two_shards(server: DiscordServer) -> dict[int, Guild]:
    guilds: dict[int, Guild] = {}
    while len(guilds) < 2:
        # Which shard it is on comes with its number.
        guild = server.guild(f"Guild {len(server.guilds)}")
        guilds.setdefault(server.gateway.shard_of(guild), guild)
    return guilds


async def test_each_shard_hears_of_its_guilds(server: DiscordServer, anna: Person) -> None:
    server.gateway.shards = 2
    server.gateway.max_concurrency = 2
    guilds = guilds_on_both_of_two_shards(server)
    heard: set[tuple[int, str]] = set()

    class Sharded(discord.AutoShardedClient):
        async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
            pass

        async def on_message(self, message: discord.Message) -> None:
            heard.add((message.guild.shard_id if message.guild else 0, message.content))
            await message.channel.typing()

    client = Sharded(intents=discord.Intents.all() ^ discord.Intents(members=True, presences=True))
    async with running(client, server):
        for guild in guilds.values():
            await anna.send(guild.channel("photos"), guild.name)
        await anna.send(server.dm(anna), "private")
        await server.until(lambda: len(server.calls_to("POST", "typing")) == 3)
    assert heard == {(0, guilds[0].name), (1, guilds[1].name), (0, "private")}
    assert sorted(identify["shard"] for identify in server.identifies) == [[0, 2], [1, 2]]
    assert server.violations == []


async def test_heartbeats_are_counted(server: DiscordServer) -> None:
    server.interval = 0.05
    async with running(Client(), server):
        await server.until(lambda: len(server.heartbeats) == 5)
    shards, times = zip(*server.heartbeats, strict=True)
    assert {*shards} == {0}
    assert times[-1] - times[0] > 0.15


async def test_the_bot_hears_of_what_comes_changes_and_goes(server: DiscordServer, anna: Person) -> None:
    async with running(Client(), server) as client:
        guild = server.guild("Late", locale="zh-CN")
        thread = guild.channel("photos", {"attach_files"}).thread("cats")
        sent = await anna.send(thread, "hello")
        heard = await client.heard.get()
        assert isinstance(heard.channel, discord.Thread)
        assert heard.guild
        assert heard.guild.preferred_locale is discord.Locale.chinese
        assert not heard.channel.permissions_for(heard.guild.me).attach_files
        assert heard.channel.permissions_for(heard.guild.me).send_messages_in_threads
        await anna.edit(sent, "hello all")
        assert (await client.edited.get()).content == "hello all"
        await heard.channel.send("hi")
        assert thread.messages[1].content == "hi"
        await anna.delete(sent)
        thread.parent.delete()
        guild.remove_bot()
        with pytest.raises(discord.Forbidden):
            await heard.channel.send("hi")
        assert (await client.left.get()).id == guild.id
    assert server.story == [
        "(Late #photos, cats) Anna: hello",
        "(Late #photos, cats) Anna edits: hello all",
        "(Late #photos, cats) bot: hi",
        "(Late #photos, cats) Anna deletes: hello all",
    ]
    assert server.violations == []
