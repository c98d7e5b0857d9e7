"""A stand-in Discord: a real gateway, REST API and CDN for the real client, checked against the published schema.

    async with DiscordServer() as server:
        # the bot under test gets server.token, server.api_url and server.gateway_url
        anna = server.person("Anna", locale="zh-CN")
        channel = server.guild("Friends").channel("photos")
        sent = await anna.send(channel, "draw this", [("cat.jpg", data)], mention=True)
        await server.until(lambda: len(channel.messages) == 2)
        assert server.violations == []

The rest of it: discord_objects and _world (what there is and who hears of it), discord_story (the same, told),
discord_people, _forms and _commands (what people do), discord_messages, _content, _interactions and _profile (what
a call does), discord_gateway, discord_cdn, discord_rates (what is called too often), discord_schema (what a call
must look like) and discord_faults (what goes wrong on the way).
Not modelled: roles, reactions, voice, private chats among people, links within components, compressed gateways.
"""

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.fakes.discord_asked import Interaction
from tests.fakes.discord_calls import Call, Refused, read_call
from tests.fakes.discord_cdn import CdnFaults
from tests.fakes.discord_chats import Channel, DirectMessages, Message
from tests.fakes.discord_commands import Commands
from tests.fakes.discord_faults import ConnectionLostError, Fault, too_many
from tests.fakes.discord_guilds import Guild, GuildChannel, Thread
from tests.fakes.discord_interactions import Interactions
from tests.fakes.discord_messages import Messages
from tests.fakes.discord_objects import MEBIBYTE, Attachment, Json, User
from tests.fakes.discord_people import Person
from tests.fakes.discord_profile import Profile
from tests.fakes.discord_rates import Bucket
from tests.fakes.discord_schema import Upload, problems
from tests.fakes.discord_world import World

__all__ = [
    "Attachment",
    "Call",
    "Channel",
    "DirectMessages",
    "DiscordServer",
    "Guild",
    "GuildChannel",
    "Interaction",
    "Message",
    "Person",
    "Thread",
    "Upload",
    "User",
]

Seen = TypeVar("Seen")

ROOT = "/api/v10"
GRACE_SECONDS = 0.05
REQUEST_LIMIT = 25 * MEBIBYTE
READ_LIMIT = 200 * MEBIBYTE  # larger requests than are allowed are read to be refused
WITH_TOKEN_IN_PATH = ("/interactions/", "/webhooks/")


class DiscordServer(World):
    """The server: `calls` is what the bot asked, `violations` what it got wrong, `story` what people see."""

    def __init__(self, token: str = "stand-in.discord.token") -> None:
        super().__init__(token)
        self.api_url = self.gateway_url = self.cdn_url = ""
        self.calls: list[Call] = []
        self.commands = Commands(self.ids, self.application_id)
        self.interactions = Interactions(self)
        self._faults: list[Fault] = []
        self._routes = (
            Messages(self).routes | self.commands.routes | self.interactions.routes | Profile(self).routes
        )
        api = web.Application(client_max_size=READ_LIMIT)
        for method, route in self._routes:
            api.router.add_route(method, ROOT + route, self._serve)
        api.router.add_route("*", ROOT + "/{path:.*}", self._serve)
        api.router.add_get("/", self.gateway.serve)
        cdn = web.Application()
        cdn.router.add_get("/{path:.+}", self._serve_file)
        # Held connections are cut short at the end of a test.
        self._runners = [web.AppRunner(each, shutdown_timeout=GRACE_SECONDS) for each in (api, cdn)]

    async def __aenter__(self) -> Self:
        places: list[str] = []
        for runner in self._runners:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            places.append(f"{host}:{port}")
        api, cdn = places
        self.api_url = f"http://{api}{ROOT}"
        self.gateway_url = self.gateway.url = f"ws://{api}/"
        self.cdn_url = self.cdn.url = f"http://{cdn}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.gateway.close()
        for runner in self._runners:
            await runner.cleanup()

    # Who and where

    def person(self, name: str = "Anna", locale: str = "en-US") -> Person:
        return Person(self, self.commands, self.interactions, name, locale)

    def guild(
        self, name: str = "Friends", locale: str = "en-US", premium_tier: int = 0, has_bot: bool = True
    ) -> Guild:
        """A guild, with the bot in it or not; the limit of its files is 10, 10, 50 or 100 MiB by its tier."""
        guild = Guild(
            next(self.ids),
            name,
            self.me,
            self.owner.id,
            self.ids,
            self.channels,
            self.tell_of_guild,
            locale,
            premium_tier,
            has_bot,
        )
        self.guilds[guild.id] = guild
        self.tell_of_guild("GUILD_CREATE", guild, guild.wire())
        return guild

    def dm(self, person: User) -> DirectMessages:
        """The direct messages of the bot and a person."""
        return self.direct_messages(person)

    # What happened

    @property
    def story(self) -> list[str]:
        """What people saw happen in all channels, one entry for each event, for reading."""
        return self.told.entries

    @property
    def floods(self) -> list[str]:
        """Where the bot was faster than is welcome, as sentences."""
        return self.rates.floods

    @property
    def heartbeats(self) -> list[tuple[int, float]]:
        """Shards and seconds of time.monotonic()."""
        return self.gateway.heartbeats

    @property
    def identifies(self) -> list[Json]:
        """What each IDENTIFY asked for."""
        return self.gateway.identifies

    @property
    def resumes(self) -> list[Json]:
        """What each RESUME asked for."""
        return self.gateway.resumes

    def calls_to(self, method: str, route_part: str) -> list[Call]:
        """The calls of one method whose route has this in it."""
        return [call for call in self.calls if call.method == method and route_part in call.route]

    async def until(self, predicate: Callable[[], Seen], timeout: float = 20) -> Seen:  # noqa: ASYNC109
        """Wait until the predicate is true, asked again after every change, and give its value back.

        Raises TimeoutError, with the end of the story, after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout), self.gateway.changed:
                return await self.gateway.changed.wait_for(predicate)
        except TimeoutError:
            last = "\n".join(self.story[-10:])
            raise TimeoutError(f"not seen within {timeout} s; the story ends with:\n{last}") from None

    # What a test sets

    @property
    def interval(self) -> float:
        """Seconds between heartbeats."""
        return self.gateway.interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self.gateway.interval = seconds

    @property
    def content_intent(self) -> bool:
        """Whether the bot may have the intent of message contents."""
        return self.gateway.content_intent

    @content_intent.setter
    def content_intent(self, granted: bool) -> None:
        self.gateway.content_intent = granted

    @property
    def token_seconds(self) -> float:
        """The life of an interaction's token."""
        return self.interactions.token_seconds

    @token_seconds.setter
    def token_seconds(self, seconds: float) -> None:
        self.interactions.token_seconds = seconds

    @property
    def cdn_faults(self) -> CdnFaults:
        """What goes wrong with the next downloads."""
        return self.cdn.faults

    async def drop(self, resumable: bool = True, code: int = 4000) -> None:
        """Close all connections of the gateway; without `resumable` their sessions are over."""
        await self.gateway.drop(resumable, code)

    async def reconnect(self) -> None:
        """Ask all connections of the gateway to begin anew and resume."""
        await self.gateway.reconnect()

    async def invalidate(self, resumable: bool) -> None:
        """Tell all connections that their session is invalid; with `resumable` they may try again."""
        await self.gateway.invalidate(resumable)

    def fail(
        self,
        method: str,
        route_part: str,
        status: int = 500,
        *,
        times: int = 1,
        after: bool = False,
        retry_after: float | None = None,
        is_global: bool = False,
    ) -> None:
        """Let the next calls whose route or path has this part in it fail; `Fault` says how."""
        self._faults.append(Fault(method, route_part, status, times, after, retry_after, is_global))

    # The wire

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            call = await read_call(request, ROOT)
        except ConnectionResetError:
            return web.Response()  # for nobody: the bot went away while it was asking
        self.calls.append(call)
        self.rates.called(call)
        bucket = self.rates.bucket(call)
        try:
            self._check(call, bucket)
            call.status, body = await self._carry_out(call)
        except Refused as refused:
            call.status, body = refused.status, refused.body
        except ConnectionLostError:
            call.status = 0
            return hang_up(request)
        finally:
            await self.gateway.wake()
        return answer(call.status, body, bucket)

    async def _carry_out(self, call: Call) -> tuple[int, Any]:
        fault = self._next_fault(call)
        if fault and not fault.after:
            fault.strike()
        answered = await self._routes[call.method, call.route](call)
        if fault:
            fault.strike()
        return answered

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        self.cdn.requests.append(request.path)
        await self.gateway.wake()
        return await self.cdn.serve(request)

    def _check(self, call: Call, bucket: Bucket) -> None:
        """Raises Refused for what no route need look at."""
        authorized = call.token == f"Bot {self.token}"
        if not authorized and call.route != "/gateway" and not call.route.startswith(WITH_TOKEN_IN_PATH):
            if call.token is None:
                self.violations.append(f"{call.method} {call.path}: Authorization is missing")
            raise Refused(0)
        if not bucket.take():
            raise too_many(bucket.reset_after)
        if call.size > REQUEST_LIMIT:
            raise Refused(40005)
        # Files that are too large are refused by the routes, which know the limit of the place.
        wrong = problems(call.method, call.path, call.query, call.payload, call.files, file_limit=REQUEST_LIMIT)
        self.violations.extend(f"{call.method} {call.path}: {problem}" for problem in wrong)
        if (call.method, call.route) not in self._routes:
            self.violations.append(f"{call.method} {call.path}: the stand-in has no such route")
            raise Refused(404)
        if wrong:
            raise Refused(50035, f"Invalid Form Body: {wrong[0]}")

    def _next_fault(self, call: Call) -> Fault | None:
        for fault in self._faults:
            if fault.meets(call):
                fault.times -= 1
                return fault
        return None


def answer(status: int, body: Any, bucket: Bucket) -> web.Response:
    """The client takes JSON only for what is exactly of this type."""
    headers = bucket.headers() | {"Via": "1.1 stand-in"}
    if status == 429:
        headers |= {"Retry-After": str(math.ceil(body["retry_after"]))}
        headers |= {"X-RateLimit-Scope": "global" if body["global"] else "user"}
    if body is None:
        return web.Response(status=status, headers=headers)
    return web.Response(
        status=status, body=json.dumps(body).encode(), headers=headers | {"Content-Type": "application/json"}
    )


def hang_up(request: web.Request) -> web.Response:
    """Close the connection at once, without a word."""
    if request.transport:
        request.transport.abort()
    return web.Response()
