"""The stand-in Discord's gateway: the bot's sessions, what they are sent, and what they are sent again."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from itertools import count

from aiohttp import WSCloseCode, WSMsgType, web

from tests.fakes.discord_guilds import Guild
from tests.fakes.discord_objects import Json, User

IDENTIFY_SECONDS = 5.0


class Op(IntEnum):
    """What a payload is for."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Intent(IntFlag):
    """Kinds of events that the bot asks for."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


class Close(IntEnum):
    """Why the gateway closes a connection."""

    UNKNOWN_OPCODE = 4001
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    INVALID_SHARD = 4010
    DISALLOWED_INTENTS = 4014


@dataclass(eq=False)
class Session:
    """What the bot began with an IDENTIFY. `events` are all it was sent or will be sent when it resumes."""

    id: str
    shard: int
    shards: int
    intents: int
    socket: web.WebSocketResponse | None
    events: list[Json] = field(default_factory=list[Json], repr=False)
    news: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def add(self, event: str, data: Json) -> None:
        """Number an event and keep it, for who is connected now and for a RESUME."""
        self.events.append({"op": Op.DISPATCH, "t": event, "s": len(self.events) + 1, "d": data})
        self.news.set()

    async def pump(self, socket: web.WebSocketResponse, sent: int) -> None:
        """Send all events after the first `sent`, and those to come while the socket is the session's."""
        while self.socket is socket:
            for payload in self.events[sent:]:
                await tell(socket, payload)
                sent += 1
            if sent == len(self.events):
                self.news.clear()
                await self.news.wait()


class Gateway:
    """All sessions. `heartbeats` are pairs of a shard and seconds of time.monotonic()."""

    def __init__(
        self,
        token: str,
        application_id: int,
        me: User,
        guilds: Callable[[], Iterable[Guild]],
        violations: list[str],
    ) -> None:
        self.url = ""
        self.interval = 41.25
        self.content_intent = True
        self.shards = 1
        self.max_concurrency = 1
        self.heartbeats: list[tuple[int, float]] = []
        self.identifies: list[Json] = []
        self.resumes: list[Json] = []
        self.violations = violations
        self.changed = asyncio.Condition()
        self._token = token
        self._application_id = application_id
        self._me = me
        self._guilds = guilds
        self._numbers = count(1)
        self._sessions: dict[str, Session] = {}
        self._last_identify: dict[int, float] = {}

    @property
    def connected(self) -> list[Session]:
        return [session for session in self._sessions.values() if session.socket is not None]

    def shard_of(self, guild: Guild | None) -> int:
        """The shard that hears of a guild, or with None of direct messages."""
        return (guild.id >> 22) % self.shards if guild else 0

    def start_anew(self) -> None:
        """A program logs in: its first IDENTIFY is not held against the one before it."""
        self._last_identify.clear()

    def start_limit(self) -> Json:
        return {
            "total": 1000,
            "remaining": 1000 - len(self.identifies),
            "reset_after": 86_400_000,
            "max_concurrency": self.max_concurrency,
        }

    def dispatch(self, event: str, make: Callable[[int], Json], guild: Guild | None, intent: int) -> None:
        """Send an event to the sessions of its shard that asked for its kind; `make` it for their intents.

        An intent of 0 is for events that every session gets.
        """
        for session in [*self._sessions.values()]:
            shard = (guild.id >> 22) % session.shards if guild else 0
            if session.shard == shard and (not intent or session.intents & intent):
                session.add(event, make(session.intents))

    async def drop(self, resumable: bool = True, code: int = 4000) -> None:
        """Close all connections; without `resumable` a RESUME is refused afterwards."""
        sockets = [session.socket for session in self.connected]
        for session in [*self._sessions.values()]:
            session.socket = None
            if not resumable:
                del self._sessions[session.id]
        for socket in sockets:
            if socket is not None:
                await socket.close(code=code)

    async def reconnect(self) -> None:
        """Ask all to connect anew and resume."""
        for session in self.connected:
            await tell(session.socket, {"op": Op.RECONNECT, "d": None})

    async def invalidate(self, resumable: bool) -> None:
        """Tell all that their session is invalid, and may be resumed or must begin anew."""
        for session in self.connected:
            if not resumable:
                del self._sessions[session.id]
            await tell(session.socket, {"op": Op.INVALID_SESSION, "d": resumable})

    async def close(self) -> None:
        for session in self.connected:
            if session.socket is not None:
                await session.socket.close(code=WSCloseCode.GOING_AWAY)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await tell(socket, {"op": Op.HELLO, "d": {"heartbeat_interval": round(self.interval * 1000)}})
        connection = Connection(self, socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await connection.hear(json.loads(message.data))
        await connection.ended(socket.close_code)
        return socket

    # What a connection asks

    async def identify(self, socket: web.WebSocketResponse, asked: Json) -> Session | None:
        """A new session, told of itself and of its guilds; or None, and the connection is closed."""
        self.identifies.append(asked)
        shard, shards = asked.get("shard", [0, 1])
        self._note_identify(shard)
        if code := self._objection(asked, shard, shards):
            await socket.close(code=code)
            return None
        session = Session(f"session-{next(self._numbers)}", shard, shards, asked["intents"], socket)
        self._sessions[session.id] = session
        guilds = [each for each in self._guilds() if each.has_bot and (each.id >> 22) % shards == shard]
        session.add("READY", self._ready(session, guilds))
        if session.intents & Intent.GUILDS:
            for guild in guilds:
                session.add("GUILD_CREATE", guild.wire())
        await self.wake()
        return session

    async def resume(self, socket: web.WebSocketResponse, asked: Json) -> Session | None:
        """The session as it was, with what it missed; or None, and the bot is told to begin anew."""
        self.resumes.append(asked)
        session = self._sessions.get(asked["session_id"])
        if session is None or asked["token"] != self._token:
            await tell(socket, {"op": Op.INVALID_SESSION, "d": False})
            return None
        session.socket = socket
        session.add("RESUMED", {})
        await self.wake()
        return session

    def forget(self, session: Session) -> None:
        """The bot itself closed the session."""
        self._sessions.pop(session.id, None)

    async def wake(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    def _objection(self, asked: Json, shard: int, shards: int) -> int | None:
        """The code to close a connection with."""
        intents = asked.get("intents", 0)
        disallowed = (
            Intent.GUILD_MEMBERS | Intent.PRESENCES | (0 if self.content_intent else Intent.MESSAGE_CONTENT)
        )
        if asked["token"] != self._token:
            return Close.AUTHENTICATION_FAILED
        if not 0 <= shard < shards:
            return Close.INVALID_SHARD
        return Close.DISALLOWED_INTENTS if intents & disallowed else None

    def _note_identify(self, shard: int) -> None:
        now, key = time.monotonic(), shard % self.max_concurrency
        since = now - self._last_identify.get(key, now - IDENTIFY_SECONDS)
        if since < IDENTIFY_SECONDS - 0.05:
            self.violations.append(
                f"IDENTIFY of shard {shard} {since:.2f} s after another one; {IDENTIFY_SECONDS:g} s are asked for"
            )
        self._last_identify[key] = now

    def _ready(self, session: Session, guilds: Iterable[Guild]) -> Json:
        return {
            "v": 10,
            "user": self._me.wire(),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "shard": [session.shard, session.shards],
            "application": {"id": str(self._application_id), "flags": 0},
            "private_channels": [],
        }


class Connection:
    """One web socket, from HELLO to its end."""

    def __init__(self, gateway: Gateway, socket: web.WebSocketResponse) -> None:
        self._gateway = gateway
        self._socket = socket
        self._session: Session | None = None
        self._pump: asyncio.Task[None] | None = None
        self._beats: list[float] = []  # those before the shard is known

    async def hear(self, payload: Json) -> None:
        match payload["op"]:
            case Op.HEARTBEAT:
                await self._beat()
            case Op.IDENTIFY:
                self._begin(await self._gateway.identify(self._socket, payload["d"]), 0)
            case Op.RESUME:
                self._begin(await self._gateway.resume(self._socket, payload["d"]), payload["d"]["seq"])
            case Op.PRESENCE if self._session is not None:
                pass
            case Op.PRESENCE:
                await self._socket.close(code=Close.NOT_AUTHENTICATED)
            case op:
                self._gateway.violations.append(f"gateway: the stand-in knows no op {op}")
                await self._socket.close(code=Close.UNKNOWN_OPCODE)

    async def ended(self, close_code: int | None) -> None:
        """A session ends with a clean goodbye of the bot; otherwise it waits to be resumed."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait([self._pump])
        session = self._session
        if session is None or session.socket is not self._socket:
            return
        session.socket = None
        if close_code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY):
            self._gateway.forget(session)
        await self._gateway.wake()

    def _begin(self, session: Session | None, sent: int) -> None:
        self._session = session
        if session is not None:
            self._pump = asyncio.create_task(session.pump(self._socket, sent))
            self._gateway.heartbeats += [(session.shard, at) for at in self._beats]
            self._beats.clear()

    async def _beat(self) -> None:
        now = time.monotonic()
        if self._session is None:
            self._beats.append(now)
        else:
            self._gateway.heartbeats.append((self._session.shard, now))
        await tell(self._socket, {"op": Op.HEARTBEAT_ACK})
        await self._gateway.wake()


async def tell(socket: web.WebSocketResponse | None, payload: Json) -> None:
    """Send, unless nobody is there or has just gone."""
    if socket is not None and not socket.closed:
        try:
            await socket.send_str(json.dumps(payload))
        except ConnectionError:
            return
