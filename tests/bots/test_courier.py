"""What is too large for a chat comes smaller, and the progress message may become the answer."""

from pathlib import Path

import numpy as np
import pytest

from bots.buttons import result_buttons
from bots.delivery import Kind, Limits
from bots.handover import MOST_TRIES
from bots.locales import Locales
from bots.replies import Reply
from core.jobs import PhotoStatus
from core.look import Look
from core.photo import encode
from tests.bots.house import GOOD, House, house_in
from tests.memory_chat import Deleted, Delivered, Said

PNG = Look(format="png")
# A picture that weighs much: PNG, then JPEG at its best.
NOISE = np.random.default_rng(7).integers(0, 256, (200, 300, 3), np.uint8)
HEAVY, LIGHTER = encode(NOISE, "png"), encode(NOISE, "jpg")
LIGHT = encode(np.zeros((20, 30, 3), np.uint8), "png")
DONE = "Here are your 2 cartoons: ink 0.7."
FITTED = "One cartoon was too large for this chat as PNG, so it comes as JPG."
SMALLER = "One cartoon was too large for this chat, so it comes smaller."


async def answer(house: House, job_id: str) -> list[Said | Delivered]:
    """All that is said and sent to a job whose cartoons are in the spool."""
    house.courier.settled(job_id)
    await house.finish(job_id)
    assert await house.leaves_nothing_behind()
    return house.platform.left_events()


async def test_what_is_too_heavy_for_a_chat_comes_as_jpeg_and_the_words_say_so(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.limits = Limits(file_bytes=len(LIGHTER))
        job_id = await house.drawn([LIGHT, HEAVY], PNG)
        assert await answer(house, job_id) == [
            Delivered("home", ("01-ink.png", "02-ink.jpg"), "", Kind.DOCUMENT),
            Said("home", f"{DONE}\n{FITTED}"),
        ]
        (parcel,) = house.platform.parcels
        assert [result.weight for result in parcel.results] == [len(LIGHT), len(LIGHTER)]


async def test_a_lone_one_says_so_itself(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.limits = Limits(file_bytes=len(LIGHTER) - 1)
        job_id = await house.drawn([LIGHTER], Look())
        (delivered,) = await answer(house, job_id)
        caption = f"Here is your cartoon: ink 0.7.\n{SMALLER}"
        assert delivered == Delivered("home", ("01-ink.jpg",), caption)


async def test_what_is_too_heavy_is_made_smaller_before_it_goes_into_an_archive(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.limits = Limits(file_bytes=len(LIGHTER) + 3000)
        job_id = await house.drawn([HEAVY, LIGHT], PNG, "zip")
        names = ("cartoons.zip", "01.jpg", "02.png")
        assert await answer(house, job_id) == [Delivered("home", names, f"{DONE}\n{FITTED}", Kind.ZIP)]


@pytest.mark.parametrize("delivery", ["auto", "zip"])
async def test_of_a_message_that_is_too_large_each_comes_alone_and_smaller_where_it_must(
    tmp_path: Path, delivery: str
):
    async with house_in(tmp_path) as house:
        house.platform.heaviest = len(LIGHTER)
        job_id = await house.drawn([LIGHT, HEAVY], PNG, delivery)
        first, second, said = await answer(house, job_id)
        style = "" if delivery == "zip" else "-ink"
        assert first == Delivered("home", (f"01{style}.png",), "", Kind.DOCUMENT)
        assert second == Delivered("home", (f"02{style}.jpg",), "", Kind.DOCUMENT)
        assert said == Said("home", f"{DONE}\n{FITTED}")


async def test_an_archive_of_one_that_is_too_large_comes_as_that_one_and_smaller(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.limits = Limits(file_bytes=len(HEAVY) + 1000)
        house.platform.heaviest = len(LIGHTER)
        *delivered, said = await answer(house, await house.drawn([HEAVY, HEAVY], PNG, "zip"))
        assert delivered == [Delivered("home", (name,), "", Kind.DOCUMENT) for name in ("01.jpg", "02.jpg")]
        assert said == Said(
            "home", f"{DONE}\n2 cartoons were too large for this chat as PNG, so they come as JPG."
        )
        # The archive, the picture, and the picture made smaller.
        assert len(house.platform.order) == 2 * 3


async def test_a_lone_cartoon_is_made_smaller_until_its_chat_takes_it(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.heaviest = len(LIGHTER) / 3
        job_id = await house.drawn([HEAVY], PNG)
        (delivered,) = await answer(house, job_id)
        caption = f"Here is your cartoon: ink 0.7.\n{FITTED}"
        assert delivered == Delivered("home", ("01-ink.jpg",), caption, Kind.DOCUMENT)
        assert 1 < len(house.platform.order) <= MOST_TRIES
        (reply,) = house.platform.replies.values()
        assert reply.buttons == result_buttons(Locales().of("en"), await house.job(job_id))


async def test_what_a_chat_does_not_take_however_small_it_is_is_told(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.heaviest = 0
        job_id = await house.drawn([HEAVY, LIGHT], PNG, "zip")
        (told,) = await answer(house, job_id)
        assert isinstance(told, Said)
        assert told.text.count("the chat does not take the finished picture") == 2
        assert len(house.platform.order) == 1 + 2 * MOST_TRIES


async def test_a_damaged_cartoon_that_is_too_heavy_leaves_the_others(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.limits = Limits(file_bytes=len(HEAVY) // 3)
        job_id = await house.drawn([HEAVY[: len(HEAVY) // 2], LIGHT], PNG)
        delivered, told = await answer(house, job_id)
        assert isinstance(delivered, Delivered)
        assert delivered.names == ("02-ink.png",)
        assert isinstance(told, Said)
        assert told.text.startswith("Photo 1 (0.jpg): drawing it failed")


async def test_a_damaged_cartoon_that_a_chat_finds_too_large_is_told(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.heaviest = len(LIGHT)
        job_id = await house.drawn([HEAVY[: len(HEAVY) // 2], LIGHT], PNG)
        delivered, told, said = await answer(house, job_id)
        assert isinstance(delivered, Delivered)
        assert delivered.names == ("02-ink.png",)
        assert isinstance(told, Said)
        assert told.text.startswith("Photo 1 (0.jpg): the chat does not take the finished picture")
        assert said == Said("home", "Here is your cartoon: ink 0.7.")


async def test_when_one_of_an_archive_is_taken_alone_the_words_still_come(tmp_path: Path):
    async with house_in(tmp_path) as house:
        house.platform.heaviest = len(LIGHT)
        job_id = await house.drawn([LIGHT, HEAVY[: len(HEAVY) // 2]], PNG, "zip")
        delivered, _, said = await answer(house, job_id)
        assert delivered == Delivered("home", ("01.png",), "", Kind.DOCUMENT)
        assert said == Said("home", "Here is your cartoon: ink 0.7.")
        assert list(house.platform.replies.values())[-1].buttons


async def test_what_an_earlier_run_made_smaller_is_sent_as_it_is(tmp_path: Path):
    async with house_in(tmp_path) as house:
        job_id = await house.drawn([HEAVY], PNG)
        (photo,) = await house.photos(job_id)
        house.spool.fitted(photo.id).write_bytes(GOOD)
        house.spool.fitted(photo.id).with_suffix(".jpg.part").write_bytes(b"half")
        (delivered,) = await answer(house, job_id)
        assert delivered == Delivered("home", ("01-ink.jpg",), f"Here is your cartoon: ink 0.7.\n{FITTED}")
        ((result,),) = [parcel.results for parcel in house.platform.parcels]
        assert (result.width, result.height, result.weight) == (60, 40, len(GOOD))


async def test_a_front_end_hears_how_it_knows_the_photo_and_what_to_say_to_who_cannot_see(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        for number, (name, words) in enumerate([("cat.jpg", "cat.jpg as a cartoon"), ("", "A cartoon")]):
            await house.finish(await house.send([(name, GOOD)], chat=f"chat {number}"))
            (result,) = house.platform.parcels[-1].results
            assert result.reference == f"chat {number}/{name}"
            assert result.alt == f"{words}: ink 0.7, 1024 px, jpg"
        await house.finish(await house.send([("x" * 5000, GOOD)], chat="long"))
        (result,) = house.platform.parcels[-1].results
        assert len(result.alt) < 100


async def test_the_progress_message_becomes_the_answer_where_a_platform_turns_it(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        house.platform.turns = True
        for files, answers in ((["a.jpg"], {"1"}), ([f"{number}.jpg" for number in range(11)], {"2", *"34567"})):
            job_id = await house.send([(name, GOOD) for name in files], chat=f"chat {len(files)}")
            await house.finish(job_id)
            assert {photo.answer for photo in await house.photos(job_id)} == answers
            assert (await house.job(job_id)).progress is None
        # The first of two albums, and then all that is said as ever.
        assert not [change for change in house.platform.changes if isinstance(change, Deleted)]
        first, album, *_, last = house.platform.replies.values()
        assert (first.text, album.text) == ("Here is your cartoon: ink 0.7.", "")
        assert last.text == "Here are your 11 cartoons: ink 0.7."
        assert await house.leaves_nothing_behind()


async def test_where_albums_carry_buttons_one_message_says_it_all(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        house.platform.turns = True
        house.platform.limits = Limits(album_buttons=True)
        job_id = await house.send([("a.jpg", GOOD), ("b.jpg", GOOD)])
        await house.finish(job_id)
        (reply,) = house.platform.replies.values()
        assert reply == Reply(DONE, result_buttons(Locales().of("en"), await house.job(job_id)))
        assert house.platform.changes == []


async def test_a_sibling_that_comes_while_the_message_becomes_the_answer_does_not_write_over_it(tmp_path: Path):
    async with house_in(tmp_path) as house, house.drawing():
        house.platform.turns = True
        house.platform.may_deliver.clear()
        job_id = await house.send([("a.jpg", GOOD)])
        await house.platform.delivering.wait()
        assert await house.send([("b.jpg", GOOD)]) == job_id
        for _ in range(4):
            await house.settled.get()
        house.platform.may_deliver.set()
        await house.finish(job_id)
        first, second = [photo.answer for photo in await house.photos(job_id)]
        assert first == "1" != second
        assert house.platform.replies["1"].text == "Here is your cartoon: ink 0.7."
        assert "1" not in {change.message for change in house.platform.changes}
        assert await house.leaves_nothing_behind()


@pytest.mark.parametrize("known", [True, False])
async def test_an_answer_that_was_on_its_way_at_a_kill_is_not_deleted_as_progress(tmp_path: Path, known: bool):
    async with house_in(tmp_path) as house:
        job_id = await house.drawn([GOOD], Look())
        (photo,) = await house.photos(job_id)
        await house.jobs.tell_progress_in(job_id, "1")
        if known:
            await house.jobs.answered({photo.id: "1"})
        else:
            await house.jobs.sending([photo.id], "known")
            # The first name that the platform gives.
            house.platform.known = {"known"}
        await house.restart()
        await house.finish(job_id)
        (photo,) = await house.photos(job_id)
        assert (photo.status, photo.answer) == (PhotoStatus.ANSWERED, "1")
        assert house.platform.changes == []
        assert (await house.job(job_id)).progress is None
