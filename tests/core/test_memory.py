"""What fits on the device: learnt from running out of memory, by style and size."""

from dataclasses import replace

import pytest

from core.look import MIN_SIZE, Look, SheetKind
from core.memory import RISE_AFTER, MemoryLimits

INK = Look("ink", size=2048)


def went_well(memory: MemoryLimits, look: Look, photos: int, times: int = RISE_AFTER) -> None:
    for _ in range(times):
        memory.fitted(look, photos)


def test_at_first_everything_is_thought_to_fit():
    memory = MemoryLimits(4)
    assert (memory.photos(INK), memory.size(INK)) == (4, 2048)


def test_running_out_halves_the_photos_and_then_the_size_down_to_the_least():
    memory = MemoryLimits(8)
    for photos in (8, 4, 2):
        assert memory.ran_out(INK, photos)
        assert (memory.photos(INK), memory.size(INK)) == (photos // 2, 2048)
    for size in (1024, MIN_SIZE):
        assert memory.ran_out(INK, 1)
        assert (memory.photos(INK), memory.size(INK)) == (1, size)
    assert not memory.ran_out(INK, 1)
    assert memory.size(INK) == MIN_SIZE


def test_a_smaller_batch_that_ran_out_counts_as_it_was():
    memory = MemoryLimits(8)
    memory.ran_out(INK, 3)
    assert memory.photos(INK) == 1


@pytest.mark.parametrize(
    "other", [replace(INK, style="anime"), replace(INK, size=1024), replace(INK, sheet=SheetKind.STYLES)]
)
def test_other_styles_sizes_and_sheets_learn_nothing_from_it(other: Look):
    memory = MemoryLimits(4)
    memory.ran_out(INK, 4)
    memory.ran_out(INK, 1)
    assert (memory.photos(other), memory.size(other)) == (4, other.size)


def test_strength_does_not_matter():
    memory = MemoryLimits(4)
    memory.ran_out(INK, 4)
    assert memory.photos(replace(INK, strength=0.2)) == 2


def test_after_many_batches_at_the_limit_one_photo_more_is_tried():
    memory = MemoryLimits(8)
    memory.ran_out(INK, 8)
    went_well(memory, INK, 4, RISE_AFTER - 1)
    assert memory.photos(INK) == 4
    went_well(memory, INK, 4, 1)
    assert memory.photos(INK) == 5


def test_it_rises_to_the_batch_size_and_no_further():
    memory = MemoryLimits(4)
    memory.ran_out(INK, 4)
    for photos in (2, 3, 4, 4):
        assert memory.photos(INK) == photos
        went_well(memory, INK, photos)
    assert memory.photos(INK) == 4


def test_smaller_batches_prove_nothing():
    memory = MemoryLimits(8)
    memory.ran_out(INK, 8)
    went_well(memory, INK, 3, 2 * RISE_AFTER)
    assert memory.photos(INK) == 4


def test_running_out_begins_the_count_anew():
    memory = MemoryLimits(8)
    memory.ran_out(INK, 8)
    went_well(memory, INK, 4, RISE_AFTER - 1)
    memory.ran_out(INK, 8)
    went_well(memory, INK, 4, RISE_AFTER - 1)
    assert memory.photos(INK) == 4


def test_nothing_rises_where_nothing_was_too_much():
    memory = MemoryLimits(4)
    went_well(memory, INK, 4, 3 * RISE_AFTER)
    assert memory.photos(INK) == 4
