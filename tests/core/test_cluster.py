"""The engine over HTTP: whatever the workers and the way to them do, a photo comes back once, or says why not."""

import asyncio
import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from core.circuit import TOLERATED, Timing
from core.cluster import ClusterEngine
from core.engine import Engine
from core.errors import Closed, ConfigError, DrawingFailed, EngineAway, OutOfMemory, StyleMissing
from core.look import Look
from core.photo import Array
from core.wire import DRAWING_FAILED, packed
from tests.fakes.cluster import Fault, Workers, flat
from tests.pictures import gradient

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "open sesame"
SOON = Timing(pause=0.002, longest_pause=0.01, rest=0.01, longest_rest=0.04)
# An address that goes away does not come back within a test.
NEVER = Timing(pause=0.002, longest_pause=0.01, rest=3600, longest_rest=3600)
LOOK = Look(size=512)


class Build(Protocol):
    async def __call__(self, *urls: str, **options: Any) -> ClusterEngine: ...


class Here:
    """The engine that draws on this machine, one call at a time."""

    def __init__(self) -> None:
        self.colours: list[int] = []
        self.closed = False
        self._busy = threading.Lock()

    def prepare(self, photo: Array) -> None:
        pass

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        assert self._busy.acquire(blocking=False), "two calls at once"
        drawn = [flat(photo, look) for photo, look in zip(photos, looks, strict=True)]
        self.colours += [int(photo[0, 0, 0]) for photo in photos]
        self._busy.release()
        return drawn

    def close(self) -> None:
        self.closed = True


def plain(colour: int) -> Array:
    """A photo of one colour, by which its cartoon is known."""
    return np.full((30, 40, 3), colour, np.uint8)


def drawing(engine: Engine, *colours: int) -> "asyncio.Task[list[int]]":
    """Photos on their way in one call, from a thread of its own; gives the colours of their cartoons."""

    async def draw() -> list[int]:
        photos = [plain(each) for each in colours]
        cartoons = await asyncio.to_thread(engine.stylize, photos, [LOOK] * len(photos))
        assert {cartoon.shape for cartoon in cartoons} == {(384, 512, 3)}
        return [int(cartoon[0, 0, 0]) for cartoon in cartoons]

    return asyncio.create_task(draw())


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """What was logged of addresses: how grave it is, and which."""
    rows = [row for row in caplog.records if row.name == "core.circuit"]
    return [(row.levelname, row.getMessage().split()[0]) for row in rows]


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    async with Workers(TOKEN) as workers:
        yield workers


@pytest.fixture
async def others() -> AsyncIterator[Workers]:
    async with Workers(TOKEN, styles=("anime", "ink", "3d")) as workers:
        yield workers


@pytest.fixture
def dead_url() -> Iterator[str]:
    """Where connections are refused, and nobody else can listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
async def build(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Build]:
    """Builds engines, beside the event loop on which the stand-in workers answer, and closes them."""
    caplog.set_level(logging.DEBUG)
    engines: list[ClusterEngine] = []

    async def build(*urls: str, **options: Any) -> ClusterEngine:
        options = {"token": TOKEN, "seconds": 60, "patience": 60, "timing": SOON, **options}
        engines.append(await asyncio.to_thread(ClusterEngine, urls, **options))
        return engines[-1]

    yield build
    for engine in engines:
        await asyncio.to_thread(engine.close)
    assert TOKEN not in caplog.text


# One address


async def test_the_photos_of_a_call_are_sent_at_once_and_come_back_in_order(build: Build, workers: Workers):
    engine = await build(workers.url)
    gate = asyncio.Event()
    workers.fail(Fault(gate=gate), times=5)
    cartoons = drawing(engine, 10, 20, 30, 40, 50)
    await workers.wait_for("/stylize", 5)
    gate.set()
    assert await cartoons == [10, 20, 30, 40, 50]
    assert engine.styles == ("ink", "anime")


async def test_a_large_photo_goes_through(build: Build, workers: Workers):
    engine = await build(workers.url)
    photo, look = gradient(2048, 1536), Look(size=2048)
    (cartoon,) = await asyncio.to_thread(engine.stylize, [photo], [look])
    assert np.array_equal(cartoon, flat(photo, look))


async def test_no_photos_are_no_work(build: Build, workers: Workers):
    engine = await build(workers.url)
    assert await asyncio.to_thread(engine.stylize, [], []) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault(500),
        Fault(503),
        Fault(429),
        Fault(302),
        Fault(404),
        Fault(500, bytes(1 << 18)),
        Fault(drop=True),
        Fault(drop=True, body=packed(plain(9))),
        Fault(body=b""),
        Fault(body=b"what a nice photo"),
        Fault(body=packed(plain(9))),
        Fault(body=packed(plain(9))[:-1]),
        Fault(body=packed(np.zeros((384, 513, 3), np.uint8))),
        Fault(body=bytes(1 << 23)),
    ],
)
async def test_what_goes_wrong_on_the_way_is_tried_again(build: Build, workers: Workers, fault: Fault):
    engine = await build(workers.url)
    workers.fail(fault, times=TOLERATED - 1)
    assert await drawing(engine, 10) == [10]
    assert workers.asked == ["/healthz", *["/stylize"] * TOLERATED]


async def test_an_answer_that_does_not_come_is_asked_for_again(build: Build, workers: Workers):
    engine = await build(workers.url, seconds=1)
    workers.fail(Fault(gate=asyncio.Event()))
    assert await drawing(engine, 10) == [10]
    assert workers.asked.count("/stylize") > 1


async def test_after_an_answer_that_does_not_come_an_address_is_left_alone_at_once(
    build: Build, workers: Workers, caplog: pytest.LogCaptureFixture
):
    engine = await build(workers.url, seconds=0.3, patience=0)
    workers.fail(Fault(gate=asyncio.Event()), times=None)
    with pytest.raises(EngineAway, match=r"did not answer within 0\.3 s"):
        await drawing(engine, 10)
    assert told(caplog) == [("WARNING", workers.url)]


async def test_no_more_is_read_than_a_cartoon_has(build: Build, workers: Workers):
    engine = await build(workers.url, patience=0)
    workers.fail(Fault(body=bytes(1 << 23)))
    with pytest.raises(EngineAway, match="more than 589832 bytes"):
        await drawing(engine, 10)


async def test_failures_between_answers_are_forgiven(
    build: Build, workers: Workers, caplog: pytest.LogCaptureFixture
):
    engine = await build(workers.url, timing=NEVER, patience=5)
    for colour in range(3):
        workers.fail(Fault(500), times=TOLERATED - 1)
        assert await drawing(engine, colour) == [colour]
    assert told(caplog) == []


async def test_a_photo_that_cannot_be_drawn_says_why_at_once(build: Build, workers: Workers):
    engine = await build(workers.url)
    workers.refuse(StyleMissing(style="anime", choices="ink"))
    with pytest.raises(StyleMissing) as caught:
        await drawing(engine, 10)
    assert caught.value.values == {"style": "anime", "choices": "ink"}
    assert workers.asked == ["/healthz", "/stylize"]
    assert await drawing(engine, 20) == [20]


async def test_one_that_cannot_be_drawn_ends_the_waiting_for_the_others_of_its_call(
    build: Build, workers: Workers
):
    engine = await build(workers.url)
    workers.refuse(StyleMissing(style="anime", choices="ink"))
    workers.fail(Fault(gate=asyncio.Event()), times=2)
    with pytest.raises(StyleMissing):
        await drawing(engine, 10, 20, 30)


async def test_workers_without_memory_are_out_of_memory(build: Build, workers: Workers):
    engine = await build(workers.url)
    workers.fail(Fault(507))
    with pytest.raises(OutOfMemory, match="does not fit"):
        await drawing(engine, 10)
    assert workers.asked == ["/healthz", "/stylize"]


# Tokens


async def test_a_token_refused_at_the_start_is_for_the_settings(build: Build, workers: Workers):
    with pytest.raises(ConfigError, match="INFERENCE_TOKEN") as caught:
        await build(workers.url, token="another word")
    assert "another word" not in str(caught.value)
    assert not any(thread.name == "cluster" for thread in threading.enumerate())


async def test_a_token_refused_later_is_said_without_asking_again(build: Build, workers: Workers):
    engine = await build(workers.url, timing=NEVER, patience=0)
    workers.token = "a new one"
    with pytest.raises(EngineAway, match="INFERENCE_TOKEN"):
        await drawing(engine, 10)
    assert workers.asked == ["/healthz", "/stylize"]


async def test_a_photo_that_a_worker_could_not_draw_is_handed_back_at_once(build: Build, workers: Workers):
    engine = await build(workers.url)
    workers.fail(Fault(DRAWING_FAILED), times=TOLERATED)
    for _ in range(TOLERATED):
        with pytest.raises(DrawingFailed):
            await drawing(engine, 10)
    assert workers.asked == ["/healthz", *["/stylize"] * TOLERATED]
    assert await drawing(engine, 20) == [20]


async def test_a_photo_that_fails_while_others_are_drawn_is_to_blame_itself(build: Build, workers: Workers):
    engine = await build(workers.url, patience=0)
    gate = asyncio.Event()
    workers.fail(Fault(drop=True, gate=gate))
    failing = drawing(engine, 10)
    await workers.wait_for("/stylize")
    assert await drawing(engine, 20) == [20]
    gate.set()
    with pytest.raises(DrawingFailed):
        await failing


async def test_where_one_address_refuses_the_token_another_draws(build: Build, workers: Workers, others: Workers):
    engine = await build(workers.url, others.url, timing=NEVER)
    workers.token = "a new one"
    for colour in range(6):
        assert await drawing(engine, colour) == [colour]
    assert workers.asked.count("/stylize") == 1


async def test_no_token_is_no_header(build: Build):
    async with Workers(token=None) as workers:
        assert await drawing(await build(workers.url, token=None), 10) == [10]


# Several addresses


async def test_photos_are_spread_over_the_addresses(build: Build, workers: Workers, others: Workers):
    engine = await build(workers.url, others.url)
    gate = asyncio.Event()
    for each in (workers, others):
        each.fail(Fault(gate=gate), times=3)
    cartoons = drawing(engine, *range(6))
    await asyncio.gather(workers.wait_for("/stylize", 3), others.wait_for("/stylize", 3))
    gate.set()
    assert await cartoons == [*range(6)]
    for colour in range(4):
        await drawing(engine, colour)
    assert (workers.asked.count("/stylize"), others.asked.count("/stylize")) == (5, 5)


async def test_a_busy_address_gets_only_what_failed_elsewhere(build: Build, workers: Workers, others: Workers):
    engine = await build(others.url, workers.url)
    gate = asyncio.Event()
    others.fail(Fault(gate=gate))
    first = drawing(engine, 1)
    await others.wait_for("/stylize")
    for colour in (2, 3):
        assert await drawing(engine, colour) == [colour]
    assert workers.drawn == Counter([2, 3])
    workers.fail(Fault(500))
    assert await drawing(engine, 4) == [4]
    assert others.drawn == Counter([4])
    gate.set()
    assert await first == [1]


async def test_styles_are_those_of_all_addresses(build: Build, workers: Workers, others: Workers, dead_url: str):
    assert (await build(workers.url, others.url, dead_url)).styles == ("ink", "anime")
    assert (await build(others.url)).styles == ("ink", "anime", "3d")


async def test_the_photos_of_a_dead_address_go_to_the_other(
    build: Build, workers: Workers, dead_url: str, caplog: pytest.LogCaptureFixture
):
    engine = await build(dead_url, workers.url)
    assert told(caplog) == [("WARNING", dead_url)]
    assert await drawing(engine, *range(12)) == [*range(12)]
    assert workers.drawn == Counter(range(12))
    assert told(caplog) == [("WARNING", dead_url)]


async def test_an_address_that_fails_again_and_again_is_left_alone(
    build: Build, workers: Workers, others: Workers, caplog: pytest.LogCaptureFixture
):
    engine = await build(workers.url, others.url, timing=NEVER)
    workers.fail(Fault(500), times=None)
    for colour in range(20):
        assert await drawing(engine, colour) == [colour]
    assert workers.asked.count("/stylize") == TOLERATED
    assert others.drawn == Counter(range(20))
    assert told(caplog) == [("WARNING", workers.url)]


async def test_calls_that_fail_together_are_one_failure(build: Build, workers: Workers, others: Workers):
    engine = await build(workers.url, others.url, timing=NEVER)
    gate = asyncio.Event()
    workers.fail(Fault(500, gate=gate), times=8)
    others.fail(Fault(gate=gate), times=8)
    cartoons = drawing(engine, *range(16))
    await asyncio.gather(workers.wait_for("/stylize", 8), others.wait_for("/stylize", 8))
    gate.set()
    assert await cartoons == [*range(16)]
    await drawing(engine, *range(4))
    assert workers.asked.count("/stylize") > 8


async def test_one_call_tries_an_address_that_was_left_alone(build: Build, workers: Workers, others: Workers):
    engine = await build(workers.url, others.url)
    workers.go_away()
    while workers.asked.count("/healthz") == 1:
        await drawing(engine, 1)
    workers.mend()
    gate = asyncio.Event()
    workers.fail(Fault(gate=gate), path="/healthz")
    greeted, sent = workers.asked.count("/healthz"), workers.asked.count("/stylize")
    waiting: set[asyncio.Task[list[int]]] = set()
    while workers.asked.count("/healthz") == greeted:
        waiting.add(drawing(engine, 7))
        await asyncio.wait(waiting, timeout=0.01)
    assert await drawing(engine, *range(10)) == [*range(10)]
    assert workers.asked[-1] == "/healthz"
    assert (workers.asked.count("/healthz"), workers.asked.count("/stylize")) == (greeted + 1, sent)
    gate.set()
    assert await asyncio.gather(*waiting) == [[7]] * len(waiting)
    assert workers.drawn[7] >= 1


async def test_after_a_try_that_was_called_off_another_call_tries(build: Build, workers: Workers, others: Workers):
    workers.go_away()
    engine = await build(workers.url, others.url)
    workers.mend()
    workers.fail(Fault(gate=asyncio.Event()), path="/healthz", times=None)
    greeted = workers.asked.count("/healthz")
    while workers.asked.count("/healthz") == greeted:
        others.mend()
        for _ in range(2):
            others.refuse(StyleMissing(style="anime", choices="ink"))
        with pytest.raises(StyleMissing):
            await drawing(engine, 1, 2)
    workers.mend()
    others.mend()
    while not workers.drawn:
        assert await drawing(engine, 3) == [3]


# Nobody there


async def test_photos_wait_while_all_are_away_and_come_when_one_is_back(
    build: Build, workers: Workers, caplog: pytest.LogCaptureFixture
):
    engine = await build(workers.url)
    workers.go_away()
    cartoons = [drawing(engine, colour) for colour in range(5)]
    await workers.wait_for("/healthz", 4)
    workers.styles = ("ink", "pop")
    workers.mend()
    assert await asyncio.gather(*cartoons) == [[colour] for colour in range(5)]
    assert workers.drawn == Counter(range(5))
    assert told(caplog) == [("WARNING", workers.url), ("INFO", workers.url)]
    assert engine.styles == ("ink", "pop")


async def test_an_address_is_left_alone_for_longer_and_longer(build: Build, workers: Workers):
    engine = await build(workers.url, timing=Timing(0.001, 0.001, rest=0.02, longest_rest=0.08))
    # Not dropped: what it only reads, aiohttp asks for again by itself.
    for path in ("/stylize", "/healthz"):
        workers.fail(Fault(500), path=path, times=None)
    cartoons = drawing(engine, 10)
    await workers.wait_for("/healthz", 6)
    workers.mend()
    assert await cartoons == [10]
    tried = [time for path, time in zip(workers.asked, workers.times, strict=True) if path == "/healthz"][1:]
    gaps = [after - before for before, after in pairwise(tried)]
    assert len(gaps) >= 4
    assert all(gap >= rest for gap, rest in zip(gaps, [0.04, 0.08, 0.08, 0.08], strict=False))


async def test_workers_that_cannot_be_reached_at_the_start_are_awaited(build: Build, workers: Workers):
    workers.go_away()
    engine = await build(workers.url)
    assert engine.styles == ()
    cartoons = drawing(engine, 10)
    await workers.wait_for("/healthz", 2)
    workers.mend()
    assert await cartoons == [10]
    assert engine.styles == ("ink", "anime")


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"styles": 7}', bytes(1 << 17)])
async def test_what_says_no_styles_counts_as_away(
    build: Build, workers: Workers, caplog: pytest.LogCaptureFixture, body: bytes
):
    workers.fail(Fault(body=body), path="/healthz")
    assert (await build(workers.url)).styles == ()
    assert told(caplog) == [("WARNING", workers.url)]


async def test_in_the_end_a_photo_says_what_to_do(build: Build, dead_url: str):
    engine = await build(dead_url, patience=0.1)
    with pytest.raises(EngineAway, match=r"within 0.1 s \(.*connect.*INFERENCE_URL"):
        await drawing(engine, 10)


# Drawing here meanwhile


async def test_photos_are_drawn_here_while_all_are_away_and_there_again_afterwards(build: Build, workers: Workers):
    here, built = Here(), list[Here]()

    def fallback() -> Engine:
        built.append(here)
        return here

    engine = await build(workers.url, fallback=fallback)
    assert await drawing(engine, 1) == [1]
    assert built == []
    workers.go_away()
    cartoons = [drawing(engine, colour, colour + 1) for colour in range(10, 30, 2)]
    assert await asyncio.gather(*cartoons) == [[colour, colour + 1] for colour in range(10, 30, 2)]
    assert Counter(here.colours) == Counter(range(10, 30))
    workers.mend()
    async with asyncio.timeout(60):
        while not workers.drawn[2]:
            assert await drawing(engine, 2) == [2]
    here.colours.clear()
    assert await drawing(engine, 3) == [3]
    assert (built, here.colours) == ([here], [])
    await asyncio.to_thread(engine.close)
    assert here.closed


async def test_photos_are_drawn_here_when_patience_ends(build: Build, workers: Workers):
    here = Here()
    engine = await build(workers.url, fallback=lambda: here, patience=0)
    workers.fail(Fault(500))
    assert await drawing(engine, 10) == [10]
    assert here.colours == [10]


async def test_while_this_machine_is_busy_the_others_wait_for_workers(build: Build, workers: Workers):
    here, begun, release = Here(), threading.Event(), threading.Event()

    class Slow(Here):
        def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
            begun.set()
            release.wait(20)
            return here.stylize(photos, looks)

    engine = await build(workers.url, fallback=Slow)
    workers.go_away()
    first = drawing(engine, 10)
    assert await asyncio.to_thread(begun.wait, 20)
    others = [drawing(engine, colour) for colour in (20, 30, 40)]
    workers.mend()
    assert await asyncio.gather(*others) == [[20], [30], [40]]
    release.set()
    assert await first == [10]
    assert here.colours == [10]


async def test_a_style_that_is_not_here_waits_for_workers(build: Build, workers: Workers):
    here = Here()
    engine = await build(
        workers.url, fallback=lambda: here, falls_back_for=lambda style: style != LOOK.style, patience=0
    )
    workers.go_away()
    with pytest.raises(EngineAway):
        await drawing(engine, 10)
    workers.mend()
    async with asyncio.timeout(60):
        while not workers.drawn[10]:
            with contextlib.suppress(EngineAway):
                await drawing(engine, 10)
    assert here.colours == []


# Many threads, and the end


async def test_many_threads_get_their_own_photos_back_through_all_sorts_of_trouble(
    build: Build, workers: Workers, others: Workers
):
    engine = await build(workers.url, others.url)
    for each, faults in (
        (workers, [Fault(500), Fault(drop=True), Fault(body=b"oh"), Fault(503)]),
        (others, [Fault(429), Fault(drop=True, body=b"oh"), Fault(500), Fault(502)]),
    ):
        for fault in faults:
            each.fail(fault, times=2)

    async def lane(colours: Sequence[int]) -> None:
        for colour in colours:
            assert await drawing(engine, colour) == [colour]

    await asyncio.gather(*(lane(range(number * 4, number * 4 + 4)) for number in range(8)))
    assert workers.drawn + others.drawn == Counter(range(32))


async def test_closing_ends_what_is_under_way_and_says_so_afterwards(build: Build, workers: Workers):
    engine = await build(workers.url)
    workers.fail(Fault(gate=asyncio.Event()), times=None)
    cartoons = [drawing(engine, 10), drawing(engine, 20, 30)]
    await workers.wait_for("/stylize", 3)
    await asyncio.to_thread(engine.close)
    await asyncio.to_thread(engine.close)
    for each in [*cartoons, drawing(engine, 40)]:
        with pytest.raises(Closed):
            await each
    assert not any(thread.name == "cluster" for thread in threading.enumerate())


async def test_closing_ends_the_waiting_for_an_address(build: Build, workers: Workers):
    engine = await build(workers.url, timing=NEVER)
    workers.go_away()
    waiting = drawing(engine, 10)
    await workers.wait_for("/stylize", TOLERATED)
    await asyncio.to_thread(engine.close)
    with pytest.raises(Closed):
        await waiting


def test_a_machine_that_only_draws_needs_no_aiohttp():
    code = "import sys; sys.modules['aiohttp'] = None; import core.cluster; print('torch' in sys.modules)"
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
