"""What the page shows, as HTML. Pure: views in, text out. What strangers wrote is escaped here, and only here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import PurePath
from typing import Final
from urllib.parse import quote

from bots.locales import Locale
from bots.panel import CHOSEN
from bots.replies import Button, Rows
from bots.web.views import MEDIA_TYPES, JobView, Message, PhotoView, Picture, State
from bots.wording import wait_words

ICON: Final = "icon.svg"
# A photo and its cartoon, from the page itself; and what the button below asks for.
EXAMPLE: Final = Picture("example.jpg", "example.jpg", width=1280, height=640)
TRY: Final = "try"
# Behind an address with a version: its thumbnail.
SMALL: Final = "&small=1"
# Lines of a 24-unit square.
SIGNS: Final = {
    State.WAITING: "M12 7v5l3 2M12 3a9 9 0 1 1 0 18a9 9 0 1 1 0-18",
    State.DRAWING: "M4 20l1-5L16.5 3.5l4 4L9 19ZM14 6l4 4",
    State.DONE: "M4.5 12.5l5 5l10-11",
    State.FAILED: "M12 8v5M12 16.5v.1M12 3L22 20.5H2Z",
    State.CANCELLED: "M6 6l12 12M18 6L6 18",
}
DOWNLOAD: Final = "M12 4v11M7 10.5l5 5l5-5M5 20h14"
NO_PICTURE: Final = "M4 5h16v14H4ZM4 16l5-5l4 4l3-3l4 4M15.5 9v.1"


def header(locale: Locale) -> str:
    """What this is, above everything else."""
    words = _tag("h1", _say(locale, "web-label")) + _tag("p", _say(locale, "web-tagline"))
    return _tag("header", _logo(44) + _tag("div", words), class_="cb-header", lang=locale.language)


def chat(locale: Locale, messages: Sequence[Message]) -> str:
    """The transcript. A screen reader is told of new messages, not of every change to those that are there."""
    return _tag(
        "div",
        _join(_message(locale, message) for message in messages) or empty(locale, "chat"),
        class_="cb-chat",
        role="log",
        aria_live="polite",
        aria_relevant="additions",
        aria_label=locale.say("web-chat"),
        tabindex=0,
        lang=locale.language,
    )


def job(locale: Locale, view: JobView) -> str:
    """How far a job is, and each of its photos."""
    line = _tag("p", escape(_progress(locale, view)), class_="cb-progress", role="status")
    look = _tag("p", escape(view.look), class_="cb-look")
    cards = _tag("ul", _join(_card(locale, photo) for photo in view.photos), class_="cb-cards", role="list")
    bar = "" if view.is_over else _bar(locale, view)
    return _tag("section", line + bar + look + cards, class_="cb-job", lang=locale.language)


def empty(locale: Locale, tab: str) -> str:
    """What a tab ("chat", "single" or "batch") shows before there is anything: what it is for, and an example.

    Its button asks for TRY.
    """
    picture = _image(replace(EXAMPLE, alt=locale.say("web-example")))
    button = _tag("button", _say(locale, "web-try"), type="button", data_action=TRY, data_message=0)
    row = "" if tab == "batch" else _tag("div", _tag("div", button, class_="cb-row"), class_="cb-buttons")
    content = picture + _heading(locale, f"web-empty-{tab}") + row
    return _tag("div", content, class_="cb-empty", lang=locale.language)


def note(locale: Locale, text: str) -> str:
    """Words beside something else."""
    return _tag("p", escape(text), class_="cb-note", lang=locale.language)


def about(locale: Locale, facts: Mapping[str, str]) -> str:
    """What runs here: `facts` by name, each with a `web-about-...` of the locale."""
    rows = _join(
        _tag("div", _tag("dt", _say(locale, f"web-about-{name}")) + _tag("dd", escape(value)))
        for name, value in facts.items()
    )
    return _tag("dl", rows, class_="cb-about", lang=locale.language)


def _message(locale: Locale, message: Message) -> str:
    speaker = _say(locale, "web-you" if message.is_own else "web-label")
    parts = [_tag("h3", speaker, class_="cb-hidden")]
    if message.text:
        parts.append(_tag("p", escape(message.text), class_="cb-text"))
    if message.pictures:
        figures = _join(_figure(locale, picture) for picture in message.pictures)
        parts.append(_tag("div", figures, class_="cb-pictures"))
    if message.files:
        files = _join(_tag("li", _download(locale, file, file.name)) for file in message.files)
        parts.append(_tag("ul", files, class_="cb-files", role="list"))
    if message.buttons:
        parts.append(_tag("div", _rows(message.buttons, message.id), class_="cb-buttons"))
    bubble = _tag("div", _join(parts), class_="cb-bubble")
    kind, picture = ("cb-message cb-own", "") if message.is_own else ("cb-message", _logo(32))
    return _tag("article", picture + bubble, id=f"message-{message.id}", class_=kind)


def _heading(locale: Locale, message: str) -> str:
    return _tag("h2", _say(locale, message)) + _tag("p", _say(locale, f"{message}-hint"))


def _figure(locale: Locale, picture: Picture) -> str:
    caption = _tag("span", escape(picture.name), class_="cb-name") + _download(locale, picture)
    return _tag("figure", _linked(picture) + _tag("figcaption", caption))


def _linked(picture: Picture) -> str:
    return _tag("a", _image(picture), class_="cb-picture", href=_url(picture), target="_blank", rel="noopener")


def _image(picture: Picture) -> str:
    label = picture.alt or picture.name
    if not picture.url or not (picture.small or PurePath(picture.name).suffix.lower() in MEDIA_TYPES):
        return _tag("span", _sign(NO_PICTURE), class_="cb-tile", role="img", aria_label=label)
    return _open_tag(
        "img",
        src=_url(picture) + (SMALL if picture.small else ""),
        alt=label,
        width=picture.width,
        height=picture.height,
        loading="lazy",
        decoding="async",
    )


def _download(locale: Locale, picture: Picture, text: str = "") -> str:
    """A link that says what it downloads, with `text` or with a sign alone."""
    label = locale.say("web-download", name=picture.name)
    return _tag(
        "a",
        _sign(DOWNLOAD) + escape(text),
        class_="cb-download",
        href=_url(picture),
        download=picture.name,
        aria_label=label,
        title=label,
    )


def _rows(rows: Rows, message: int) -> str:
    return _join(_tag("div", _join(_button(button, message) for button in row), class_="cb-row") for row in rows)


def _button(button: Button, message: int) -> str:
    return _tag(
        "button",
        escape(button.label),
        type="button",
        data_action=button.action,
        data_message=message,
        aria_current="true" if button.label.startswith(CHOSEN) else None,
    )


def _card(locale: Locale, photo: PhotoView) -> str:
    # What could not be read cannot be shown either.
    upload = photo.upload if photo.state is not State.FAILED else None
    shown = _linked(photo.cartoon) if photo.cartoon else _image(upload or Picture("", "", photo.name))
    name = _tag("span", str(photo.number), class_="cb-number") + " " + escape(photo.name)
    state = _sign(SIGNS[photo.state]) + _say(locale, f"web-state-{photo.state}")
    facts = _tag("p", name, class_="cb-name") + _tag("p", state, class_="cb-state")
    if photo.reason:
        facts += _tag("p", escape(photo.reason), class_="cb-reason")
    download = _download(locale, photo.cartoon) if photo.cartoon else ""
    return _tag("li", shown + _tag("div", facts, class_="cb-facts") + download, class_=f"cb-card cb-{photo.state}")


def _bar(locale: Locale, view: JobView) -> str:
    done, total = _settled(view)
    return _tag("progress", max=total, value=done, aria_label=locale.say("web-progress-label"))


def _progress(locale: Locale, view: JobView) -> str:
    states = [photo.state for photo in view.photos]
    if view.is_over:
        done, failed = states.count(State.DONE), states.count(State.FAILED)
        return locale.say("web-over", done=done, failed=failed, cancelled=len(states) - done - failed).strip()
    done, total = _settled(view)
    wait = wait_words(view.seconds)
    if not done and State.DRAWING not in states:
        return locale.say("queued", photos=total, look=view.look, ahead=view.ahead, **wait)
    return locale.say("web-progress", done=done, photos=total, ahead=view.ahead, **wait)


def _settled(view: JobView) -> tuple[int, int]:
    """How many photos are done or failed, and how many are to be."""
    wanted = [photo.state for photo in view.photos if photo.state is not State.CANCELLED]
    return sum(state in (State.DONE, State.FAILED) for state in wanted), len(wanted)


def _logo(side: int) -> str:
    return _open_tag("img", class_="cb-logo", src=ICON, alt="", width=side, height=side)


def _sign(lines: str) -> str:
    path = _tag("path", d=lines)
    return _tag("svg", path, class_="cb-sign", viewBox="0 0 24 24", aria_hidden="true")


def _url(picture: Picture) -> str:
    # Without a colon it is no scheme, and without two slashes in front no other host.
    path, mark, version = picture.url.lstrip("/").partition("?")
    return quote(path) + mark + quote(version)


def _say(locale: Locale, message: str) -> str:
    return escape(locale.say(message))


def _join(parts: Iterable[str]) -> str:
    return "".join(parts)


def _tag(name: str, content: str = "", /, **attributes: object) -> str:
    """An element around HTML. Attributes are text: None leaves one out, aria_label is aria-label, class_ class."""
    return f"{_open_tag(name, **attributes)}{content}</{name}>"


def _open_tag(name: str, /, **attributes: object) -> str:
    written = (
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{_join(written)}>"
