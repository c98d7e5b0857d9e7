"""Every error a person can meet has its sentence, in each language, filled with what the code gives it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from bots.locales import LANGUAGES, Locale, Locales
from core.errors import (
    BatchTooLarge,
    Blocked,
    HeicUnsupported,
    LookError,
    NoPhoto,
    NotAPhoto,
    NotInvited,
    OwnerQueueFull,
    PhotoEmpty,
    PhotoError,
    PhotoFailed,
    PhotoTooHeavy,
    PhotoTooLarge,
    PhotoTruncated,
    PhotoUnavailable,
    QueueFull,
    QuotaReached,
    ResultRefused,
    SizeOutOfRange,
    StorageUnwritable,
    StrengthOutOfRange,
    StyleArriving,
    StyleDamaged,
    StyleMissing,
    StyleNotDownloaded,
    UnknownDelivery,
    UnknownFaces,
    UnknownFormat,
    UnknownLanguage,
    UnknownStyle,
    UserError,
)
from core.jobs import Failure

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [
    StrengthOutOfRange(given="7", low=0.1, high=1.0),
    SizeOutOfRange(given="99999", low=512, high=2048),
    UnknownStyle(given="oil", choices="ink, anime"),
    StyleMissing(style="anime", choices="ink, pop"),
    StyleArriving(style="anime", percent=43, choices="ink, pop"),
    StyleNotDownloaded(style="anime", choices="ink, pop"),
    StyleDamaged(style="anime"),
    UnknownFormat(given="gif", choices="jpg, png, webp"),
    UnknownFaces(given="none", choices="all, main"),
    UnknownDelivery(given="pigeon", choices="auto, photo, file, zip"),
    UnknownLanguage(given="latin", choices="en, zh-CN, auto"),
    NotAPhoto(),
    PhotoEmpty(),
    PhotoTruncated(),
    PhotoTooHeavy(megabytes=25.5, limit=20.0),
    PhotoTooLarge(megapixels="179+", limit=64.0),
    HeicUnsupported(),
    PhotoUnavailable(),
    PhotoFailed(),
    ResultRefused(),
    NoPhoto(),
    BatchTooLarge(given=21, most=20),
    QueueFull(waiting=2000, limit=2000),
    OwnerQueueFull(waiting=60, limit=60),
    QuotaReached(limit=50),
    NotInvited(person="telegram:1234", platform="telegram"),
    Blocked(),
    StorageUnwritable(),
]
BY_NAME = {type(example).__name__: example for example in EXAMPLES}


def families(root: type[UserError]) -> Iterator[type[UserError]]:
    yield root
    for kind in root.__subclasses__():
        yield from families(kind)


def raised_in_code() -> Iterator[tuple[str, str, set[str]]]:
    """(where, error, names of its values) for each example's kind that the program builds."""
    for room in ("bots", "core", "storage"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(func=ast.Name(id=name), keywords=keywords) if name in BY_NAME:
                        yield f"{file.name}:{node.lineno}", name, {keyword.arg or "**" for keyword in keywords}
                    case ast.Raise(exc=ast.Name(id=name)) if name in BY_NAME:
                        yield f"{file.name}:{node.lineno}", name, set()
                    case _:
                        pass


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda error: error.code)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_has_a_sentence_that_says_all_its_values(language: str, example: UserError):
    sentence = Locale(language).error(example)
    assert "{" not in sentence
    for value in example.values.values():
        assert (f"{value:g}" if isinstance(value, int | float) else value) in sentence


def test_the_examples_cover_every_error_without_children():
    leaves = {kind for kind in families(UserError) if not kind.__subclasses__()}
    assert {type(example) for example in EXAMPLES} == leaves


@pytest.mark.parametrize("language", LANGUAGES)
def test_even_the_families_have_a_sentence(language: str):
    sentences = [Locale(language).error(kind()) for kind in (UserError, LookError, PhotoError)]
    assert len(set(sentences)) == 3


def test_the_program_fills_errors_with_the_values_of_the_examples():
    raised = list(raised_in_code())
    wrong = [
        f"{where}: {name}({', '.join(sorted(values))})"
        for where, name, values in raised
        if values != set(BY_NAME[name].values)
    ]
    assert wrong == []
    assert {name for _, name, _ in raised} == set(BY_NAME)


def test_codes_are_the_names_in_small_letters_and_differ():
    codes = [kind.code for kind in families(UserError)]
    assert NotAPhoto.code == "not-a-photo"
    assert len(set(codes)) == len(codes)


def test_an_error_read_back_from_the_database_says_the_same():
    locale = Locales().of("en")
    error = PhotoTooHeavy(megabytes=25.5, limit=20)
    assert locale.error(Failure.of(error)) == locale.error(error)


def test_an_error_in_a_log_is_plain_english_with_its_values():
    assert str(PhotoTooHeavy(megabytes=25, limit=20)) == (
        "The file has more bytes than allowed. (megabytes 25, limit 20)"
    )
    assert str(PhotoEmpty()) == "The file has no bytes."
