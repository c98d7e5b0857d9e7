"""Both languages say everything, with the same values; numbers can be typed back as they are shown."""

import ast
from pathlib import Path

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as fluent
from fluent.syntax.visitor import Visitor

from bots.locales import LANGUAGES, Locale, Locales, parse_language
from bots.wording import described, facts, wait_words
from core.errors import UnknownLanguage
from core.look import Look, SheetKind
from core.styles.registry import STYLE_NAMES

BOTS = Path(__file__).resolve().parents[2] / "bots"


class Variables(Visitor):
    """Collects the names of the values that a message asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def visit_VariableReference(self, node: fluent.VariableReference) -> None:  # noqa: N802
        self.names.add(node.id.name)


def entries(language: str) -> list[fluent.EntryType]:
    text = (BOTS / "locales" / f"{language}.ftl").read_text(encoding="utf-8")
    return FluentParser().parse(text).body


def messages(language: str) -> dict[str, set[str]]:
    """Each message with the values it asks for."""
    found: dict[str, set[str]] = {}
    for entry in entries(language):
        if isinstance(entry, fluent.Message):
            variables = Variables()
            variables.visit(entry)
            found[entry.id.name] = variables.names
    return found


def said_in_code() -> set[str]:
    """The messages that the program asks for by name."""
    return {
        node.args[0].value
        for file in BOTS.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Attribute) and node.func.attr == "say")
            # A label of the web page.
            or (isinstance(node.func, ast.Name) and node.func.id == "word")
        )
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_a_language_is_understood(language: str):
    assert not [entry for entry in entries(language) if isinstance(entry, fluent.Junk)]
    names = [entry.id.name for entry in entries(language) if isinstance(entry, fluent.Message)]
    assert len(names) == len(set(names))


def test_both_languages_have_the_same_messages_with_the_same_values():
    assert messages("zh-CN") == messages("en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_style_is_described(language: str):
    descriptions = [Locale(language).say(f"style-{name}") for name in STYLE_NAMES]
    assert len(set(descriptions)) == len(STYLE_NAMES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_the_program_says_exists(language: str):
    said = said_in_code()
    assert {"queued", "done", "kept"} <= said
    assert said <= messages(language).keys()


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("en-GB", "en"),
        ("de", "en"),
        ("zh", "zh-CN"),
        ("zh-hans", "zh-CN"),
        ("zh_TW", "zh-CN"),
        ("ZH-CN", "zh-CN"),
        ("zha", "en"),
    ],
)
def test_the_language_closest_to_a_tag_is_taken(tag: str | None, language: str):
    assert Locales().of(tag).language == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_numbers_have_no_thousands_separators(language: str):
    kept = Locale(language).say("kept", style="ink", strength=0.7, size=2048, format="jpg", faces="all")
    assert "2048" in kept


@pytest.mark.parametrize(("strength", "shown"), [(0.7, "0.7"), (0.75, "0.75"), (1.0, "1"), (0.1 + 0.2, "0.3")])
def test_a_strength_is_shown_short(strength: float, shown: str):
    look = {"style": "ink", "size": 1024, "format": "jpg", "faces": "all"}
    assert f"strength {shown}," in Locale("en").say("kept", strength=strength, **look)


@pytest.mark.parametrize(
    ("photos", "ahead", "unit", "wait", "sentence"),
    [
        (1, 0, "none", 0, "Got your photo: ink 0.7, 1024 px, jpg. I'm drawing now."),
        (1, 1, "none", 0, "Got your photo: ink 0.7, 1024 px, jpg. One photo comes first."),
        (
            20,
            1500,
            "minutes",
            12,
            "Got your 20 photos: ink 0.7, 1024 px, jpg. 1500 photos come first. It should take about 12 minutes.",
        ),
        (
            2,
            30,
            "seconds",
            40,
            "Got your 2 photos: ink 0.7, 1024 px, jpg. 30 photos come first. It should take about 40 seconds.",
        ),
    ],
)
def test_the_word_queued_counts_photos_and_time_as_english_does(
    photos: int, ahead: int, unit: str, wait: int, sentence: str
):
    look = described(Locale("en"), Look())
    assert Locale("en").say("queued", photos=photos, look=look, ahead=ahead, unit=unit, wait=wait) == sentence


@pytest.mark.parametrize(
    ("done", "ahead", "unit", "wait", "english", "chinese"),
    [
        (0, 0, "none", 0, "0/3", "0/3"),
        (
            1,
            1,
            "seconds",
            20,
            "1/3 · one photo comes first · about 20 seconds left",
            "1/3 · 前面还有 1 张 · 大约还要 20 秒",
        ),
        (
            2,
            9,
            "minutes",
            1,
            "2/3 · 9 photos come first · about a minute left",
            "2/3 · 前面还有 9 张 · 大约还要 1 分钟",
        ),
    ],
)
def test_how_far_photos_have_come_is_told_on_one_line(
    done: int, ahead: int, unit: str, wait: int, english: str, chinese: str
):
    for language, line in (("en", english), ("zh-CN", chinese)):
        locale = Locale(language)
        look = described(locale, Look())
        text = locale.say("drawing", photos=3, look=look, bar="▓░", done=done, ahead=ahead, unit=unit, wait=wait)
        first, last = text.split("\n")
        assert look in first
        assert last == f"▓░ {line}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sheet_is_described_and_announced_by_its_own_words(language: str):
    locale = Locale(language)
    looks = [Look("pop", sheet=sheet) for sheet in (None, *SheetKind)]
    assert len({described(locale, look) for look in looks}) == len(looks)
    assert len({locale.say("done", photos=1, **facts(look)) for look in looks}) == len(looks)
    assert all("pop" in described(locale, look) for look in looks if look.sheet is not SheetKind.STYLES)


def test_the_word_done_counts_cartoons_and_names_the_look():
    look = facts(Look("pop", 0.9))
    assert Locale("en").say("done", photos=1, **look) == "Here is your cartoon: pop 0.9."
    assert Locale("en").say("done", photos=3, **look) == "Here are your 3 cartoons: pop 0.9."
    assert Locale("zh-CN").say("done", photos=1, **look) == "你的卡通画好了：pop 0.9。"
    assert Locale("zh-CN").say("done", photos=3, **look) == "你的 3 张卡通画好了：pop 0.9。"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, ("none", 0)), (14.0, ("none", 0)), (41.0, ("seconds", 50)), (91.0, ("minutes", 2))],
)
def test_waits_are_rounded_up(seconds: float | None, words: tuple[str, int]):
    unit, wait = words
    assert wait_words(seconds) == {"unit": unit, "wait": wait}


@pytest.mark.parametrize(
    ("text", "language"),
    [("en", "en"), ("English", "en"), (" ZH ", "zh-CN"), ("zh-cn", "zh-CN"), ("中文", "zh-CN"), ("AUTO", None)],
)
def test_a_language_is_read_as_people_write_it(text: str, language: str | None):
    assert parse_language(text) == language


@pytest.mark.parametrize("text", ["", "tlh", "en-US", "auto en", "x" * 5000])
def test_a_language_we_do_not_speak_is_refused_with_the_choices(text: str):
    with pytest.raises(UnknownLanguage) as caught:
        parse_language(text)
    assert caught.value.values == {"given": text[:32], "choices": "en, zh-CN, auto"}


@pytest.mark.parametrize(
    ("language", "photos", "file_format", "sentence"),
    [
        ("en", 1, "jpg", "One cartoon was too large for this chat, so it comes smaller."),
        ("en", 2, "webp", "2 cartoons were too large for this chat as WebP, so they come as JPG."),
        ("zh-CN", 1, "jpg", "有 1 张卡通对这个聊天来说太大，所以压缩后发送。"),
        ("zh-CN", 2, "png", "有 2 张卡通的 PNG 文件对这个聊天来说太大，所以改用 JPG 发送。"),
    ],
)
def test_it_is_told_what_was_made_smaller(language: str, photos: int, file_format: str, sentence: str):
    assert Locale(language).say("fitted", photos=photos, format=file_format) == sentence


def test_names_are_not_wrapped_in_invisible_marks():
    assert Locale("en").say("photo-failed-only", name="猫.jpg", reason="too large") == "猫.jpg: too large"


def test_a_missing_sentence_or_value_is_an_error_and_never_a_blank():
    locale = Locale("en")
    with pytest.raises(LookupError):
        locale.say("no-such-message")
    with pytest.raises(LookupError):
        locale.say("kept", style="ink")
