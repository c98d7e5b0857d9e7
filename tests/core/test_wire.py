"""What goes over the wire comes off it the same; what is no picture, look or error is told from one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import LookError, PhotoFailed, PhotoTooHeavy, StyleMissing, UserError
from core.look import FACES, FORMATS, Look, SheetKind
from core.styles.registry import STYLE_NAMES
from core.wire import (
    LONGEST,
    packed,
    packed_bytes,
    packed_error,
    packed_look,
    unpacked,
    unpacked_error,
    unpacked_look,
)
from tests.pictures import gradient

LOOKS = st.builds(
    Look,
    st.sampled_from(STYLE_NAMES),
    st.integers(10, 100).map(lambda percent: percent / 100),
    st.integers(512, 2048),
    st.sampled_from(FORMATS),
    st.sampled_from(FACES),
)


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_picture_comes_off_the_wire_as_it_went_on(width: int, height: int):
    picture = gradient(width, height)
    body = packed(picture)
    assert len(body) == packed_bytes(height, width)
    assert np.array_equal(unpacked(body), picture)


def test_a_picture_that_is_a_part_of_another_is_sent_alone():
    picture = gradient(30, 20)[4:12, 3:10]
    assert np.array_equal(unpacked(packed(picture)), picture)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0\0\0",
        packed(gradient(4, 4))[:-1],
        packed(gradient(4, 4)) + b"\0",
        bytes(8),
        (LONGEST + 1).to_bytes(4) + (1).to_bytes(4) + bytes(3 * (LONGEST + 1)),
    ],
    ids=["nothing", "half a head", "cut short", "too long", "no sides", "a side too long"],
)
def test_what_is_no_picture_is_refused(body: bytes):
    with pytest.raises(ValueError, match="a picture"):
        unpacked(body)


@given(LOOKS)
def test_a_look_comes_off_the_wire_as_it_went_on(look: Look):
    assert unpacked_look(packed_look(look)) == look
    assert packed_look(look).isascii()


def test_a_sheet_stays_here():
    assert unpacked_look(packed_look(Look(sheet=SheetKind.STYLES))) == Look()


@pytest.mark.parametrize("text", ["", "ink", "[]", '{"style": "ink"}', "null"])
def test_what_is_no_look_is_refused(text: str):
    with pytest.raises(ValueError):  # noqa: PT011
        unpacked_look(text)


@pytest.mark.parametrize(
    "change", [{"style": "oil"}, {"strength": 7}, {"size": 9999}, {"format": "gif"}, {"faces": "none"}]
)
def test_a_value_out_of_its_range_is_named(change: dict[str, object]):
    fields = {"style": "ink", "strength": 0.7, "size": 1024, "format": "jpg", "faces": "all", **change}
    with pytest.raises(LookError) as caught:
        unpacked_look(str(fields).replace("'", '"'))
    assert caught.value.values["given"] == str(*change.values())


@pytest.mark.parametrize("error", [StyleMissing(style="anime", choices="ink, pop"), PhotoTooHeavy(megabytes=25.5)])
def test_an_error_comes_off_the_wire_as_it_went_on(error: UserError):
    again = unpacked_error(packed_error(error))
    assert (type(again), again.values) == (type(error), error.values)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b'{"code": "no-such-error", "values": {}}',
        b'{"code": [], "values": {}}',
        b'{"code": "style-missing"}',
        b'{"code": "style-missing", "values": 7}',
        b'{"code": "style-missing", "values": {"style": ["ink"]}}',
    ],
)
def test_an_error_that_nobody_knows_is_a_photo_that_failed(body: bytes):
    assert type(unpacked_error(body)) is PhotoFailed
