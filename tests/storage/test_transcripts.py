"""What was said in the web chat: in order, for its person alone, until it is old or forgotten."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from storage.database import Database
from storage.transcripts import MOST_SHOWN, Transcripts


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Database]:
    database = await Database.open(tmp_path / "cartoonbot.sqlite3")
    yield database
    await database.close()


@pytest.fixture
def transcripts(database: Database) -> Transcripts:
    return Transcripts(database)


async def test_messages_come_back_as_said_and_in_order(transcripts: Transcripts):
    said = [
        {"text": "Hello 你好 \"'; --\0", "buttons": [[{"label": "0.5", "value": None}], []], "is_own": True},
        {"text": ""},
        {"text": "again"},
    ]
    numbers = [await transcripts.add("anna", each) for each in said]
    await transcripts.add("ben", {"text": "mine"})
    assert numbers == sorted(numbers)
    assert await transcripts.of("anna") == list(zip(numbers, said, strict=True))
    assert await transcripts.of("nobody") == []


async def test_messages_said_at_once_all_have_numbers_of_their_own(transcripts: Transcripts):
    numbers = await asyncio.gather(*(transcripts.add("anna", {"text": str(each)}) for each in range(20)))
    shown = {number: said["text"] for number, said in await transcripts.of("anna")}
    assert shown == {number: str(each) for each, number in enumerate(numbers)}


async def test_a_long_chat_shows_its_end(transcripts: Transcripts):
    for each in range(MOST_SHOWN + 3):
        await transcripts.add("anna", {"text": str(each)})
    assert [said["text"] for _, said in await transcripts.of("anna")] == [
        str(each) for each in range(3, MOST_SHOWN + 3)
    ]


async def test_a_change_leaves_the_other_keys(transcripts: Transcripts):
    said = {"text": "old", "pictures": [{"url": "a", "width": None}], "buttons": [[{"label": "x"}], []]}
    number = await transcripts.add("anna", said)
    other = await transcripts.add("anna", said)
    assert await transcripts.change("anna", number, {"text": "new", "buttons": []})
    changed = {"text": "new", "pictures": said["pictures"], "buttons": []}
    assert await transcripts.of("anna") == [(number, changed), (other, said)]
    buttons = [[{"label": "y", "action": None}]]
    assert await transcripts.change("anna", number, {"buttons": buttons})
    assert await transcripts.of("anna") == [(number, changed | {"buttons": buttons}), (other, said)]


async def test_nobody_changes_or_removes_what_is_somebody_elses(transcripts: Transcripts):
    number = await transcripts.add("anna", {"text": "hers"})
    assert not await transcripts.change("ben", number, {"text": "his"})
    assert not await transcripts.change("anna", number + 1, {"text": "of no message"})
    await transcripts.remove("ben", [number, number + 1, -1])
    await transcripts.remove("anna", [])
    assert await transcripts.of("anna") == [(number, {"text": "hers"})]


async def test_what_is_removed_is_gone_and_its_number_never_comes_again(transcripts: Transcripts):
    numbers = [await transcripts.add("anna", {"text": str(each)}) for each in range(3)]
    await transcripts.remove("anna", numbers[1:])
    assert await transcripts.of("anna") == [(numbers[0], {"text": "0"})]
    assert await transcripts.add("anna", {"text": "later"}) > numbers[-1]
    assert not await transcripts.change("anna", numbers[1], {"text": "back"})


async def test_a_message_is_found_by_its_trace_in_its_own_chat(transcripts: Transcripts):
    await transcripts.add("anna", {"text": "without"})
    number = await transcripts.add("anna", {"text": "with"}, "1/2/3")
    assert await transcripts.traced("anna", "1/2/3") == number
    assert await transcripts.traced("anna", "1/2") is None
    assert await transcripts.traced("ben", "1/2/3") is None
    await transcripts.remove("anna", [number])
    assert await transcripts.traced("anna", "1/2/3") is None


async def test_to_be_forgotten_takes_one_persons_chat_alone(transcripts: Transcripts):
    for user in ("anna", "ben"):
        await transcripts.add(user, {"text": user}, trace=user)
    await transcripts.forget("anna")
    assert await transcripts.of("anna") == []
    assert await transcripts.traced("anna", "anna") is None
    assert [said["text"] for _, said in await transcripts.of("ben")] == ["ben"]


async def test_what_is_old_is_forgotten_by_the_time_it_was_said(database: Database, transcripts: Transcripts):
    begun = time.time()
    old, new = [await transcripts.add("anna", {"text": text}) for text in ("old", "new")]
    async with database.transaction() as connection:
        await connection.execute("UPDATE web_messages SET created_at = ? WHERE id = ?", (begun - 10, old))
    # Changing it makes it no younger.
    await transcripts.change("anna", old, {"text": "older"})
    await transcripts.forget_old(begun - 5)
    assert [number for number, _ in await transcripts.of("anna")] == [new]


async def test_a_chat_outlives_a_restart(tmp_path: Path):
    for _ in range(2):
        database = await Database.open(tmp_path / "restarted.sqlite3")
        await Transcripts(database).add("anna", {"text": "hello"})
        await database.close()
    database = await Database.open(tmp_path / "restarted.sqlite3")
    assert [said for _, said in await Transcripts(database).of("anna")] == [{"text": "hello"}] * 2
    await database.close()
