"""The desks of the web app: a job that is watched from the outside, from its photos to its archive."""

import asyncio
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bots.frontend import Person
from bots.locales import Locale
from bots.web.places import chat_of, desk_of
from bots.web.views import JobView, State
from core.errors import PhotoUnavailable
from core.jobs import PhotoStatus
from core.look import Look, SheetKind
from tests.bots.web_house import ANNA, BEN, LI, PATIENCE, HeldEngine, WebHouse, web_house_in
from tests.pictures import gradient, jpeg_bytes

EN = Locale("en")
POP = Look("pop", 0.5, 512, "png")
WORDS = b"just some words, and nothing of a picture"


async def start(house: WebHouse, *names: str, person: Person = ANNA, look: Look = POP) -> str:
    uploads = [house.upload(person, name) for name in names]
    return await house.desk.start(person, "batch", uploads, look)


async def view(house: WebHouse, job_id: str, person: Person = ANNA) -> JobView:
    found = await house.desk.view(person, job_id)
    assert found
    return found


async def finished(house: WebHouse, job_id: str, person: Person = ANNA) -> JobView:
    async with asyncio.timeout(PATIENCE):
        found = await house.desk.finished(person, job_id)
    assert found
    return found


def states(shown: JobView) -> list[State]:
    return [photo.state for photo in shown.photos]


async def test_photos_are_seen_from_the_first_moment_to_the_last(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        engine = house.engine = HeldEngine()
        job_id = await start(house, *(f"{number}.jpg" for number in range(9)))
        waiting = await view(house, job_id)
        assert (waiting.is_over, waiting.ahead, waiting.seconds, waiting.is_sheet) == (False, 0, None, False)
        assert states(waiting) == [State.WAITING] * 9
        assert [(photo.number, photo.name) for photo in waiting.photos] == [
            (number + 1, f"{number}.jpg") for number in range(9)
        ]
        assert waiting.look == "pop 0.5, 512 px, png"
        for photo in waiting.photos:
            assert photo.upload
            assert photo.cartoon is None
            assert house.file(ANNA, photo.upload)
        async with house.drawing():
            assert await asyncio.to_thread(engine.held.wait, PATIENCE)
            # The first batch is drawn; its cartoons are there although the job goes on.
            begun = await view(house, job_id)
            while State.DONE not in states(begun):
                await house.jobs.answered({})
                begun = await view(house, job_id)
            assert not begun.is_over
            assert {State.DONE, State.DRAWING} <= set(states(begun))
            assert begun.seconds is not None
            for photo in begun.photos:
                assert (photo.cartoon is not None) is (photo.state is State.DONE)
                if photo.cartoon:
                    path = house.file(ANNA, photo.cartoon)
                    assert path
                    with Image.open(path) as image:
                        assert (image.format, max(image.size)) == ("PNG", 512)
            engine.released.set()
            over = await finished(house, job_id)
        assert over.is_over
        assert states(over) == [State.DONE] * 9
        # What was shown early is where it was.
        assert {photo.cartoon for photo in begun.photos if photo.cartoon} < {
            photo.cartoon for photo in over.photos
        }
        assert [photo.cartoon.name for photo in over.photos if photo.cartoon] == [
            f"{number + 1:02}-{number}-pop.png" for number in range(9)
        ]
        await house.quiet(ANNA)
        assert not [path for path in house.spool.folder.iterdir() if path.is_file()]
        assert await house.chat.messages("anna") == []


@pytest.mark.parametrize(("person", "reason"), [(ANNA, "This is not a picture I can read."), (LI, "这不是")])
async def test_what_failed_is_told_by_a_sentence_that_stands_by_itself(
    tmp_path: Path, person: Person, reason: str
):
    async with web_house_in(tmp_path) as house, house.drawing():
        good, bad = house.upload(person, "a.jpg"), house.upload(person, "notes.jpg", WORDS)
        job_id = await house.desk.start(person, "batch", [good, bad, good], POP)
        over = await finished(house, job_id, person)
        assert states(over) == [State.DONE, State.FAILED, State.DONE]
        assert over.photos[1].reason.startswith(reason)
        assert over.photos[1].cartoon is None
        assert [photo.reason for photo in over.photos if photo.number != 2] == ["", ""]
        archive = await house.desk.archive(person, job_id)
        with zipfile.ZipFile(archive) as file:
            assert file.namelist() == ["01-a-pop.png", "03-a-pop.png"]
        assert await house.chat.messages(person.owner.user) == []


async def test_photos_that_there_is_no_room_for_have_failed_and_the_others_are_drawn(tmp_path: Path):
    async with web_house_in(tmp_path, user_limit=1) as house, house.drawing():
        over = await finished(house, await start(house, "a.jpg", "b.jpg"))
        assert states(over) == [State.DONE, State.FAILED]
        assert over.photos[1].reason.startswith("1 of your photos are still waiting")


async def test_an_archive_holds_the_very_cartoons_in_the_order_of_the_photos(tmp_path: Path):
    async with web_house_in(tmp_path) as house, house.drawing():
        names = ["b.jpg", "a.jpg", "a.jpg", "no suffix", "猫.jpg"]
        over = await finished(house, await start(house, *names))
        path = await house.desk.archive(ANNA, over.id)
        assert path.name == "cartoons.zip"
        assert house.shelf.find("anna", str(path)) == path
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == [
                "01-b-pop.png",
                "02-a-pop.png",
                "03-a-pop.png",
                "04-no suffix-pop.png",
                "05-猫-pop.png",
            ]
            for photo in over.photos:
                assert photo.cartoon
                cartoon = house.file(ANNA, photo.cartoon)
                assert cartoon
                assert archive.read(photo.cartoon.name) == cartoon.read_bytes()


async def test_many_may_ask_for_an_archive_and_a_photo_at_once(tmp_path: Path):
    async with web_house_in(tmp_path) as house, house.drawing():
        over = await finished(house, await start(house, "a.jpg"))
        archives = await asyncio.gather(*(house.desk.archive(ANNA, over.id) for _ in range(20)))
        befores = await asyncio.gather(*(house.desk.before(ANNA, over) for _ in range(20)))
        assert len({*archives}) == len({*befores}) == 1
        with zipfile.ZipFile(archives[0]) as archive:
            assert archive.testzip() is None
        assert not [path for path in house.files_of(ANNA) if path.suffix == ".part"]


async def test_the_cartoon_of_a_lone_photo_is_named_after_it(tmp_path: Path):
    async with web_house_in(tmp_path) as house, house.drawing():
        over = await finished(house, await start(house, "my cat.jpg"))
        path = await house.desk.file(ANNA, over)
        assert path
        assert path.name == "my cat-pop.png"
        assert await house.desk.file(ANNA, over) == path
        (photo,) = over.photos
        assert photo.cartoon
        shown = house.file(ANNA, photo.cartoon)
        assert shown
        assert shown.read_bytes() == path.read_bytes()
        assert photo.cartoon.alt == "my cat.jpg as a cartoon: pop 0.5, 512 px, png"


async def test_a_cartoon_that_was_swept_away_is_gone_and_nothing_breaks(tmp_path: Path):
    async with web_house_in(tmp_path) as house, house.drawing():
        over = await finished(house, await start(house, "a.jpg"))
        house.shelf.sweep(before=2**40)
        later = await view(house, over.id)
        (photo,) = later.photos
        assert (photo.state, photo.reason) == (State.FAILED, EN.say("web-file-gone"))
        assert (photo.cartoon, photo.upload) == (None, None)
        # Nothing is left to look at.
        assert await house.desk.latest(ANNA, "batch") is None
        assert await house.desk.file(ANNA, over) is None
        assert await house.desk.before(ANNA, over) is None
        with pytest.raises(PhotoUnavailable):
            await house.desk.archive(ANNA, over.id)


async def test_a_job_is_its_persons_alone(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        job_id = await start(house, "a.jpg")
        hers = await view(house, job_id)
        for asked in (job_id, "", "none", "' OR 1=1 --", "\0", "../anna"):
            assert await house.desk.view(BEN, asked) is None
            assert await house.desk.finished(BEN, asked) is None
            assert await house.desk.cancel(BEN, asked) == 0
            with pytest.raises(PhotoUnavailable):
                await house.desk.archive(BEN, asked)
        async with house.drawing():
            over = await finished(house, job_id)
        for given in (hers, over):
            assert await house.desk.file(BEN, given) is None
            assert await house.desk.before(BEN, given) is None
        assert await house.desk.latest(BEN, "batch") is None
        with pytest.raises(PhotoUnavailable):
            await house.desk.archive(BEN, job_id)
        assert house.files_of(BEN) == []


async def test_each_desk_knows_its_last_job(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        assert await house.desk.latest(ANNA, "single") is None
        for desk in ("single", "batch", "single"):
            job_id = await house.desk.start(ANNA, desk, [house.upload(ANNA, "a.jpg")], POP)
            latest = await house.desk.latest(ANNA, desk)
            assert latest
            assert latest.id == job_id
        assert await house.jobs.latest(ANNA.owner, chat_of("anna")) is None
        assert (await house.job(job_id)).chat == desk_of("anna", "single")


async def test_a_page_that_does_not_know_its_job_any_more_watches_the_last_one(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        first, last = await start(house, "a.jpg"), await start(house, "b.jpg")
        for asked, shown in ((first, first), (last, last), ("", last)):
            watched = await house.desk.watched(ANNA, "batch", asked)
            assert watched
            assert watched.id == shown
        assert await house.desk.watched(ANNA, "batch", "none") is None
        assert await house.desk.watched(ANNA, "single", "") is None
        for asked in (first, ""):
            assert await house.desk.watched(BEN, "batch", asked) is None


async def test_the_last_job_is_shown_for_as_long_as_a_file_of_it_is_there(tmp_path: Path):
    async with web_house_in(tmp_path) as house, house.drawing():
        over = await finished(house, await start(house, "a.jpg"))
        (photo,) = over.photos
        assert photo.upload
        assert photo.cartoon
        for picture, is_left in ((photo.upload, True), (photo.cartoon, False)):
            path = house.file(ANNA, picture)
            assert path
            path.unlink()
            assert (await house.desk.latest(ANNA, "batch") is not None) is is_left


async def test_another_cartoon_under_the_same_name_has_another_address(tmp_path: Path):
    async with web_house_in(tmp_path) as house, house.drawing():
        over = await finished(house, await start(house, "a.jpg"))
        (photo,) = over.photos
        assert photo.cartoon
        path = house.file(ANNA, photo.cartoon)
        assert path
        os.utime(path, (1, 1))
        (again,) = (await view(house, over.id)).photos
        assert again.cartoon
        assert again.cartoon.url != photo.cartoon.url
        assert house.file(ANNA, again.cartoon) == path


async def test_what_is_called_off_is_over_and_what_is_drawn_stays(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        engine = house.engine = HeldEngine()
        job_id = await start(house, *(f"{number}.jpg" for number in range(9)))
        async with house.drawing():
            assert await asyncio.to_thread(engine.held.wait, PATIENCE)
            while State.DONE not in states(await view(house, job_id)):
                await house.jobs.answered({})
            waiting = asyncio.create_task(finished(house, job_id))
            called_off = await house.desk.cancel(ANNA, job_id)
            over = await waiting
            engine.released.set()
        assert 0 < called_off < 9
        assert over.is_over
        assert [states(over).count(state) for state in (State.CANCELLED, State.DONE)] == [
            called_off,
            9 - called_off,
        ]
        with zipfile.ZipFile(await house.desk.archive(ANNA, job_id)) as archive:
            assert len(archive.namelist()) == 9 - called_off
        assert await house.desk.cancel(ANNA, job_id) == 0


async def test_who_waits_for_what_is_forgotten_hears_that_nothing_comes(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        job_id = await start(house, "a.jpg")
        waiting = asyncio.create_task(house.desk.finished(ANNA, job_id))
        # Its question is answered after this one.
        await house.desk.view(ANNA, job_id)
        await house.desk.view(ANNA, job_id)
        assert not waiting.done()
        await house.orders.forget(ANNA.owner)
        async with asyncio.timeout(PATIENCE):
            assert await waiting is None
        assert await house.desk.finished(ANNA, job_id) is None


async def test_however_many_wait_each_hears_of_the_end(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        job_id = await start(house, "a.jpg")
        waiting = [asyncio.create_task(finished(house, job_id)) for _ in range(3)]
        await house.desk.view(ANNA, job_id)
        await house.desk.view(ANNA, job_id)
        # One closes the page, and somebody else asks for what is not theirs.
        waiting.pop(0).cancel()
        assert await house.desk.finished(BEN, job_id) is None
        async with house.drawing():
            assert [states(each) for each in await asyncio.gather(*waiting)] == [[State.DONE]] * 2


@pytest.mark.parametrize("orientation", [1, 6])
async def test_the_photo_is_as_large_as_its_cartoon_and_as_upright(tmp_path: Path, orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    # Dark on the left, as it is stored; turned by 90 degrees, at the top.
    stored = np.concatenate([np.zeros((600, 400, 3), np.uint8), np.full((600, 400, 3), 255, np.uint8)], axis=1)
    async with web_house_in(tmp_path) as house, house.drawing():
        upload = house.upload(ANNA, "a.jpg", jpeg_bytes(stored, exif=exif))
        for size in (512, 1024):
            job_id = await house.desk.start(ANNA, "single", [upload], Look(size=size))
            over = await finished(house, job_id)
            before, cartoon = await house.desk.before(ANNA, over), await house.desk.file(ANNA, over)
            assert before
            assert cartoon
            with Image.open(before) as photo, Image.open(cartoon) as drawn:
                assert photo.format == "JPEG"
                assert photo.size == drawn.size
                assert max(photo.size) == size
                assert (photo.width < photo.height) is (orientation == 6)
                pixels = np.asarray(photo)
                far = pixels[-2, 1] if orientation == 6 else pixels[1, -2]
                assert pixels[1, 1].max() < 50 < 200 < far.min()
                # Nothing of what the camera noted is left to turn it once more.
                assert photo.getexif().get(0x0112, 1) == 1


async def test_a_sheet_is_known_as_one(tmp_path: Path):
    async with web_house_in(tmp_path) as house, house.drawing():
        over = await finished(house, await start(house, "a.jpg", look=Look().on_sheet(SheetKind.STRENGTHS)))
        assert over.is_sheet
        (photo,) = over.photos
        assert photo.cartoon
        assert photo.cartoon.name == "a-strengths.jpg"


async def test_a_job_that_waits_goes_on_after_a_restart(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        job_id = await start(house, "a.jpg")
    async with web_house_in(tmp_path) as house, house.drawing():
        await house.restart()
        over = await finished(house, job_id)
        assert states(over) == [State.DONE]
        photos = await house.photos(job_id)
        assert photos[0].answer == f"results/{photos[0].id}.png"


async def test_a_kill_before_a_cartoon_is_written_off_loses_nothing(tmp_path: Path):
    async with web_house_in(tmp_path) as house:
        job_id = await house.jobs.open_job(ANNA.owner, desk_of("anna", "batch"), "en", POP)
        photo_id = await house.jobs.add_photo(job_id, 0, "a.jpg", "anna/gone")
        assert photo_id
        await house.jobs.enqueue([photo_id])
        await house.jobs.start(photo_id)
        picture = io.BytesIO()
        Image.fromarray(gradient(60, 40)).save(picture, "PNG")
        house.spool.result(photo_id, "png").write_bytes(picture.getvalue())
        await house.jobs.finish(photo_id)
        # It has come to the shelf already, and its row does not know.
        shown = await view(house, job_id)
        assert shown.photos[0].cartoon
        await house.restart()
        over = await finished(house, job_id)
        assert over.photos[0].cartoon == shown.photos[0].cartoon
        assert [photo.status for photo in await house.photos(job_id)] == [PhotoStatus.ANSWERED]
        path = house.file(ANNA, shown.photos[0].cartoon)
        assert path
        assert path.read_bytes() == picture.getvalue()
