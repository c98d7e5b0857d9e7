"""The inference task with a real spool, real rows and real pictures: one bad photo is one failed photo."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.engine import Engine
from core.errors import EngineAway, OutOfMemory, PhotoTooLarge
from core.jobs import Owner
from core.look import Look, SheetKind
from core.photo import Array
from core.sheet import SHEET_STRENGTHS, SheetEngine, compare, looks_of
from core.studio import Rules
from core.styles.registry import BUILT_IN
from tests.pictures import gradient, jpeg_bytes
from tests.running import QuickEngine
from tests.workshop import (
    ANNA,
    BEN,
    DARK,
    GOOD,
    LONG,
    SMALL,
    Gate,
    HeldEngine,
    TroubledEngine,
    Workshop,
    all_decoded,
    is_dark,
    no_trouble,
    trouble_with_more_than,
    workshop_in,
)

ONE_BY_ONE = Rules(batch_size=1)
PORTRAIT = jpeg_bytes(gradient(40, 60))
SHEET = Look(size=512, sheet=SheetKind.STRENGTHS)


def in_batches_of(photos: int) -> Rules:
    return Rules(batch_size=photos, window=LONG)


def with_sheets(engine: Engine) -> SheetEngine:
    return SheetEngine(engine, lambda: BUILT_IN)


def size_of(look: Look) -> tuple[int, int]:
    """(width, height) in pixels of the sheet that a photo like GOOD becomes."""
    height, width = compare(QuickEngine(), gradient(60, 40), looks_of(look, BUILT_IN)).shape[:2]
    return width, height


@pytest.fixture
async def workshop(tmp_path: Path) -> AsyncGenerator[Workshop]:
    async with workshop_in(tmp_path) as workshop:
        yield workshop


@pytest.mark.parametrize("file_format", ["jpg", "png", "webp"])
async def test_results_are_whole_files_of_the_asked_size_and_format(workshop: Workshop, file_format: str):
    photo_ids = await workshop.take([GOOD, GOOD], Look(size=512, format=file_format))
    await workshop.draw(TroubledEngine(), in_batches_of(2), 2)
    assert [workshop.result_size(photo_id, file_format) for photo_id in photo_ids] == [(512, 341)] * 2
    assert workshop.files() == {f"{photo_id}.{end}" for photo_id in photo_ids for end in ("source", file_format)}


async def test_each_photo_gets_its_own_cartoon(workshop: Workshop):
    shapes = [(60, 40), (40, 60), (50, 50), (60, 20)]
    photo_ids = await workshop.take([jpeg_bytes(gradient(*shape)) for shape in shapes])
    await workshop.draw(TroubledEngine(), Rules(), 4)
    sizes = [workshop.result_size(photo_id) for photo_id in photo_ids]
    assert sizes == [(512, 341), (341, 512), (512, 512), (512, 171)]


async def test_photos_are_prepared_before_they_are_drawn(workshop: Workshop):
    engine = TroubledEngine()
    await workshop.take([GOOD, PORTRAIT])
    await workshop.draw(engine, ONE_BY_ONE, 2)
    assert sorted(engine.prepared) == sorted(shape for batch in engine.batches for _, shape in batch)


async def test_what_goes_wrong_with_preparing_counts_when_it_is_drawn(workshop: Workshop):
    class Unprepared(TroubledEngine):
        def prepare(self, photo: Array) -> None:
            raise RuntimeError("no faces today")

    await workshop.take([GOOD])
    await workshop.draw(Unprepared(), ONE_BY_ONE, 1)
    assert await workshop.statuses() == ["done"]


async def test_lanes_hand_the_engine_several_batches_at_once(workshop: Workshop):
    together = threading.Barrier(3)

    def meet(*_: object) -> None:
        together.wait(timeout=10)

    engine = TroubledEngine(meet)
    await workshop.take([GOOD] * 6)
    await workshop.draw(engine, Rules(batch_size=1, lanes=3), 6)
    assert await workshop.statuses() == ["done"] * 6
    assert engine.sizes == [1] * 6


async def test_a_lane_that_never_comes_back_does_not_hold_up_the_others(workshop: Workshop):
    stuck = threading.Event()

    def hang(photos: Sequence[Array], _: Sequence[Look]) -> None:
        if is_dark(photos[0]):
            stuck.wait(20)

    engine = TroubledEngine(hang)
    rules = Rules(batch_size=1, lanes=2, attempts=2, first_deadline=0.5, least_deadline=0.5)
    await workshop.take([DARK, *[GOOD] * 5])
    await workshop.draw(engine, rules, 6)
    stuck.set()
    assert await workshop.statuses() == ["failed", *["done"] * 5]


async def test_while_the_workers_are_away_photos_wait_and_lose_no_attempt(workshop: Workshop):
    outcomes: list[Exception] = [*[EngineAway("away")] * 5, RuntimeError("broken"), RuntimeError("broken")]

    def away(photos: Sequence[Array], _: Sequence[Look]) -> None:
        if outcomes:
            raise outcomes.pop(0)

    await workshop.take([GOOD])
    await workshop.draw(TroubledEngine(away), Rules(batch_size=1, attempts=3), 1)
    assert await workshop.statuses() == ["done"]


async def test_a_bad_photo_fails_alone_and_before_batching(workshop: Workshop):
    await workshop.take([GOOD, GOOD[: len(GOOD) // 2], GOOD, b"words", GOOD])
    engine = TroubledEngine()
    await workshop.draw(engine, in_batches_of(3), 5)
    assert await workshop.codes() == [None, "photo-truncated", None, "not-a-photo", None]
    assert await workshop.statuses() == ["done", "failed", "done", "failed", "done"]
    assert engine.sizes == [3]
    assert workshop.counted('cartoonbot_photos_settled_total{outcome="done"} 3.0')
    assert workshop.counted('cartoonbot_photos_settled_total{outcome="photo-truncated"} 1.0')
    assert workshop.counted('cartoonbot_photos_settled_total{outcome="not-a-photo"} 1.0')


async def test_a_photo_whose_file_is_gone_fails_alone(workshop: Workshop):
    first, _ = await workshop.take([GOOD, GOOD])
    workshop.spool.forget(first)
    await workshop.draw(TroubledEngine(), ONE_BY_ONE, 2)
    assert await workshop.codes() == ["photo-failed", None]


async def test_bad_photos_give_their_room_back(workshop: Workshop):
    await workshop.take([b"words"] * 8 + [GOOD])
    await workshop.draw(TroubledEngine(), ONE_BY_ONE, 9)
    assert await workshop.statuses() == ["failed"] * 8 + ["done"]


async def test_a_photo_no_longer_wanted_is_not_drawn_and_gives_its_room_back(workshop: Workshop):
    photo_ids = await workshop.take([GOOD] * 8)
    for photo_id in photo_ids[:-1]:
        await workshop.jobs.fail(photo_id, PhotoTooLarge(megapixels=99, limit=64))
    engine = TroubledEngine()
    await workshop.draw(engine, ONE_BY_ONE, 1)
    assert engine.sizes == [1]
    assert await workshop.statuses() == ["failed"] * 7 + ["done"]


@pytest.mark.parametrize(("other_photo", "other_style"), [(PORTRAIT, "ink"), (GOOD, "anime")])
async def test_photos_of_one_style_and_shape_are_drawn_together(
    workshop: Workshop, other_photo: bytes, other_style: str
):
    await workshop.take([GOOD] * 4, SMALL, ANNA)
    await workshop.take([other_photo] * 4, Look(style=other_style, size=512), BEN)
    engine = TroubledEngine()
    await workshop.draw(engine, in_batches_of(4), 8)
    kinds = [{(look.style, shape) for look, shape in batch} for batch in engine.batches]
    assert engine.sizes == [4, 4]
    assert [len(kind) for kind in kinds] == [1, 1]


async def test_a_newcomers_photo_is_in_the_second_batch_begun_after_it_came_at_the_latest(workshop: Workshop):
    for person in range(5):
        await workshop.take([GOOD] * 10, SMALL, Owner("telegram", f"album {person}"))
    engine = HeldEngine()
    async with workshop.drawing(engine, Rules(batch_size=4)):
        for _ in range(3):
            await engine.next_batch()
            await all_decoded()
            engine.release()
        await engine.next_batch()
        await workshop.take([PORTRAIT], SMALL, BEN)
        begun_after: list[tuple[int, ...]] = []
        for _ in range(2):
            engine.release()
            begun_after += [shape for _, shape in await engine.next_batch()]
            assert workshop.queue.waiting(BEN) == 0
            await all_decoded()
        engine.release_all()
        await workshop.all_settled(51)
    assert (60, 40, 3) in begun_after
    assert await workshop.statuses() == ["done"] * 51


async def test_photos_in_flight_are_bounded(workshop: Workshop):
    await workshop.take([GOOD] * 20)
    engine = HeldEngine()
    async with workshop.drawing(engine, in_batches_of(2)):
        await engine.next_batch()
        await all_decoded()
        assert len(workshop.queue) == 20 - 2 * 2
        engine.release_all()
        await workshop.all_settled(20)
    assert await workshop.statuses() == ["done"] * 20


async def test_others_are_drawn_while_one_photo_is_slow_to_decode(workshop: Workshop):
    slow, *_ = await workshop.take([GOOD] * 6)
    gate = workshop.spool.slow_source(slow).before = Gate()
    engine = TroubledEngine()
    async with workshop.drawing(engine, Rules(batch_size=2)):
        await workshop.all_settled(5)
        assert await workshop.statuses() == ["running"] + ["done"] * 5
        gate.open()
        await workshop.all_settled(1)
    assert await workshop.statuses() == ["done"] * 6


async def test_a_batch_that_fails_is_drawn_again_one_by_one(workshop: Workshop):
    await workshop.take([GOOD] * 4)
    engine = TroubledEngine(trouble_with_more_than(1, RuntimeError("batches are beyond me")))
    await workshop.draw(engine, in_batches_of(4), 4)
    assert engine.sizes == [4, 1, 1, 1, 1]
    assert await workshop.statuses() == ["done"] * 4
    assert workshop.counted('cartoonbot_batch_failures_total{reason="failed"} 1.0')


async def test_a_photo_that_breaks_its_batch_fails_alone(workshop: Workshop):
    def trouble(photos: Sequence[Array], looks: Sequence[Look]) -> None:
        if any(is_dark(photo) for photo in photos):
            raise RuntimeError("I cannot see")

    await workshop.take([GOOD, DARK, GOOD])
    engine = TroubledEngine(trouble)
    await workshop.draw(engine, in_batches_of(3), 3)
    assert await workshop.codes() == [None, "photo-failed", None]
    # Together, each alone, and the dark one once more.
    assert engine.sizes == [3, 1, 1, 1, 1]


@pytest.mark.parametrize("attempts", [1, 2, 3])
async def test_a_photo_that_fails_by_itself_is_tried_so_many_times(workshop: Workshop, attempts: int):
    await workshop.take([GOOD])
    engine = TroubledEngine(trouble_with_more_than(0, RuntimeError("never")))
    await workshop.draw(engine, Rules(batch_size=1, attempts=attempts), 1)
    assert engine.sizes == [1] * attempts
    assert await workshop.codes() == ["photo-failed"]
    assert workshop.counted('cartoonbot_photos_settled_total{outcome="photo-failed"} 1.0')


async def test_a_photo_that_fails_once_is_drawn_the_second_time(workshop: Workshop):
    troubles = [RuntimeError("not now")]

    def trouble(photos: Sequence[Array], looks: Sequence[Look]) -> None:
        if troubles:
            raise troubles.pop()

    await workshop.take([GOOD])
    engine = TroubledEngine(trouble)
    await workshop.draw(engine, ONE_BY_ONE, 1)
    assert engine.sizes == [1, 1]
    assert await workshop.statuses() == ["done"]


async def test_the_engines_own_word_about_a_photo_reaches_the_person_at_once(workshop: Workshop):
    engine = TroubledEngine(trouble_with_more_than(0, PhotoTooLarge(megapixels=99, limit=64)))
    await workshop.take([GOOD])
    (photo,) = await workshop.draw(engine, ONE_BY_ONE, 1)
    assert engine.sizes == [1]
    assert photo.failure is not None
    assert photo.failure.code == "photo-too-large"
    assert photo.failure.values == {"megapixels": 99, "limit": 64}


async def test_an_engine_that_loses_a_photo_is_caught(workshop: Workshop):
    class Forgetful(TroubledEngine):
        def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
            drawn = super().stylize(photos, looks)
            return drawn[1:] if len(drawn) > 1 else drawn

    await workshop.take([GOOD] * 3)
    engine = Forgetful(no_trouble)
    await workshop.draw(engine, in_batches_of(3), 3)
    assert engine.sizes == [3, 1, 1, 1]
    assert await workshop.statuses() == ["done"] * 3


async def test_out_of_memory_halves_the_batch_from_then_on(workshop: Workshop):
    await workshop.take([GOOD] * 16)
    engine = TroubledEngine(trouble_with_more_than(2, OutOfMemory()))
    await workshop.draw(engine, in_batches_of(8), 16)
    assert await workshop.statuses() == ["done"] * 16
    assert engine.sizes == [8, 4] + [2] * 8


async def test_memory_that_one_style_lacks_is_no_limit_for_another(workshop: Workshop):
    def trouble(photos: Sequence[Array], looks: Sequence[Look]) -> None:
        if looks[0].style == "ink" and len(photos) > 1:
            raise OutOfMemory

    await workshop.take([GOOD] * 4, SMALL, ANNA)
    await workshop.take([GOOD] * 4, Look(style="anime", size=512), BEN)
    engine = TroubledEngine(trouble)
    await workshop.draw(engine, in_batches_of(4), 8)
    assert max(len(batch) for batch in engine.batches if batch[0][0].style == "anime") == 4
    assert await workshop.statuses() == ["done"] * 8


async def test_a_photo_that_does_not_fit_is_drawn_at_half_the_size_and_enlarged(workshop: Workshop):
    def trouble(photos: Sequence[Array], looks: Sequence[Look]) -> None:
        if any(max(photo.shape) > 512 or look.size > 512 for photo, look in zip(photos, looks, strict=True)):
            raise OutOfMemory

    large = jpeg_bytes(gradient(1200, 800))
    photo_ids = await workshop.take([large] * 3, Look(size=1024))
    engine = TroubledEngine(trouble)
    await workshop.draw(engine, ONE_BY_ONE, 3)
    assert [workshop.result_size(photo_id) for photo_id in photo_ids] == [(1024, 683)] * 3
    # Tried once at the asked size; what was learnt holds for the others.
    assert [look.size for batch in engine.batches for look, _ in batch] == [1024, 512, 512, 512]


@pytest.mark.parametrize(("asked", "tried"), [(512, [512]), (600, [600, 512]), (2048, [2048, 1024, 512])])
async def test_a_photo_that_never_fits_at_the_smallest_size_fails(
    workshop: Workshop, asked: int, tried: list[int]
):
    await workshop.take([GOOD], Look(size=asked))
    engine = TroubledEngine(trouble_with_more_than(0, OutOfMemory()))
    await workshop.draw(engine, ONE_BY_ONE, 1)
    assert await workshop.codes() == ["photo-failed"]
    # Once all the way down, then at the smallest for each attempt left: memory may have been short for a moment.
    assert [look.size for batch in engine.batches for look, _ in batch] == [*tried, 512, 512]


async def test_sheets_are_drawn_beside_photos_but_never_with_them_nor_together(workshop: Workshop):
    sheets = await workshop.take([GOOD, GOOD[: len(GOOD) // 2], GOOD], SHEET, ANNA)
    await workshop.take([GOOD] * 4, SMALL, BEN)
    engine = TroubledEngine()
    await workshop.draw(with_sheets(engine), in_batches_of(4), 7)
    assert await workshop.codes() == [None, "photo-truncated", *[None] * 5]
    assert sorted(engine.sizes) == [1] * (2 * len(SHEET_STRENGTHS)) + [4]
    assert {workshop.result_size(photo_id) for photo_id in (sheets[0], sheets[2])} == {size_of(SHEET)}
    assert workshop.metrics.drawn == 6


async def test_a_sheet_for_which_memory_is_short_is_smaller_and_so_are_those_after_it(workshop: Workshop):
    def trouble(photos: Sequence[Array], looks: Sequence[Look]) -> None:
        if is_dark(photos[0]) and looks[0].size > 512:
            raise OutOfMemory

    large = replace(SHEET, size=1024)
    sheets = await workshop.take([DARK, DARK, GOOD], large, ANNA)
    engine = TroubledEngine(trouble)
    await workshop.draw(with_sheets(engine), ONE_BY_ONE, 3)
    # The second one and the third are not even tried at the asked size.
    assert [look.size for batch in engine.batches for look, _ in batch] == [1024] + [512] * 3 * len(
        SHEET_STRENGTHS
    )
    assert {workshop.result_size(photo_id) for photo_id in sheets} == {size_of(SHEET)}


async def test_a_sheet_may_take_long_however_quick_photos_were(workshop: Workshop):
    def trouble(photos: Sequence[Array], looks: Sequence[Look]) -> None:
        if is_dark(photos[0]):
            # As loading the weights of another style would; nobody ends it early.
            threading.Event().wait(0.2)

    rules = Rules(batch_size=1, least_deadline=0.0)
    engine = with_sheets(TroubledEngine(trouble))
    await workshop.take([GOOD])
    async with workshop.drawing(engine, rules) as studio:
        await workshop.all_settled(1)
        each = studio.forecast(ANNA, (), 1, SMALL).seconds
        assert studio.forecast(ANNA, (), 1, SHEET).seconds == pytest.approx((each or 0) * len(SHEET_STRENGTHS))
        await workshop.take([DARK], SHEET)
        await workshop.all_settled(1)
        assert studio.forecast(ANNA, (), 1, SMALL).seconds == each
        assert (studio.forecast(ANNA, (), 1, SHEET).seconds or 0) > 0.2 * len(SHEET_STRENGTHS)
    assert await workshop.statuses() == ["done"] * 2
    assert workshop.counted('cartoonbot_batch_failures_total{reason="stuck"} 0.0')


async def test_the_studio_tells_how_long_photos_will_take(workshop: Workshop):
    await workshop.take([GOOD] * 4)
    engine = HeldEngine()
    async with workshop.drawing(engine, in_batches_of(2)) as studio:
        assert studio.forecast(BEN, (), 1, SMALL).seconds is None
        await engine.next_batch()
        engine.release()
        await engine.next_batch()
        await workshop.all_settled(2)
        # Two are on the device.
        one, two = (studio.forecast(BEN, (), photos, SMALL) for photos in (1, 2))
        assert one.ahead == two.ahead == 2
        assert one.seconds == pytest.approx(3 / 4 * (two.seconds or 0))
        assert one.seconds
        # To whose they are, nothing comes before.
        assert studio.forecast(ANNA, workshop.job_ids, 2, SMALL).ahead == 0
        engine.release_all()
        await workshop.all_settled(2)


async def test_a_stop_finishes_the_batch_on_the_device_and_the_next_start_draws_the_rest(workshop: Workshop):
    await workshop.take([GOOD] * 8)
    engine = HeldEngine()
    async with workshop.drawing(engine, in_batches_of(2)) as studio:
        await engine.next_batch()
        await all_decoded()
        studio.stop()
        engine.release_all()
    # Not always the first two: the second one may take longer to decode.
    assert sorted(await workshop.statuses()) == ["done"] * 2 + ["queued"] * 4 + ["running"] * 2
    assert engine.sizes == [2]
    assert engine.closed.is_set()

    await workshop.jobs.put_all_back(studio.interrupted)
    assert await workshop.restart() == 6
    second = TroubledEngine()
    await workshop.draw(second, in_batches_of(2), 6)
    assert second.sizes == [2, 2, 2]
    assert await workshop.statuses() == ["done"] * 8


async def test_a_cancelled_studio_leaves_rows_running_and_the_next_start_takes_them_up(workshop: Workshop):
    first, _ = await workshop.take([GOOD] * 2)
    engine = HeldEngine()
    studio = workshop.studio(lambda: engine, in_batches_of(2))
    await studio.open()
    run = asyncio.create_task(studio.run())
    await engine.next_batch()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    # Only now: close() waits for the device's current work.
    engine.release_all()
    await asyncio.to_thread(studio.close)
    studio.close()
    assert engine.closed.is_set()
    assert await workshop.statuses() == ["running"] * 2
    await workshop.jobs.recover(attempts=2)
    assert await workshop.statuses() == ["queued"] * 2

    assert await workshop.jobs.start(first) == 1
    await workshop.jobs.attempt([first])
    await workshop.jobs.recover(attempts=2)
    assert await workshop.codes() == ["photo-failed", None]
    assert await workshop.statuses() == ["failed", "queued"]
