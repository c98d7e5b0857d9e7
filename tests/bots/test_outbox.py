"""Sending: in order within a chat, again after Busy and Unreached, and no chat waits for another one's penalty."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from bots.outbox import Busy, Outbox, Rates, Unreached
from core.errors import ChatGone

# Nothing here is about the pace; that is the throttler's.
FAST = Rates(overall=10_000, person=10_000, group=10_000)


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
