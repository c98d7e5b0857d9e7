"""One Discord bot: how it starts, what it fetches, and how it ends."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Collection, Coroutine
from pathlib import Path
from typing import Any, Final

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket, KeepAliveHandler
from discord.http import Route
from discord.utils import MISSING

from bots.buttons import Buttons
from bots.conversation import Conversation
from bots.discord.attachments import Attachments, Links
from bots.discord.commands import build_tree
from bots.discord.components import dynamic_items
from bots.discord.interactions import Interactions
from bots.discord.listener import Listener
from bots.discord.missed import Missed
from bots.discord.noting import Noting
from bots.discord.sending import Sending
from bots.discord.syncing import sync
from bots.discord.wire import Interaction, Source, pictures_of
from bots.frontend import Hearing
from bots.locales import Locales
from bots.outbox import Doubtful, Unreached
from core.config import Settings
from core.errors import ChatGone, ConfigError, PhotoUnavailable, Refused
from core.styles.registry import Styles

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
# Seconds for a thread that has been told to end.
HEARTBEAT_GRACE: Final = 1.0
WRONG_TOKEN: Final = "Discord does not accept DISCORD_BOT_TOKEN. Copy it again from your application's Bot page."
# Codes that the gateway closes with, for good.
NOT_ACCEPTED: Final = 4004
NEEDS_SHARDS: Final = (4010, 4011)


class DiscordFrontEnd(Sending):
    """Brings messages and interactions to a listener, and cartoons to people.

    The library knows one Discord for the whole process; DISCORD_API_URL moves it.
    """

    def __init__(
        self,
        settings: Settings,
        conversation: Conversation,
        reception: Hearing,
        buttons: Buttons,
        styles: Styles,
        locales: Locales,
        known: Callable[[], Awaitable[Collection[tuple[str, int]]]],
    ) -> None:
        assert settings.discord_bot_token is not None  # whoever builds this has looked
        self._token = settings.discord_bot_token.get_secret_value()
        Route.BASE = settings.discord_api_url.rstrip("/")
        super().__init__(_client(sharded=settings.discord_sharded))
        self._attachments = Attachments(settings.discord_cdn_urls, settings.limits.file_bytes)
        self._links = Links()
        noting = Noting(conversation, reception, buttons, locales, self._links)
        self._listener = Listener(self._client, self, conversation, noting, buttons, locales)
        self._interactions = Interactions(self, conversation, noting, buttons, styles, locales)
        self._missed = Missed(self._client, self, self._listener, known)
        self._helpers: set[asyncio.Task[None]] = set()
        self._lost_shards: set[int] = set()
        self._tree = build_tree(self._client, self._interactions, locales)
        self._client.add_dynamic_items(*dynamic_items(self._interactions.press))
        for hears in (
            self.on_ready,
            self.on_resumed,
            self.on_disconnect,
            self.on_shard_disconnect,
            self.on_shard_ready,
            self.on_shard_resumed,
            self.on_message,
            self.on_raw_message_edit,
            self.on_interaction,
            self.on_error,
        ):
            self._client.event(hears)

    async def run(self) -> None:
        """Serve until cancelled. Waits while Discord cannot be reached; raises ConfigError for a wrong token."""
        try:
            async with self._attachments, self._client:
                try:
                    await self._sign_in()
                    self._help(self._register())
                    await self._client.connect()
                finally:
                    self.ready.clear()
                    for task in self._helpers:
                        task.cancel()
                    await asyncio.gather(*self._helpers, return_exceptions=True)
                    await self.close()
        except discord.LoginFailure as error:
            raise ConfigError(WRONG_TOKEN) from error
        except discord.ConnectionClosed as error:
            if error.code == NOT_ACCEPTED:
                raise ConfigError(WRONG_TOKEN) from error
            if error.code in NEEDS_SHARDS:
                raise ConfigError("This bot is in so many servers that it needs DISCORD_SHARDED=1.") from error
            raise
        finally:
            await end_heartbeats()

    async def fetch(self, reference: str, path: Path) -> None:
        """See FrontEnd.fetch: by its URL for as long as that works, then by its message."""
        await self.signed_in.wait()
        source = Source.of(reference)
        url = source.url or self._links.of(source.attachment)
        try:
            if not url:
                raise PhotoUnavailable
            await self._attachments.fetch(url, path)
        except PhotoUnavailable:
            if not source.message:
                raise
            await self._attachments.fetch(await self._url_of(source), path)

    # The names of these are the library's.

    async def on_ready(self) -> None:
        """A new session has begun."""
        log.info("Discord: listening as %s", self._client.user)
        self._set_ready()
        self._help(self._missed.hear())

    async def on_resumed(self) -> None:
        """The connection is back, and what was missed has come."""
        log.info("Discord: connected again")
        self._set_ready()

    async def on_disconnect(self) -> None:
        """The library connects again by itself."""
        if self.ready.is_set():
            log.warning("Discord: the connection was lost; connecting again")
            self.ready.clear()

    async def on_shard_disconnect(self, shard: int) -> None:
        """One of several connections is lost."""
        self._lost_shards.add(shard)

    async def on_shard_ready(self, shard: int) -> None:
        """It is back, with a new session."""
        self._lost_shards.discard(shard)
        self._set_ready()

    async def on_shard_resumed(self, shard: int) -> None:
        """It is back."""
        self._lost_shards.discard(shard)
        self._set_ready()

    async def on_message(self, message: discord.Message) -> None:
        """Somebody wrote."""
        await self._listener.hear(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """Somebody changed what they wrote, or Discord has added a preview."""
        await self._listener.hear_again(event.message)

    async def on_interaction(self, interaction: Interaction) -> None:
        """Commands and buttons have callbacks; windows that were filled in have none."""
        await self._interactions.submitted(interaction)

    async def on_error(self, event: str, *_: object, **__: object) -> None:
        """Called where an error is being handled."""
        log.exception("an event could not be handled: %s", event)

    async def _sign_in(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._client.login(self._token)
                _, gateway, _ = await self._client.http.get_bot_gateway()
            except discord.LoginFailure:
                raise
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.warning("Discord cannot be reached (%s); trying again in %g s", type(error).__name__, pause)
                # The library would go on with a connection pool that it has closed.
                await self._client.http.close()
                self._client.http.connector = MISSING
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
                self.signed_in.set()
                return

    async def _register(self) -> None:
        """Tell Discord the commands, if they are not those that it has."""
        pause = FIRST_PAUSE
        while True:
            try:
                await sync(self._client, self._tree)
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.warning("Discord: the commands were not registered (%s); trying again in %g s", error, pause)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                return

    def _set_ready(self) -> None:
        if not self._lost_shards and self._client.is_ready():
            self.ready.set()

    def _help(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside all else, until the end."""
        task = asyncio.create_task(work)
        self._helpers.add(task)
        task.add_done_callback(self._helped)

    def _helped(self, task: asyncio.Task[None]) -> None:
        self._helpers.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("something beside failed", exc_info=task.exception())

    async def _url_of(self, source: Source) -> str:
        try:
            message = await self.message(source.channel, source.message)
        except (ChatGone, Refused) as error:
            raise PhotoUnavailable from error
        except Doubtful as error:
            raise Unreached(str(error)) from error
        for picture in pictures_of(message):
            if picture.id == source.attachment:
                return picture.url
        raise PhotoUnavailable


async def end_heartbeats() -> None:
    """Of this event loop's connections: the library leaves those behind that are being made when it closes."""
    loop = asyncio.get_running_loop()
    for thread in threading.enumerate():
        if isinstance(thread, KeepAliveHandler) and thread.ws.loop is loop:
            thread.stop()
            await asyncio.to_thread(thread.join, HEARTBEAT_GRACE)


class _Client(discord.Client):
    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        # The library waits 2 s for the list of servers; closed meanwhile, it would fail when it tells of it.
        if not self.is_closed():
            super().dispatch(event, *args, **kwargs)


class _ShardedClient(_Client, discord.AutoShardedClient):
    pass


def _client(*, sharded: bool) -> discord.Client:
    kind = _ShardedClient if sharded else _Client
    # No privileged intents: direct messages, mentions and menus bring their pictures without.
    intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
    # No voice, so it need not warn of what voice would need.
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    return kind(
        intents=intents,
        max_messages=None,
        member_cache_flags=discord.MemberCacheFlags.none(),
        allowed_mentions=discord.AllowedMentions.none(),
    )
