"""What the stand-in Discord refuses, limits and breaks, through the real discord.py."""

import time
from collections.abc import AsyncIterator
from io import BytesIO

import aiohttp
import discord
import pytest

from tests.fakes.discord import DiscordServer, GuildChannel, Person
from tests.fakes.discord_bot import Client, running
from tests.fakes.discord_calls import Call
from tests.fakes.discord_objects import MEBIBYTE
from tests.fakes.discord_rates import Rates
from tests.fakes.test_discord import picture, upload


@pytest.fixture
async def client(server: DiscordServer, channel: GuildChannel) -> AsyncIterator[Client]:
    """Logged in, without a gateway."""
    async with Client() as client:
        await client.login(server.token)
        yield client


def place(client: Client, channel: GuildChannel) -> discord.PartialMessageable:
    return client.get_partial_messageable(channel.id, guild_id=channel.home.id)


async def refusal(attempt: object) -> tuple[int, int]:
    """The HTTP status and the code with which Discord refuses."""
    with pytest.raises(discord.HTTPException) as refused:
        await attempt  # type: ignore[misc]
    return refused.value.status, refused.value.code


async def test_a_wrong_token_is_refused(server: DiscordServer) -> None:
    async with Client() as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("wrong")
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{server.api_url}/users/@me") as answer:
            assert answer.status == 401
        assert server.violations == ["GET /users/@me: Authorization is missing"]
        async with session.ws_connect(server.gateway_url) as socket:
            await socket.receive_json()
            await socket.send_json({"op": 2, "d": {"token": "wrong", "intents": 0, "properties": {}}})
            await socket.receive()
            assert socket.close_code == 4004


async def test_permissions_are_kept(
    server: DiscordServer, client: Client, anna: Person, channel: GuildChannel
) -> None:
    guild = channel.home
    sent = await anna.send(channel, "hello")
    assert await refusal(place(client, guild.channel("secret", {"view_channel"})).send("x")) == (403, 50001)
    assert await refusal(place(client, guild.channel("read", {"send_messages"})).send("x")) == (403, 50013)
    bare = guild.channel("bare", {"attach_files", "read_message_history"})
    assert await refusal(place(client, bare).send(file=upload())) == (403, 50013)
    first = await place(client, bare).send("words are fine")
    assert [each async for each in place(client, bare).history()] == []
    assert await refusal(first.reply("x")) == (403, 160002)
    assert await refusal(place(client, channel).get_partial_message(sent.id).edit(content="x")) == (403, 50005)
    assert await refusal(place(client, channel).get_partial_message(sent.id).delete()) == (403, 50013)
    assert await refusal(place(client, channel).fetch_message(1)) == (404, 10008)
    assert await refusal(client.get_partial_messageable(1).send("x")) == (404, 10003)
    with pytest.raises(ValueError, match="fly"):
        guild.channel("x", {"fly"})
    channel.delete()
    assert await refusal(place(client, channel).send("x")) == (404, 10003)


async def test_the_history_is_read_in_pages(client: Client, anna: Person, channel: GuildChannel) -> None:
    for number in range(5):
        await anna.send(channel, str(number))
    ids = [message.id for message in channel.messages]
    here = place(client, channel)
    after = [each.content async for each in here.history(after=discord.Object(ids[0]), limit=2)]
    assert after == ["1", "2"]
    before = [each.content async for each in here.history(before=discord.Object(ids[4]), limit=3)]
    assert before == ["3", "2", "1"]


async def test_what_is_too_large_is_refused(server: DiscordServer, client: Client, channel: GuildChannel) -> None:
    def large(mebibytes: int) -> discord.File:
        return discord.File(BytesIO(bytes(mebibytes * MEBIBYTE + 1)), "large.png")

    here = place(client, channel)
    assert await refusal(here.send(file=large(10))) == (413, 40005)
    channel.home.premium_tier = 2
    assert (await here.send(file=large(10))).attachments[0].size == 10 * MEBIBYTE + 1
    assert await refusal(here.send(files=[large(9), large(9), large(9)])) == (413, 40005)
    assert server.violations == []


async def test_a_nonce_sends_once(server: DiscordServer, client: Client, channel: GuildChannel) -> None:
    server.fail("POST", "messages", 0, after=True)
    with pytest.raises(aiohttp.ClientError):
        await place(client, channel).send("once", nonce="n1")
    assert len(channel.messages) == 1
    again = await place(client, channel).send("once", nonce="n1")
    assert [again.id] == [message.id for message in channel.messages]
    assert [call.status for call in server.calls_to("POST", "messages")] == [0, 200]
    await place(client, channel).send("once", nonce="n2")
    assert len(channel.messages) == 2


async def test_faults_come_as_asked(server: DiscordServer, client: Client, channel: GuildChannel) -> None:
    here = place(client, channel)
    server.fail("POST", "/messages", 50007)
    assert await refusal(here.send("x")) == (403, 50007)
    server.fail("POST", str(channel.id), 503)
    assert await refusal(here.send("x")) == (503, 0)
    server.fail("POST", "/messages", 429, retry_after=0.01)
    await here.send("first")
    server.fail("GET", "/users/", 429, retry_after=0.01, is_global=True)
    assert (await client.fetch_user(server.me.id)).id == server.me.id
    assert [message.content for message in channel.messages] == ["first"]
    assert [call.status for call in server.calls_to("POST", "messages")] == [403, 503, 429, 200]
    assert [call.status for call in server.calls_to("GET", "/users/{user_id}")] == [429, 200]


async def test_five_messages_in_five_seconds_are_the_most(server: DiscordServer, channel: GuildChannel) -> None:
    url = f"{server.api_url}/channels/{channel.id}/messages"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {server.token}"}) as session:
        for left in (4, 3, 2, 1, 0):
            async with session.post(url, json={"content": "hi"}) as answer:
                assert answer.status == 200
                assert answer.headers["X-RateLimit-Remaining"] == str(left)
        async with session.post(url, json={"content": "hi"}) as answer:
            assert (answer.status, answer.headers["X-RateLimit-Scope"]) == (429, "user")
            assert answer.headers["Via"]
            assert 0 < (await answer.json())["retry_after"] <= 5
            assert answer.headers["Retry-After"] in "12345"
    assert len(channel.messages) == 5


def test_fifty_calls_a_second_and_an_edit_in_three_are_welcome() -> None:
    rates = Rates()

    def called(at: float, route: str = "/channels/{channel_id}/messages") -> Call:
        call = Call("POST", route, route, {}, {}, None, [], 0, None, at)
        rates.called(call)
        return call

    for number in range(51):
        called(number / 49.5)
        called(0, "/webhooks/{webhook_id}/{webhook_token}")
    assert rates.floods == []
    called(51 / 49.5)
    called(51 / 49.5)
    assert rates.floods == ["51 requests within 1 s; at most 50 are welcome"]


async def test_edits_three_seconds_apart_are_welcome_unless_someone_pressed(
    server: DiscordServer, client: Client, anna: Person, channel: GuildChannel
) -> None:
    view = discord.ui.View().add_item(discord.ui.Button(label="Now", custom_id="now"))
    sent = await place(client, channel).send("0", view=view)
    await sent.edit(content="1")
    await anna.press(channel.messages[0], "Now")
    await sent.edit(content="2")
    assert server.floods == []
    await sent.edit(content="3")
    (flood,) = server.floods
    assert flood.startswith(f"message {sent.id} was edited ")


async def test_callbacks_come_once_and_in_time(
    server: DiscordServer, client: Client, anna: Person, channel: GuildChannel
) -> None:
    view = discord.ui.View().add_item(discord.ui.Button(label="Now", custom_id="now"))
    await place(client, channel).send("0", view=view)
    pressed = await anna.press(channel.messages[0], "Now")
    webhook = f"{server.api_url}/webhooks/{server.application_id}/{pressed.token}"
    async with aiohttp.ClientSession() as session:

        async def callback(token: str = pressed.token, kind: int = 6) -> tuple[int, int]:
            url = f"{server.api_url}/interactions/{pressed.id}/{token}/callback"
            async with session.post(url, json={"type": kind}) as answer:
                return answer.status, (await answer.json())["code"] if answer.status != 204 else 0

        async with session.post(webhook, json={"content": "too early"}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (404, 10015)
        assert await callback("wrong") == (404, 10062)
        assert server.violations == []
        assert await callback() == (204, 0)
        assert await callback() == (400, 40060)
        late = await anna.press(channel.messages[0], "Now")
        late.created -= 3.1
        pressed = late
        assert await callback(late.token) == (404, 10062)
    assert [violation[:10] for violation in server.violations] == ["a second c", "a callback"]


async def test_links_expire_and_downloads_go_wrong(
    server: DiscordServer, client: Client, anna: Person, channel: GuildChannel
) -> None:
    sent = await anna.send(
        channel,
        files=[
            (
                "cat.jpg",
                picture(),
            )
        ],
    )
    url = sent.attachments[0].url
    async with aiohttp.ClientSession() as session:

        async def get() -> tuple[int, bytes]:
            async with session.get(url, allow_redirects=False) as answer:
                return answer.status, await answer.read()

        assert await get() == (200, picture())
        server.cdn_faults.redirect("http://127.0.0.1:1/")
        server.cdn_faults.status(503)
        server.cdn_faults.wrong_length()
        assert (await get())[0] == 302
        assert await get() == (503, b"refused")
        with pytest.raises(aiohttp.ClientPayloadError):
            await get()
        server.cdn_faults.slow_body(0.1)
        server.cdn_faults.endless_body()
        began = time.monotonic()
        assert await get() == (200, picture())
        assert time.monotonic() - began >= 0.1
        async with session.get(url) as answer:
            assert len(await answer.content.readexactly(3 * MEBIBYTE)) == 3 * MEBIBYTE
        server.cdn.expire_links()
        assert await get() == (404, b"This content is no longer available.")
        fresh = await place(client, channel).fetch_message(sent.id)
        assert await fresh.attachments[0].read() == picture()
        server.cdn.link_seconds = -1
        async with session.get(sent.attachments[0].url) as answer:
            assert answer.status == 404
    assert len(server.cdn.requests) == 9


async def test_what_does_not_fit_the_schema_is_a_violation(server: DiscordServer, channel: GuildChannel) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bot {server.token}"}) as session:
        async with session.post(f"{server.api_url}/channels/{channel.id}/messages", json={}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, 50035)
        async with session.get(f"{server.api_url}/voice/regions") as answer:
            assert answer.status == 404
    assert len(server.violations) == 2
    assert channel.messages == []


async def test_without_the_intent_only_some_messages_can_be_read(
    server: DiscordServer, client: Client, anna: Person, channel: GuildChannel
) -> None:
    server.content_intent = False
    private = await anna.send(channel, "hello", [("cat.jpg", picture())])
    naming = await anna.send(channel, "hello", [("cat.jpg", picture())], mention=True, reply_to=private)
    here = place(client, channel)
    read = await here.fetch_message(private.id)
    assert (read.content, read.attachments) == ("", [])
    read = await here.fetch_message(naming.id)
    assert (read.content, len(read.attachments)) == (f"<@{server.me.id}> hello", 1)
    assert isinstance(answered := read.reference and read.reference.resolved, discord.Message)
    assert (answered.id, answered.content, answered.attachments) == (private.id, "", [])
    own = await here.send("my own")
    assert (await here.fetch_message(own.id)).content == "my own"
    answer = await anna.send(channel, "thanks", reply_to=channel.messages[-1])
    assert (await here.fetch_message(answer.id)).content == "thanks"
    async with running(Client(discord.Intents(guilds=True, guild_messages=True)), server) as listening:
        await anna.send(channel, "hello")
        await anna.send(channel, "hello", mention=True)
        assert (await listening.heard.get()).content == ""
        assert (await listening.heard.get()).content.endswith("hello")
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(Client(), server):
            pass
