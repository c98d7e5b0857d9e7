"""Sending: in order within a chat, again after Busy and Unreached, and no chat waits for another one's penalty."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from bots.outbox import OFFERED_SHARE, Busy, Doubtful, Outbox, Rates, Unreached
from core.errors import ChatGone, Refused
from tests.clock import on_jumping_clock

# Nothing here is about the pace; that is the throttler's.
FAST = Rates(overall=10_000, chat=10_000, group=10_000)


class Pauses:
    """The outbox's sleep: notes how long it was asked to wait, and waits until the test lets go."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.begun = asyncio.Event()
        self.over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        self.begun.set()
        await self.over.wait()


class Platform:
    """Takes messages, or raises what it was told to, once each."""

    def __init__(self, *errors: Exception) -> None:
        self.taken: list[str] = []
        self._errors = list(errors)

    def call(self, text: str) -> Callable[[], Awaitable[str]]:
        async def call() -> str:
            await asyncio.sleep(0)
            if self._errors:
                raise self._errors.pop(0)
            self.taken.append(text)
            return text.upper()

        return call


async def test_the_answer_of_the_platform_is_handed_back():
    platform = Platform()
    assert await Outbox(FAST).send("anna", platform.call("hello")) == "HELLO"


async def test_messages_to_a_chat_keep_their_order_even_when_the_first_is_slow():
    outbox, platform, slow = Outbox(FAST), Platform(), asyncio.Event()

    async def first() -> None:
        await slow.wait()
        platform.taken.append("one")

    outbox.post("anna", first)
    outbox.post("anna", platform.call("two"))
    third = asyncio.create_task(outbox.send("anna", platform.call("three")))
    await outbox.send("ben", platform.call("other chat"))
    assert platform.taken == ["other chat"]
    slow.set()
    await third
    assert platform.taken == ["other chat", "one", "two", "three"]


async def test_a_busy_chat_is_waited_for_as_long_as_asked_and_stalls_nobody_else():
    pauses, platform = Pauses(), Platform(Busy(30))
    outbox = Outbox(FAST, pauses.sleep)
    first = asyncio.create_task(outbox.send("anna", platform.call("one")))
    second = asyncio.create_task(outbox.send("anna", platform.call("two")))
    await pauses.begun.wait()
    await outbox.send("ben", platform.call("other chat"))
    assert platform.taken == ["other chat"]
    assert pauses.asked == [30]
    pauses.over.set()
    await asyncio.gather(first, second)
    assert platform.taken == ["other chat", "one", "two"]


async def test_what_did_not_arrive_is_sent_again_with_longer_pauses_up_to_a_minute():
    pauses = Pauses()
    pauses.over.set()
    platform = Platform(*(Unreached("no network") for _ in range(8)))
    await Outbox(FAST, pauses.sleep).send("anna", platform.call("at last"))
    assert platform.taken == ["at last"]
    assert pauses.asked == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("error", [ChatGone("blocked"), ValueError("wrong words")])
async def test_any_other_error_is_the_callers_and_is_not_tried_again(error: Exception):
    pauses, platform = Pauses(), Platform(error)
    outbox = Outbox(FAST, pauses.sleep)
    with pytest.raises(type(error)):
        await outbox.send("anna", platform.call("one"))
    assert platform.taken == []
    assert pauses.asked == []
    await outbox.send("anna", platform.call("two"))
    assert platform.taken == ["two"]


async def test_a_cancelled_message_lets_the_next_one_go():
    pauses, platform = Pauses(), Platform(Busy(30))
    outbox = Outbox(FAST, pauses.sleep)
    first = asyncio.create_task(outbox.send("anna", platform.call("one")))
    second = asyncio.create_task(outbox.send("anna", platform.call("two")))
    await pauses.begun.wait()
    first.cancel()
    await second
    assert platform.taken == ["two"]


@pytest.mark.parametrize(
    ("error", "level"), [(ValueError("wrong words"), logging.ERROR), (ChatGone("blocked"), logging.INFO)]
)
async def test_a_posted_message_that_fails_is_logged_and_raises_nowhere(
    caplog: pytest.LogCaptureFixture, error: Exception, level: int
):
    caplog.set_level(logging.INFO, "bots.outbox")
    outbox, platform = Outbox(FAST), Platform(error)
    outbox.post("anna", platform.call("one"))
    outbox.post("anna", platform.call("two"))
    await outbox.close(grace=20)
    assert platform.taken == ["two"]
    (record,) = caplog.records
    assert record.levelno == level


async def test_closing_waits_for_what_was_posted():
    outbox, platform = Outbox(FAST), Platform()
    for text in ("one", "two"):
        outbox.post("anna", platform.call(text))
    await outbox.close(grace=20)
    assert platform.taken == ["one", "two"]
    await outbox.close(grace=20)


async def test_closing_drops_what_is_too_late():
    outbox, dropped = Outbox(FAST), asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            dropped.set()
            raise

    outbox.post("anna", endless)
    await asyncio.sleep(0)
    await outbox.close(grace=0)
    assert dropped.is_set()


# What nobody waits for.


def test_what_is_offered_takes_its_share_of_a_chats_rate_and_no_more():
    rates = Rates(overall=10_000, chat=10_000, group=20)
    gap = 60 / (OFFERED_SHARE * rates.group)

    async def offered_each_second(outbox: Outbox, platform: Platform) -> list[bool]:
        taken: list[bool] = []
        for second in range(round(3 * gap)):
            taken.append(await outbox.offer("friends", platform.call(f"{second}"), group=True))
            await asyncio.sleep(1)
        return taken

    platform = Platform()
    taken = on_jumping_clock(offered_each_second(Outbox(rates), platform))
    assert [second for second, was_taken in enumerate(taken) if was_taken] == [0, gap, 2 * gap]
    assert platform.taken == [f"{second:g}" for second in (0, gap, 2 * gap)]


def test_what_is_offered_to_many_chats_takes_its_share_of_the_overall_rate():
    rates = Rates(overall=1000, chat=10_000, group=10_000)

    async def offered_for_a_while(outbox: Outbox, platform: Platform) -> float:
        clock = asyncio.get_running_loop().time
        for number in range(300):
            await outbox.offer(f"chat {number}", platform.call(f"{number}"))
            await asyncio.sleep(0.001)
        return clock()

    platform = Platform()
    seconds = on_jumping_clock(offered_for_a_while(Outbox(rates), platform))
    assert 0 < len(platform.taken) <= 1 + OFFERED_SHARE * rates.overall * seconds


async def test_nothing_is_offered_beside_a_message_that_is_on_its_way_or_waits():
    outbox, platform, slow = Outbox(FAST), Platform(), asyncio.Event()
    outbox.post("anna", slow.wait)
    waiting = asyncio.create_task(outbox.send("anna", platform.call("answer")))
    await asyncio.sleep(0)
    assert not await outbox.offer("anna", platform.call("offer"))
    assert await outbox.offer("ben", platform.call("to ben"))
    assert platform.taken == ["to ben"]
    slow.set()
    await waiting
    assert platform.taken == ["to ben", "answer"]


async def test_nothing_is_offered_to_anybody_while_the_overall_rate_is_used_up():
    outbox, platform = Outbox(Rates(overall=1, chat=10_000, group=10_000)), Platform()
    await outbox.send("anna", platform.call("one"))
    waiting = asyncio.create_task(outbox.send("anna", platform.call("two")))
    await asyncio.sleep(0)
    assert not await outbox.offer("ben", platform.call("offer"))
    await waiting
    assert platform.taken == ["one", "two"]


async def test_an_offer_that_meets_a_busy_chat_keeps_its_turn_and_stalls_nobody_else():
    pauses, platform = Pauses(), Platform(Busy(30))
    outbox = Outbox(FAST, pauses.sleep)
    offer = asyncio.create_task(outbox.offer("anna", platform.call("offer")))
    await pauses.begun.wait()
    answer = asyncio.create_task(outbox.send("anna", platform.call("answer")))
    await outbox.send("ben", platform.call("other chat"))
    assert not await outbox.offer("anna", platform.call("another offer"))
    assert platform.taken == ["other chat"]
    assert pauses.asked == [30]
    pauses.over.set()
    assert not await offer
    await answer
    # What was offered is not tried again.
    assert platform.taken == ["other chat", "answer"]


@pytest.mark.parametrize("error", [Unreached("no network"), Doubtful("cut off")])
async def test_an_offer_that_does_not_arrive_is_let_go(error: Exception):
    pauses, platform = Pauses(), Platform(error)
    outbox = Outbox(FAST, pauses.sleep)
    assert not await outbox.offer("anna", platform.call("offer"))
    await outbox.send("anna", platform.call("answer"))
    assert platform.taken == ["answer"]
    assert pauses.asked == []


@pytest.mark.parametrize("error", [ChatGone("blocked"), Refused("not modified")])
async def test_an_offer_that_is_not_taken_is_the_callers(error: Exception):
    platform = Platform(error)
    outbox = Outbox(FAST)
    with pytest.raises(type(error)):
        await outbox.offer("anna", platform.call("offer"))
    await outbox.send("anna", platform.call("answer"))
    assert platform.taken == ["answer"]
