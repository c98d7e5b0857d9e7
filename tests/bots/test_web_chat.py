"""The chat of the web app, without a page: what is written and pressed, and what is in the chat then."""

import asyncio
import os
import zipfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from bots.actions import Action
from bots.delivery import Parcel
from bots.frontend import Note
from bots.locales import Locale
from bots.panel import CHOSEN, SETTINGS
from bots.replies import Reply
from bots.web.chat import MOST_LETTERS
from bots.web.frontend import WebFrontEnd
from bots.web.places import chat_of, desk_of
from bots.web.views import Message
from core.errors import PhotoUnavailable, SizeOutOfRange
from core.jobs import MAX_PHOTOS, Chat, Job, PhotoStatus
from core.look import SHEET_SIZE, Look, Preferences
from tests.bots.web_house import ANNA, BEN, LI, PATIENCE, WebHouse, button_of, web_house_in

EN = Locale("en")


@asynccontextmanager
async def drawing_in(folder: Path, user_limit: int = 60) -> AsyncGenerator[WebHouse]:
    async with web_house_in(folder, user_limit=user_limit) as house, house.drawing():
        yield house


class InterruptedFrontEnd(WebFrontEnd):
    """Where the program is killed while it delivers: before the message is said, or just after."""

    def __init__(self, house: WebHouse, was_said: bool) -> None:
        super().__init__("127.0.0.1", 0, house.services, house.door)
        self.reached = asyncio.Event()
        self._was_said = was_said

    async def deliver(
        self, chat: Chat, parcel: Parcel, caption: Reply, note: Note, into: str | None = None
    ) -> list[str]:
        async def note_and_stop(trace: str) -> None:
            await note(trace)
            await self._stop()

        await super().deliver(chat, parcel, caption, note if self._was_said else note_and_stop, into)
        return await self._stop()

    async def _stop(self) -> list[str]:
        self.reached.set()
        await asyncio.Event().wait()
        return []


async def jobs_of(house: WebHouse) -> list[Job]:
    rows = await house.database.select("SELECT id FROM jobs", ())
    return [await house.job(row["id"]) for row in rows]


def labels(message: Message) -> list[str]:
    return [button.label for row in message.buttons for button in row]


def said(messages: list[Message]) -> list[str]:
    return [message.text for message in messages]


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("/style pop 0.9", "Kept: pop, strength 0.9", "已记住：pop，强度 0.9"),
        ("/size 5", '"5" is not a size I can use', "“5”不能作为尺寸"),
        ("/help", "Drop photos (up to 20)", "把照片"),
        ("/privacy", "Photos are drawn on the machine", "照片只在运行"),
        ("/queue", "Nothing of yours is waiting", "你没有排队的照片"),
        ("/compare", "Please send me a photo first", "请先发给我一张照片"),
        ("/nonsense", Locale("en").say_on("web", "unknown-command", command="/nonsense"), "我不认识"),
        ("hello", Locale("en").say_on("web", "send-a-photo"), Locale("zh-CN").say_on("web", "send-a-photo")),
    ],
)
async def test_what_is_written_is_answered_in_the_language_of_the_browser(
    tmp_path: Path, text: str, english: str, chinese: str
):
    async with web_house_in(tmp_path) as house:
        for person, start in ((ANNA, english), (LI, chinese)):
            own, answer = await house.tell(person, text)
            assert (own.text, own.is_own, answer.is_own) == (text, True, False)
            assert answer.text.startswith(start)
            assert not await house.chat.is_waiting(person.owner.user)


async def test_nothing_at_all_is_no_message(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        assert await house.tell(ANNA, "  \n ") == []


async def test_a_long_message_is_cut_and_half_a_letter_is_replaced(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        for text, kept in (("x" * (MOST_LETTERS + 1), "x" * MOST_LETTERS), ("a\ud83d", "a?")):
            own, answer = (await house.tell(ANNA, text))[-2:]
            assert (own.text, answer.text) == (kept, EN.say_on("web", "send-a-photo"))


async def test_a_chat_is_its_persons_alone(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        await house.tell(ANNA, "hers")
        await house.tell(BEN, "his")
        assert "hers" not in said(await house.chat.messages(BEN.owner.user))
        assert "his" not in said(await house.chat.messages(ANNA.owner.user))


async def test_pictures_of_answers_are_on_the_shelf(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        for command in ("/start", "/style"):
            (picture,) = (await house.tell(ANNA, command))[-1].pictures
            path = house.file(ANNA, picture)
            assert path
            with Image.open(path) as image:
                assert image.format == "JPEG"
            assert house.file(BEN, picture) is None


async def test_photos_come_back_in_one_message_in_the_look_of_their_caption(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        own, answer = await house.tell(ANNA, "pop 0.9 /size 512 /format png", "my cat.jpg", "dog.jpg")
        assert [(picture.name, picture.alt) for picture in own.pictures] == [("my cat.jpg", ""), ("dog.jpg", "")]
        assert answer.text == "Here are your 2 cartoons: pop 0.9."
        assert [picture.name for picture in answer.pictures] == ["01-pop.png", "02-pop.png"]
        assert answer.pictures[0].alt == "my cat.jpg as a cartoon: pop 0.9, 512 px, png"
        for picture in answer.pictures:
            path = house.file(ANNA, picture)
            assert path
            with Image.open(path) as image:
                assert (image.size, image.format) == ((picture.width, picture.height), "PNG")
                assert max(image.size) == 512
            assert house.file(BEN, picture) is None
        assert answer.files == []
        # What the caption asked for was for these photos.
        assert (await house.conversation.preferences(ANNA.owner)).look == Look()
        assert not [path for path in house.spool.folder.iterdir() if path.is_file()]


async def test_a_cartoon_offers_what_a_browser_does_not_have_already(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        answer = (await house.tell(ANNA, "", "a.jpg"))[-1]
        kept = ["0.3", "0.5", f"{CHOSEN}0.7", "0.9", "1.0", "Another style", "Compare", "Before / after"]
        assert labels(answer) == [*kept, "Delete"]


async def test_a_command_that_is_not_about_photos_is_obeyed_before_they_are_drawn(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        _, kept, answer = await house.tell(ANNA, "/format webp", "a.jpg")
        assert kept.text.startswith("Kept: ink, strength 0.7, 1024 px, webp")
        assert [picture.name for picture in answer.pictures] == ["01-ink.webp"]
        for command in ("/cartoon", "/Cartoon"):
            *_, own, answer = await house.tell(ANNA, f"{command} pop 0.5", "b.jpg")
            assert (own.is_own, answer.text) == (True, "Here is your cartoon: pop 0.5.")


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("/compare", "Several strengths of ink."),
        ("/compare styles", "All styles at strength 0.7."),
        ("/compare pop", "Several strengths of pop."),
    ],
)
async def test_a_photo_is_compared_at_once_or_afterwards(tmp_path: Path, text: str, done: str):
    async with drawing_in(tmp_path) as house:
        _, answer = await house.tell(ANNA, text, "a.jpg")
        assert answer.text == done
        path = house.file(ANNA, answer.pictures[0])
        assert path
        with Image.open(path) as image:
            assert image.width >= SHEET_SIZE
        if text != "/compare pop":
            # A command alone is about the last photo.
            await house.tell(ANNA, "", "b.jpg")
            assert (await house.tell(ANNA, text))[-1].text == done


async def test_what_is_compared_later_is_the_last_photo_of_the_chat_and_not_of_a_desk(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        await house.tell(ANNA, "", "of the chat.jpg")
        await house.desk.start(ANNA, "single", [house.upload(ANNA, "of the desk.jpg")], Look())
        await house.quiet(ANNA)
        answer = (await house.tell(ANNA, "/compare"))[-1]
        assert answer.pictures[0].alt.startswith("of the chat.jpg")


async def test_the_settings_panel_goes_from_page_to_page_in_one_message(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        panel = (await house.tell(ANNA, "/settings"))[-1]
        front = labels(panel)
        assert len(front) == len(SETTINGS)
        for label in front:
            panel = (await house.tell(ANNA, "/settings"))[-1]
            assert await house.press(ANNA, panel, label) == ""
            page = (await house.chat.messages("anna"))[-1]
            assert (page.id, page.text != panel.text) == (panel.id, True)
            choices = [button for row in page.buttons for button in row if button.is_choice]
            assert choices, label
            for choice in choices:
                pressed = await house.chat.press(ANNA, choice.action, page.id)
                assert not pressed.is_error
                now = (await house.chat.messages("anna"))[-1]
                marked = [
                    button.action for row in now.buttons for button in row if button.label.startswith(CHOSEN)
                ]
                assert choice.action in marked
            await house.tell(ANNA, "/language auto")
        kept = await house.settings.of(ANNA.owner)
        assert kept
        assert kept.look != Look()


async def test_buttons_under_a_cartoon_draw_it_anew(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        answer = (await house.tell(ANNA, "", "a.jpg"))[-1]
        for label, text in (
            ("0.9", "Here is your cartoon: ink 0.9."),
            ("Compare", "Several strengths of ink."),
            ("Before / after", "Before and after: ink 0.7."),
        ):
            assert "On its way" in await house.press(ANNA, answer, label)
            assert (await house.quiet(ANNA))[-1].text == text
        before = answer.buttons
        await house.press(ANNA, answer, "Another style")
        (offering,) = [message for message in await house.chat.messages("anna") if message.id == answer.id]
        assert offering.buttons != before
        await house.press(ANNA, offering, "pop")
        messages = await house.quiet(ANNA)
        assert messages[-1].text == "Here is your cartoon: pop 0.7."
        assert next(message for message in messages if message.id == answer.id).buttons == before


async def test_going_back_brings_the_same_buttons_as_before(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        answer = (await house.tell(ANNA, "", "a.jpg"))[-1]
        await house.press(ANNA, answer, "Another style")
        offering = (await house.chat.messages("anna"))[-1]
        await house.press(ANNA, offering, "‹ Back")
        assert (await house.chat.messages("anna"))[-1] == answer


async def test_pressed_twice_it_is_drawn_once(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        async with house.drawing():
            answer = (await house.tell(ANNA, "", "a.jpg"))[-1]
        for is_new in (True, False):
            pressed = await house.chat.press(ANNA, button_of(answer, "0.9").action, answer.id)
            assert pressed.is_drawing is is_new
        assert len(await house.jobs.unsettled(ANNA.owner)) == 1


async def test_deleting_takes_the_message_and_its_cartoons_and_nothing_else(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        first = (await house.tell(ANNA, "", "a.jpg", "b.jpg"))[-1]
        await house.tell(ANNA, "/deliver zip")
        zipped = (await house.tell(ANNA, "", "c.jpg", "d.jpg"))[-1]
        last = (await house.tell(ANNA, "/deliver auto", "e.jpg"))[-1]
        before = len(house.files_of(ANNA))
        for message in (first, zipped):
            assert await house.press(ANNA, message, "Delete") == EN.say("deleted")
            assert message.id not in [each.id for each in await house.chat.messages("anna")]
            for picture in (*message.pictures, *message.files):
                assert house.file(ANNA, picture) is None
        assert len(house.files_of(ANNA)) == before - 3
        assert house.file(ANNA, last.pictures[0])
        # Its message is gone, but the page of another window may still show the button.
        assert await house.press(ANNA, first, "Delete") == EN.say("deleted")


async def test_what_is_deleted_can_no_longer_be_drawn_again_only_once_the_upload_is_gone(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        answer = (await house.tell(ANNA, "", "a.jpg"))[-1]
        for path in house.files_of(ANNA):
            if path.parent.parent.name == "uploads":
                path.unlink()
        await house.press(ANNA, answer, "0.9")
        assert (await house.quiet(ANNA))[-1].text == "a.jpg: I could not fetch it. Please send it again."


async def test_nobody_presses_what_is_somebody_elses(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        await house.tell(ANNA, "/settings")
        answer = (await house.tell(ANNA, "", "a.jpg"))[-1]
        hers = await house.chat.messages("anna")
        panel = next(message for message in hers if message.text.startswith("Your settings"))
        files = house.files_of(ANNA)
        for message in (answer, panel):
            for button in (button for row in message.buttons for button in row):
                for number in (message.id, 1, -1, 10**9):
                    pressed = await house.chat.press(BEN, button.action, number)
                    assert (pressed.is_refused, pressed.toast) == (True, EN.say("button-not-yours"))
        assert await house.quiet(ANNA) == hers
        assert await house.quiet(BEN) == []
        assert house.files_of(ANNA) == files


async def test_a_press_changes_no_message_of_somebody_else(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        hers = (await house.tell(ANNA, "", "a.jpg"))[-1]
        panel = (await house.tell(BEN, "/settings"))[-1]
        await house.chat.press(BEN, panel.buttons[0][0].action, hers.id)
        his = (await house.tell(BEN, "", "b.jpg"))[-1]
        await house.web.delete(chat_of("ben"), [str(hers.id)])
        assert (await house.chat.messages("anna"))[-1] == hers
        assert house.file(ANNA, hers.pictures[0])
        assert (await house.chat.messages("ben"))[-1] == his


@pytest.mark.parametrize(
    "action",
    ["", ":", "redo", "redo::", "redo:none:0.5", "delete:", "nonsense:1:2", "set:anna:size:9", "\0", "x" * 9999],
)
async def test_a_button_that_is_none_is_answered_in_words(tmp_path: Path, action: str):
    async with web_house_in(tmp_path) as house:
        pressed = await house.chat.press(ANNA, action, 1)
        assert pressed.is_error
        assert pressed.toast in (EN.say("button-too-old"), EN.error(SizeOutOfRange(given="9", low=512, high=2048)))


async def test_a_desks_job_has_no_message_to_delete(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        job_id = await house.desk.start(ANNA, "single", [house.upload(ANNA, "a.jpg")], Look())
        view = await house.desk.finished(ANNA, job_id)
        assert view
        await house.chat.press(ANNA, str(Action("delete", job_id)), 1)
        (photo,) = view.photos
        assert photo.cartoon
        assert house.file(ANNA, photo.cartoon)


async def test_of_too_many_photos_the_first_are_drawn_and_it_is_said(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        names = [f"{number}.jpg" for number in range(MAX_PHOTOS + 1)]
        own, told, answer = await house.tell(ANNA, "", *names)
        assert len(own.pictures) == MAX_PHOTOS + 1
        assert told.text == EN.say("too-many-photos", most=MAX_PHOTOS)
        assert len(answer.pictures) == MAX_PHOTOS


async def test_photos_that_there_is_no_room_for_are_told_with_those_that_failed(tmp_path: Path):
    async with drawing_in(tmp_path, user_limit=2) as house:
        bad = house.upload(ANNA, "notes.jpg", b"just some words, and nothing of a picture")
        uploads = [house.upload(ANNA, "a.jpg"), bad, house.upload(ANNA, "c.jpg"), house.upload(ANNA, "d.jpg")]
        await house.chat.hear(ANNA, "", uploads)
        messages = await house.quiet(ANNA)
        (told,) = [message.text for message in messages if message.text.startswith("Photo ")]
        first, third, fourth = told.split("\n")
        assert first.startswith("Photo 2 (notes.jpg): this is not a picture I can read.")
        assert third.startswith("Photo 3 (c.jpg): 2 of your photos are still waiting")
        assert fourth.startswith("Photo 4 (d.jpg): 2 of your photos are still waiting")
        shown = [picture.name for message in messages if not message.is_own for picture in message.pictures]
        assert shown == ["01-ink.jpg"]


async def test_what_is_too_much_for_a_day_is_told(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        await house.people.set_quota(ANNA.owner, 1)
        own, *answers = await house.tell(ANNA, "", "a.jpg", "b.jpg")
        refusal = next(message.text for message in answers if not message.pictures)
        assert refusal.startswith("Photo 2 (b.jpg): Your photo for today is used up.")
        pressed = await house.chat.press(ANNA, f"redo:{(await jobs_of(house))[0].id}:0.9", own.id)
        assert (pressed.is_error, pressed.is_drawing) == (True, False)
        assert pressed.toast.startswith("Your photo for today is used up.")


async def test_waiting_photos_can_be_called_off(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        await house.chat.hear(ANNA, "", [house.upload(ANNA, "a.jpg"), house.upload(ANNA, "b.jpg")])
        assert await house.chat.is_waiting("anna")
        assert not await house.chat.is_waiting("ben")
        await house.chat.hear(ANNA, "/cancel", [])
        messages = await house.quiet(ANNA)
        assert [message.text for message in messages if not message.is_own] == [EN.say("cancelled", photos=2)]


async def test_the_chat_does_not_wait_for_what_a_desk_draws(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        await house.desk.start(ANNA, "single", [house.upload(ANNA, "a.jpg")], Look())
        assert await house.jobs.has_open(ANNA.owner, desk_of("anna", "single"))
        for chat in (chat_of("anna"), desk_of("anna", "batch")):
            assert not await house.jobs.has_open(ANNA.owner, chat)
        assert not await house.jobs.has_open(BEN.owner, desk_of("anna", "single"))
        assert not await house.chat.is_waiting("anna")


async def test_an_upload_is_kept_as_long_as_what_was_made_of_it_last(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        upload = house.upload(ANNA, "a.jpg")
        os.utime(upload, (1, 1))
        await house.chat.hear(ANNA, "", [upload])
        answer = (await house.quiet(ANNA))[-1]
        house.shelf.sweep(before=2)
        assert upload.exists()
        await house.press(ANNA, answer, "0.9")
        assert (await house.quiet(ANNA))[-1].text == "Here is your cartoon: ink 0.9."


async def test_to_be_forgotten_empties_the_chat_and_the_shelf(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        for person in (ANNA, BEN):
            await house.tell(person, "0.9", "a.jpg")
        kept = await house.chat.messages("ben")
        messages = await house.tell(ANNA, "/forget")
        assert [message.text for message in messages] == [EN.say("forgotten", photos=1, jobs=1, settings=0)]
        assert house.files_of(ANNA) == []
        assert await house.chat.messages("ben") == kept
        assert house.files_of(BEN)


async def test_to_be_forgotten_while_photos_wait_leaves_nothing_coming(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        await house.chat.hear(ANNA, "", [house.upload(ANNA, "a.jpg")])
        messages = await house.tell(ANNA, "/forget")
        async with house.drawing():
            assert await house.quiet(ANNA) == messages
        assert house.files_of(ANNA) == []
        assert len(house.queue) == 0


async def test_only_what_is_on_the_persons_own_shelf_is_an_upload(tmp_path: Path):
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"not for anybody")
    async with web_house_in(tmp_path) as house:
        hers, his = house.upload(ANNA, "a.jpg"), house.upload(BEN, "b.jpg")
        assert house.services.own(ANNA, [str(hers)]) == [hers]
        for path in (str(his), str(secret), "", "\0", f"../ben/{his.name}"):
            with pytest.raises(PhotoUnavailable):
                house.services.own(ANNA, [str(hers), path])
        for reference in (f"anna/{his}", f"anna/{secret}", "anna/../ben", "anna/", "ben"):
            with pytest.raises(PhotoUnavailable):
                await house.web.fetch(reference, tmp_path / "fetched")
        assert not (tmp_path / "fetched").exists()


async def test_several_cartoons_come_as_one_archive_where_that_is_wanted(tmp_path: Path):
    async with drawing_in(tmp_path) as house:
        await house.tell(ANNA, "/deliver zip")
        answer = (await house.tell(ANNA, "", "a.jpg", "b.jpg"))[-1]
        assert (answer.text, answer.pictures) == ("Here are your 2 cartoons: ink 0.7.", [])
        (file,) = answer.files
        assert file.name == "cartoons.zip"
        path = house.file(ANNA, file)
        assert path
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == ["01.jpg", "02.jpg"]
            assert archive.testzip() is None
        assert not [path for path in house.spool.folder.iterdir() if path.is_file()]


@pytest.mark.parametrize("delivery", ["auto", "zip"])
@pytest.mark.parametrize("was_said", [False, True])
async def test_a_kill_while_cartoons_are_shown_shows_them_exactly_once(
    tmp_path: Path, delivery: str, was_said: bool
):
    async with drawing_in(tmp_path) as house:
        await house.conversation.keep(ANNA.owner, Preferences(delivery=delivery))
        interrupted = house.front_ends["web"] = InterruptedFrontEnd(house, was_said)
        await house.chat.hear(ANNA, "", [house.upload(ANNA, name) for name in ("a.jpg", "b.jpg")])
        async with asyncio.timeout(PATIENCE):
            await interrupted.reached.wait()
        await house.courier.close(grace=0)
        assert ("Here are your 2 cartoons: ink 0.7." in said(await house.chat.messages("anna"))) is was_said
        assert await house.chat.is_waiting("anna")
    for _ in range(2):
        async with web_house_in(tmp_path) as house:
            await house.restart()
            own, answer = await house.quiet(ANNA)
            assert (own.is_own, answer.text) == (True, "Here are your 2 cartoons: ink 0.7.")
            assert (len(answer.pictures), len(answer.files)) == ((0, 1) if delivery == "zip" else (2, 0))
            assert all(house.file(ANNA, picture) for picture in (*answer.pictures, *answer.files))
            assert {photo.status for job in await jobs_of(house) for photo in job.photos} == {PhotoStatus.ANSWERED}


async def test_photos_that_wait_are_drawn_after_a_restart(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        await house.chat.hear(ANNA, "0.9", [house.upload(ANNA, "a.jpg")])
    async with drawing_in(tmp_path) as house:
        await house.restart()
        assert said(await house.quiet(ANNA)) == ["0.9", "Here is your cartoon: ink 0.9."]
