"""The HTML of the page: what strangers write is no markup, all has a name, nothing comes from elsewhere."""

from collections.abc import Sequence
from html.parser import HTMLParser
from importlib import resources

import gradio as gr
import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from bots.locales import LANGUAGES, Locale
from bots.panel import CHOSEN
from bots.replies import Button
from bots.web import markup
from bots.web.theme import build_theme
from bots.web.views import JobView, Message, PhotoView, Picture, State

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;{{x}}${y}"
VOID = {"img"}
Attributes = dict[str, str | None]


class Page(HTMLParser):
    """The elements of a page with their attributes, in order, and its text. `unclosed` is empty in a sound one."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Attributes]] = []
        self.text = ""
        self.unclosed: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.unclosed.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, kind: str = "") -> list[Attributes]:
        """The elements of a tag, and of a class where one is given."""
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and (not kind or kind in (attributes.get("class") or "").split())
        ]


def picture(name: str, alt: str = "", width: int | None = None, height: int | None = None) -> Picture:
    return Picture(f"files/results/{name}", name, alt, width, height)


def messages(words: str) -> Sequence[Message]:
    buttons = ((Button("0.5", "redo:j:0.5"), Button(f"{CHOSEN}0.7", "redo:j:0.7")), (Button(words, words),))
    return [
        Message(16, True, words, [picture("cat.jpg", words), picture(f"{words}.jpg"), picture(f"{words}.heic")]),
        Message(
            17, False, f"one\ntwo {words}", [picture("1.jpg", "A cat", 640, 480)], [picture("all.zip")], buttons
        ),
    ]


def job(words: str, *states: State) -> JobView:
    photos = [
        PhotoView(
            number,
            f"{words} {number}.jpg",
            state,
            picture(f"{words}{number}.{'heic' if number == 1 else 'jpg'}"),
            picture(f"{number}.jpg", words) if state is State.DONE else None,
            words if state is State.FAILED else "",
        )
        for number, state in enumerate(states, 1)
    ]
    return JobView("j", words, photos, ahead=2, seconds=40.0)


def everything(locale: Locale, words: str) -> str:
    """All that there is, with `words` wherever strangers have a say."""
    parts = (
        markup.header(locale),
        markup.chat(locale, messages(words)),
        markup.chat(locale, []),
        markup.job(locale, job(words, *State)),
        markup.job(locale, job(words, State.FAILED, State.CANCELLED)),
        markup.empty(locale, "single"),
        markup.empty(locale, "batch"),
        markup.about(locale, {"version": words}),
    )
    return "".join(parts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_strangers_write_is_shown_as_they_wrote_it_and_is_never_markup(language: str):
    kind, hostile = (Page(everything(Locale(language), words)) for words in ("kind", HOSTILE))
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in kind.elements]
    assert [[*attributes] for _, attributes in hostile.elements] == [
        [*attributes] for _, attributes in kind.elements
    ]
    assert hostile.text.replace(HOSTILE, "kind") == kind.text
    assert hostile.unclosed == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_button_link_and_bar_has_a_name(language: str):
    html = everything(Locale(language), "cat")
    page = Page(html)
    assert all(image["alt"] or image["src"] == markup.ICON for image in page.all("img"))
    assert all(tile["role"] == "img" and tile["aria-label"] for tile in page.all("span", "cb-tile"))
    assert all(link["aria-label"] and link["download"] for link in page.all("a", "cb-download"))
    assert all(bar["aria-label"] for bar in page.all("progress"))
    assert all(button["type"] == "button" for button in page.all("button"))
    assert "></button>" not in html
    assert all(sign["aria-hidden"] == "true" for sign in page.all("svg"))


def test_the_chat_is_a_log_of_articles_with_who_speaks():
    page = Page(markup.chat(Locale("en"), messages("cat")))
    log = page.elements[0][1]
    assert (log["role"], log["aria-live"], log["aria-relevant"]) == ("log", "polite", "additions")
    assert (log["tabindex"], log["aria-label"]) == ("0", "Conversation")
    assert [article["id"] for article in page.all("article")] == ["message-16", "message-17"]
    assert page.text.startswith("Youcat")
    assert "Cartoonbotone\ntwo cat" in page.text


def test_a_picture_opens_whole_takes_its_room_beforehand_and_can_be_downloaded():
    page = Page(markup.chat(Locale("en"), messages("cat")[1:]))
    (link,), (image,) = page.all("a", "cb-picture"), page.all("img", "")[1:]
    assert (link["href"], link["target"], link["rel"]) == ("files/results/1.jpg", "_blank", "noopener")
    assert (image["alt"], image["width"], image["height"], image["loading"]) == ("A cat", "640", "480", "lazy")
    downloads = [(each["href"], each["aria-label"]) for each in page.all("a", "cb-download")]
    assert downloads == [
        ("files/results/1.jpg", "Download 1.jpg"),
        ("files/results/all.zip", "Download all.zip"),
    ]


def test_a_button_says_what_it_asks_for_and_which_one_is_chosen():
    page = Page(markup.chat(Locale("en"), messages("x")))
    buttons = [
        (each["data-action"], each["data-message"], each.get("aria-current")) for each in page.all("button")
    ]
    assert buttons == [("redo:j:0.5", "17", None), ("redo:j:0.7", "17", "true"), ("x", "17", None)]


def test_a_photo_that_browsers_cannot_show_is_a_tile_with_its_name():
    page = Page(markup.chat(Locale("en"), [Message(1, True, "", [picture("IMG_1.HEIC")])]))
    assert [tile["aria-label"] for tile in page.all("span", "cb-tile")] == ["IMG_1.HEIC"]
    assert page.all("img") == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("files/a b#1.jpg?12", "files/a%20b%231.jpg?12"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("//elsewhere/x", "elsewhere/x"),
    ],
)
def test_an_address_is_a_place_below_the_page(url: str, shown: str):
    page = Page(markup.chat(Locale("en"), [Message(1, False, "", [Picture(url, "x.jpg")])]))
    assert {link["href"] for link in page.all("a")} == {shown}


@pytest.mark.parametrize(
    ("states", "sentence", "bar"),
    [
        (
            [State.WAITING, State.WAITING],
            "Got your 2 photos: ink. 2 photos come first. It should",
            None,
        ),
        ([State.DONE, State.DRAWING], "1 of 2 done · 2 photos come first · about 40 seconds left", ("1", "2")),
        ([State.FAILED, State.WAITING, State.CANCELLED], "1 of 2 done · 2 photos", ("1", "2")),
        ([State.DONE, State.DONE], "Your 2 cartoons are ready.ink", None),
        ([State.FAILED], "One photo could not be drawn", None),
        (
            [State.DONE, State.CANCELLED],
            "Your cartoon is ready. One was cancelled",
            None,
        ),
    ],
)
def test_a_job_tells_how_far_it_is_in_words_and_with_a_bar(
    states: list[State], sentence: str, bar: tuple[str, str] | None
):
    page = Page(markup.job(Locale("en"), job("ink", *states)))
    assert page.text.startswith(sentence)
    bars = [(each["value"], each["max"]) for each in page.all("progress")]
    assert bars == ([bar] if bar else [("0", "2")] if State.WAITING in states else [])


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_state_of_a_photo_has_words_and_a_sign_of_its_own(language: str):
    locale = Locale(language)
    words = {state: locale.say(f"web-state-{state}") for state in State}
    assert len({*words.values()}) == len({*markup.SIGNS.values()}) == len(State)
    for state in State:
        page = Page(markup.job(locale, job("ink", state)))
        assert f"1 ink 1.jpg{words[state]}" in page.text
        assert {path["d"] for path in page.all("path")} & {*markup.SIGNS.values()} == {markup.SIGNS[state]}


def test_a_failed_photo_says_why_and_a_done_one_shows_its_cartoon():
    page = Page(markup.job(Locale("en"), job("ink", State.FAILED, State.DONE)))
    assert "1 ink 1.jpgNot drawnink" in page.text
    assert [link["href"] for link in page.all("a", "cb-picture")] == ["files/results/2.jpg"]


@pytest.mark.parametrize("name", ["page.css", "page.js", "icon.svg"])
def test_nothing_of_the_page_is_loaded_from_elsewhere(name: str):
    text = resources.files("bots.web").joinpath(name).read_text(encoding="utf-8")
    text = text.replace("http://www.w3.org/2000/svg", "")
    assert text.strip()
    assert "//" not in text.replace("// ", "")
    assert "@import" not in text
    assert "url(" not in text


async def test_colours_and_fonts_come_from_this_machine():
    theme = build_theme()
    app = gr.mount_gradio_app(FastAPI(), gr.Blocks(analytics_enabled=False), path="/", ssr_mode=False, theme=theme)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://page") as client:
        css = (await client.get("/theme.css")).text
        stylesheets = (await client.get("/config")).json()["stylesheets"]
    assert "PingFang SC" in css
    assert "//" not in css.replace("http://www.w3.org/2000/svg", "")
    assert "@font-face" not in css
    assert stylesheets == []
