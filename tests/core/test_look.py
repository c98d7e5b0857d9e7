"""What people type for a look: understood, or refused with its bounds; never a value outside them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import LookError, SizeOutOfRange, StrengthOutOfRange, UnknownFaces, UnknownFormat, UnknownStyle
from core.look import (
    FACES,
    FORMATS,
    MAX_SIZE,
    MAX_STRENGTH,
    MIN_SIZE,
    MIN_STRENGTH,
    Look,
    parse_faces,
    parse_format,
    parse_size,
    parse_strength,
    parse_style,
)

STYLES = ("ink", "anime")
# Texts near the grammar find more than texts from all of Unicode.
TYPED = st.text() | st.text("0123456789.,%+-_eE pxinfa ٣½", max_size=12)


def parse_known_style(text: str) -> str:
    return parse_style(text, STYLES)


@pytest.mark.parametrize(
    ("text", "strength"),
    [
        ("0.8", 0.8),
        ("0,8", 0.8),
        ("80%", 0.8),
        (" 80 % ", 0.8),
        (".5", 0.5),
        ("1", 1.0),
        ("0.1", 0.1),
        ("10%", 0.1),
    ],
)
def test_a_strength_is_read_as_people_write_it(text: str, strength: float):
    assert parse_strength(text) == strength


def test_a_strength_has_two_decimals():
    assert parse_strength("0.7654321") == 0.77


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "%",
        "7",
        "0",
        "0.09",
        "1.01",
        "0.05%",
        "101%",
        "-0.5",
        "nan",
        "inf",
        "-inf",
        "nan%",
        "strong",
        "0.5.5",
    ],
)
def test_what_is_no_strength_is_refused_with_its_bounds(text: str):
    with pytest.raises(StrengthOutOfRange) as caught:
        parse_strength(text)
    assert caught.value.values == {"given": text.strip(), "low": MIN_STRENGTH, "high": MAX_STRENGTH}


@given(TYPED)
def test_no_text_gives_a_strength_outside_its_range(text: str):
    try:
        strength = parse_strength(text)
    except StrengthOutOfRange:
        return
    assert MIN_STRENGTH <= strength <= MAX_STRENGTH


@given(st.integers(10, 100).map(lambda percent: percent / 100))
def test_every_strength_survives_being_written_and_read(strength: float):
    assert parse_strength(f"{strength}") == strength
    assert parse_strength(f"{strength:.2f}".replace(".", ",")) == strength
    assert parse_strength(f"{round(strength * 100)}%") == strength


@pytest.mark.parametrize(("text", "size"), [("512", 512), (" 2048 ", 2048), ("1024px", 1024), ("1024 PX", 1024)])
def test_a_size_is_read_as_people_write_it(text: str, size: int):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    ["", "px", "511", "2049", "99999", "-1024", "+1024", "1024.5", "1e3", "1_024", "١٠٢٤", "big", "9" * 5000],
)
def test_what_is_no_size_is_refused_with_its_bounds(text: str):
    with pytest.raises(SizeOutOfRange) as caught:
        parse_size(text)
    assert caught.value.values["low"] == MIN_SIZE
    assert caught.value.values["high"] == MAX_SIZE


@given(TYPED)
def test_no_text_gives_a_size_outside_its_range(text: str):
    try:
        size = parse_size(text)
    except SizeOutOfRange:
        return
    assert MIN_SIZE <= size <= MAX_SIZE


@given(st.integers(MIN_SIZE, MAX_SIZE))
def test_every_size_survives_being_written_and_read(size: int):
    assert parse_size(str(size)) == parse_size(f"{size}px") == size


@pytest.mark.parametrize(
    ("text", "word"), [("PNG", "png"), (".webp", "webp"), ("jpeg", "jpg"), (" .JPEG ", "jpg")]
)
def test_a_format_is_read_as_people_write_it(text: str, word: str):
    assert parse_format(text) == word


@given(TYPED)
def test_no_text_gives_a_word_that_is_on_no_list(text: str):
    for parse, choices in ((parse_format, FORMATS), (parse_faces, FACES), (parse_known_style, STYLES)):
        try:
            word = parse(text)
        except LookError:
            continue
        assert word in choices


@pytest.mark.parametrize(
    ("parse", "refusal", "choices"),
    [
        (parse_format, UnknownFormat, "jpg, png, webp"),
        (parse_faces, UnknownFaces, "all, main"),
        (parse_known_style, UnknownStyle, "ink, anime"),
    ],
)
def test_a_wrong_word_is_refused_with_the_choices(
    parse: Callable[[str], str], refusal: type[LookError], choices: str
):
    with pytest.raises(refusal) as caught:
        parse(" Tiff ")
    assert caught.value.values == {"given": "Tiff", "choices": choices}


def test_a_long_text_is_said_back_short():
    with pytest.raises(UnknownFaces) as caught:
        parse_faces("w" * 4000)
    assert caught.value.values["given"] == "w" * 31 + "…"


@pytest.mark.parametrize(
    ("words", "look"),
    [
        ("", Look()),
        ("0.8", Look(strength=0.8)),
        ("anime", Look(style="anime")),
        ("Anime 0,9", Look(style="anime", strength=0.9)),
        ("90% ink", Look(strength=0.9)),
    ],
)
def test_style_words_change_style_and_strength(words: str, look: Look):
    assert Look().with_style_words(words, STYLES) == look


@pytest.mark.parametrize(
    ("words", "refusal"),
    [("7", StrengthOutOfRange), ("nan", StrengthOutOfRange), ("-inf", StrengthOutOfRange), ("oil", UnknownStyle)],
)
def test_wrong_style_words_are_refused(words: str, refusal: type[LookError]):
    with pytest.raises(refusal):
        Look().with_style_words(f"ink {words}", STYLES)


@given(TYPED)
def test_no_words_give_a_look_outside_its_bounds(text: str):
    try:
        look = Look().with_style_words(text, STYLES)
    except LookError:
        return
    assert look.style in STYLES
    assert MIN_STRENGTH <= look.strength <= MAX_STRENGTH


def test_a_style_with_a_digit_in_its_name_is_a_style():
    assert Look().with_style_words("3d 0.8", ("ink", "3d")) == Look(style="3d", strength=0.8)
