"""Results -> messages within a platform's limits: nothing lost, nothing out of order, nothing scaled down."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.delivery import Kind, Limits, Result, pack
from core.jobs import MAX_PHOTOS

LIMITS = Limits()


def result(
    number: int = 0, suffix: str = ".jpg", weight: int = 100_000, width: int = 1024, height: int = 768
) -> Result:
    return Result(number, Path(f"{number}{suffix}"), f"{number}{suffix}", weight, width, height)


def lengths(count: int, limits: Limits = LIMITS) -> list[int]:
    return [len(parcel.results) for parcel in pack([result(number) for number in range(count)], limits)]


def kinds(*results: Result) -> set[Kind]:
    return {parcel.kind for parcel in pack(results, LIMITS)}


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [1]), (10, [10]), (11, [6, 5]), (12, [6, 6]), (19, [10, 9]), (20, [10, 10]), (21, [7, 7, 7])],
)
def test_albums_are_split_evenly(count: int, expected: list[int]):
    assert lengths(count) == expected


def test_a_platform_with_larger_albums_needs_no_split():
    assert lengths(20, Limits(album_items=20)) == [20]


def test_a_small_jpeg_goes_as_a_photo():
    assert kinds(result()) == {Kind.PHOTO}
    assert kinds(result(width=1280, height=64)) == {Kind.PHOTO}
    assert kinds(result(width=64, height=1280)) == {Kind.PHOTO}
    assert kinds(result(weight=10_000_000)) == {Kind.PHOTO}


@pytest.mark.parametrize(
    "lossy",
    [
        result(suffix=".png"),
        result(suffix=".webp"),
        result(width=1281),
        result(height=1281),
        result(width=1280, height=63),
        result(width=63, height=1280),
        result(weight=10_000_001),
    ],
    ids=["png", "webp", "wide", "high", "flat", "thin", "heavy"],
)
def test_what_would_lose_something_goes_as_a_document_and_takes_the_album_along(lossy: Result):
    assert kinds(lossy) == {Kind.DOCUMENT}
    assert kinds(result(1), result(2), lossy, *(result(number) for number in range(3, 15))) == {Kind.DOCUMENT}


def test_heavy_results_are_sent_in_more_messages():
    heavy = [result(number, ".png", weight=20_000_000) for number in range(5)]
    assert [len(parcel.results) for parcel in pack(heavy, LIMITS)] == [2, 2, 1]


def test_a_request_may_be_exactly_full():
    full = [result(number, ".png", weight=25_000_000) for number in range(2)]
    assert len(pack(full, LIMITS)) == 1


def test_what_is_too_heavy_for_any_message_still_goes_by_itself():
    parcels = pack([result(0), result(1, weight=60_000_000), result(2)], LIMITS)
    assert [[each.photo_id for each in parcel.results] for parcel in parcels] == [[0], [1], [2]]


RESULTS = st.lists(
    st.builds(
        result,
        number=st.integers(1, 10**6),
        suffix=st.sampled_from([".jpg", ".png"]),
        weight=st.integers(1, 60_000_000),
        width=st.integers(1, 2048),
        height=st.integers(1, 2048),
    ),
    max_size=25,
)


@given(RESULTS)
def test_every_result_is_sent_once_and_in_order(results: list[Result]):
    assert [each for parcel in pack(results, LIMITS) for each in parcel.results] == results


@given(RESULTS)
def test_every_message_is_within_the_limits(results: list[Result]):
    for parcel in pack(results, LIMITS):
        assert 1 <= len(parcel.results) <= LIMITS.album_items
        weight = sum(each.weight for each in parcel.results)
        assert weight <= LIMITS.request_bytes or len(parcel.results) == 1


@given(RESULTS)
def test_all_messages_of_a_job_are_of_one_kind(results: list[Result]):
    assert len({parcel.kind for parcel in pack(results, LIMITS)}) <= 1


@given(st.integers(1, MAX_PHOTOS))
def test_a_light_job_takes_as_few_messages_as_possible_and_of_even_length(count: int):
    sizes = lengths(count)
    assert len(sizes) == -(-count // LIMITS.album_items)
    assert max(sizes) - min(sizes) <= 1
