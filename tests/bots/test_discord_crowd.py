"""Thirty people in direct messages, channels and threads send photos at the same time; Discord slows some down.

Some answers of Discord are lost on the way, too.
"""

import asyncio
import itertools
import math
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.bots.test_telegram_crowd import UnhurriedEngine
from tests.fakes.discord import Call, Channel, DiscordServer
from tests.running import running, settings_in
from tests.soak.discord_crowd import Crowd

PEOPLE, PHOTOS, SEED = 30, 180, 1
# Of all rooms, one in three is slowed down, by so many seconds; another third loses the answer to a message.
THIRD = 3
PENALTIES = (2, 3, 4, 5)
# What everybody is asked to wait, once.
PAUSE = 1.5
# Answers to interactions that are lost, of each kind.
LOST = 3
EDIT_SECONDS = 3.0
# Seconds in which calls are still on their way while a penalty is announced.
TOLERANCE = 0.1
QUIET_SECONDS = 30.0


@dataclass(frozen=True)
class Penalty:
    """A room, or with None all of them, is to be left alone from one second of time.monotonic() to another."""

    room: int | None
    begin: float
    end: float

    def covers(self, call: Call) -> bool:
        return self.begin + TOLERANCE < call.at < self.end - TOLERANCE

    def is_kept(self, calls: Sequence[Call]) -> bool:
        mine = [call for call in calls if self.room in (None, call.id("channel_id"))]
        return not any(map(self.covers, mine))


def rooms_of(crowd: Crowd) -> list[Channel]:
    """Those in which the bot itself may write."""
    rooms = {customer.room.channel.id: customer.room.channel for customer in crowd.customers}
    return [room for room in rooms.values() if room.bot_may("send_messages")]


def make_trouble(discord: DiscordServer, rooms: Sequence[Channel]) -> dict[int, int]:
    """What is to go wrong; the seconds that rooms are slowed down by."""
    seconds = itertools.cycle(PENALTIES)
    slow = {room.id: next(seconds) for room in rooms[::THIRD]}
    for room, penalty in slow.items():
        discord.fail("POST", f"/channels/{room}/messages", 429, retry_after=penalty)
    for room in rooms[1::THIRD]:
        discord.fail("POST", f"/channels/{room.id}/messages", 0, after=True)
    for method, route in (("PATCH", "/webhooks/"), ("POST", "/callback")):
        discord.fail(method, route, 0, times=LOST, after=True)
    return slow


async def test_everybody_gets_every_cartoon_once_and_waits_for_nobodys_penalty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    async with DiscordServer() as discord:
        crowd = Crowd(discord, PEOPLE, PHOTOS, SEED)
        slow = make_trouble(discord, rooms_of(crowd))
        async with running(settings_in(tmp_path, None, discord, album_seconds=0.3), UnhurriedEngine) as app:
            await app.front_ends["discord"].ready.wait()
            await discord.until(lambda: discord.commands.registered)
            crowd.is_heard()
            started = time.monotonic()
            async with asyncio.TaskGroup() as sending:
                for errand in crowd.errands:
                    sending.create_task(crowd.send(*errand, after=0.0))
                await discord.until(lambda: sent_in(discord))
                discord.fail("POST", "/channels/", 429, retry_after=PAUSE, is_global=True)
            await crowd.answered(QUIET_SECONDS)
            seconds = time.monotonic() - started

    report, gaps = crowd.report(), gaps_between_edits(discord)
    with capsys.disabled():
        print(totals(discord, report, gaps, seconds))
    assert report["drawn"] == report["photos"] == PHOTOS
    assert report["duplicates"] == report["astray"] == 0
    assert_penalties_are_kept_by_those_they_are_for(discord, slow)
    assert sum(call.status == 0 for call in discord.calls) > LOST
    assert gaps
    assert min(gaps) > EDIT_SECONDS - TOLERANCE
    assert discord.floods == discord.violations == []


def sent_in(discord: DiscordServer) -> list[Call]:
    """Messages sent as the bot itself."""
    return discord.calls_to("POST", "/channels/{channel_id}/messages")


def assert_penalties_are_kept_by_those_they_are_for(discord: DiscordServer, slow: Mapping[int, int]) -> None:
    sent = sent_in(discord)
    # A room that is slowed down refuses its first message.
    first = {room: call for call in reversed(sent) if (room := call.id("channel_id")) in slow}
    penalties = [Penalty(room, call.at, call.at + slow[room]) for room, call in first.items()]
    (everybodys,) = [call for call in sent if call.status == 429 and call not in first.values()]
    pause = Penalty(None, everybodys.at, everybodys.at + PAUSE)
    assert all(penalty.is_kept(sent) for penalty in [*penalties, pause])
    # Others are served meanwhile, as long as there is something to send.
    calm = [call for call in discord.calls if "/messages" in call.route and call.id("channel_id") not in slow]
    during = [penalty for penalty in penalties if penalty.end < calm[-1].at]
    assert during
    assert all(any(map(penalty.covers, calm)) for penalty in during)


def gaps_between_edits(discord: DiscordServer) -> list[float]:
    """Seconds between changes of the words of one message; what brings cartoons is an answer.

    The same words once more are a try whose answer was lost.
    """
    times: defaultdict[str, list[float]] = defaultdict(list)
    latest: dict[str, Any] = {}
    for call in discord.calls_to("PATCH", "/messages/{message_id}"):
        words = (call.payload or {}).get("content")
        if not call.files and latest.get(call.path) != words:
            times[call.path].append(call.at)
            latest[call.path] = words
    return [later - earlier for each in times.values() for earlier, later in itertools.pairwise(each)]


def totals(discord: DiscordServer, report: Mapping[str, Any], gaps: Sequence[float], seconds: float) -> str:
    statuses = Counter(call.status for call in discord.calls)
    calls = Counter(f"{call.method} {call.route.split('/')[1]}" for call in discord.calls)
    return (
        f"\n{report['people']} people, {report['photos']} photos in {seconds:.1f} s: {statuses[429]} times 429, "
        f"{statuses[0]} answers lost, {report['tokens_died']} tokens died, {report['duplicates']} came twice, "
        f"{len(gaps)} second edits, {min(gaps, default=math.inf):.2f} s apart at least\n"
        f"calls: {', '.join(f'{name} {count}' for name, count in calls.most_common())}"
    )
