"""Thirty people and three groups send albums at the same time, and Telegram slows a third of them down."""

import asyncio
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.look import Look
from core.photo import Array
from tests.fakes.telegram import Call, Chat, Fault, Person, TelegramServer
from tests.fakes.telegram_people import SUPERGROUPS
from tests.running import QuickEngine, running, settings_in
from tests.soak.crowd import COLORS, Color, color_of, jpeg_of

PRIVATE_CHATS, GROUPS = 30, 3
ALBUM_SIZES = range(3, 11)
GAP_SECONDS = 0.05
# Of all chats, one in three is slowed down, by 2 to 5 seconds each time.
SLOWED = 3
PENALTIES = (2, 3, 4, 5)
PENALIZED = ("sendMessage", "editMessageText", "sendMediaGroup")
EDIT_SECONDS = 3.0
# A batch takes as long as on a small graphics card, so that there is something to wait for.
BATCH_SECONDS = 0.2
# Between a call and the next one's arrival, time that was set out by the program is a little shorter on the wire.
TOLERANCE = 0.05
PATIENCE = 90.0


class UnhurriedEngine(QuickEngine):
    """The quick engine, at the pace of a real one."""

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        time.sleep(BATCH_SECONDS)
        return super().stylize(photos, looks)


@dataclass(frozen=True)
class Guest:
    """Someone with an album to send; every photo has a colour of its own."""

    person: Person
    chat: Chat
    colors: Sequence[Color]
    penalty: int | None

    @property
    def caption(self) -> str:
        return "/size 512" if self.chat.type == "private" else "@cartoon_test_bot /size 512"


@dataclass(frozen=True)
class Penalty:
    """A chat is to be left alone for so many seconds; the time is the one of Call."""

    chat: int
    begin: float
    seconds: int

    def covers(self, call: Call) -> bool:
        """Calls that were on their way while it was announced are not held against anybody."""
        return self.begin + TOLERANCE < call.time < self.begin + self.seconds - TOLERANCE


def guests_of(telegram: TelegramServer) -> Iterator[Guest]:
    sizes, penalties = itertools.cycle(ALBUM_SIZES), itertools.cycle(PENALTIES)
    for number in range(PRIVATE_CHATS + GROUPS):
        person = Person(10_000 + number, f"Person {number}")
        is_group = number >= PRIVATE_CHATS
        chat = telegram.group(SUPERGROUPS - number, f"Group {number}") if is_group else telegram.chat(person.id)
        penalty = next(penalties) if number % SLOWED == 0 else None
        yield Guest(person, chat, COLORS[number : number + next(sizes)], penalty)


def slow_down(telegram: TelegramServer, guest: Guest) -> None:
    """Each kind of call is refused the first time."""
    if guest.penalty is not None:
        for method in PENALIZED:
            telegram.fail(method, Fault.retry_after(guest.penalty), chat_id=guest.chat.id)


def penalties_of(telegram: TelegramServer, guests: Sequence[Guest]) -> Iterator[Penalty]:
    """What was refused: the first call of each kind."""
    for guest in guests:
        for method in PENALIZED:
            calls = telegram.calls_to(method, guest.chat.id)
            if guest.penalty is not None and calls:
                yield Penalty(guest.chat.id, calls[0].time, guest.penalty)


def is_served(guest: Guest) -> bool:
    """All of the album has come, and the words after it."""
    messages = guest.chat.messages
    drawn = sum(message.file is not None for message in messages)
    return drawn >= len(guest.colors) and "Here are" in (messages[-1].text or "")


def edits_of_messages(telegram: TelegramServer) -> dict[tuple[int, int], list[float]]:
    times: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for call in telegram.calls_to("editMessageText"):
        times[call.fields["chat_id"], call.fields["message_id"]].append(call.time)
    return times


async def test_everybody_gets_every_cartoon_once_and_waits_for_nobodys_penalty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    async with TelegramServer() as telegram:
        guests = [*guests_of(telegram)]
        for guest in guests:
            slow_down(telegram, guest)
        async with running(settings_in(tmp_path, telegram), UnhurriedEngine):
            started = time.monotonic()
            await asyncio.gather(
                *(
                    telegram.send_album(
                        guest.person,
                        [jpeg_of(color) for color in guest.colors],
                        GAP_SECONDS,
                        guest.caption,
                        chat=guest.chat,
                    )
                    for guest in guests
                )
            )
            await telegram.wait_for(lambda: all(map(is_served, guests)), PATIENCE)
            seconds = time.monotonic() - started

    penalties = [*penalties_of(telegram, guests)]
    edits = edits_of_messages(telegram)
    with capsys.disabled():
        print(totals(telegram, guests, penalties, edits, seconds))
    for guest in guests:
        drawn = Counter(color_of(message.data) for message in guest.chat.messages if message.file is not None)
        assert drawn == Counter(guest.colors)
    assert_penalties_are_kept_by_those_they_are_for(telegram, guests, penalties)
    assert edits
    for times in edits.values():
        assert all(later - earlier > EDIT_SECONDS - TOLERANCE for earlier, later in itertools.pairwise(times))
    assert telegram.floods == []
    assert telegram.violations == []


def assert_penalties_are_kept_by_those_they_are_for(
    telegram: TelegramServer, guests: Sequence[Guest], penalties: Sequence[Penalty]
) -> None:
    calm_chats = {guest.chat.id for guest in guests if guest.penalty is None}
    calm = [call for call in telegram.calls if call.fields.get("chat_id") in calm_chats]
    served = max(call.time for call in calm)
    during = [penalty for penalty in penalties if penalty.begin + penalty.seconds < served]
    assert during
    for penalty in during:
        assert any(map(penalty.covers, calm))
    for penalty in penalties:
        assert not [
            call.method
            for call in telegram.calls
            if call.fields.get("chat_id") == penalty.chat and penalty.covers(call)
        ]


def totals(
    telegram: TelegramServer,
    guests: Sequence[Guest],
    penalties: Sequence[Penalty],
    edits: dict[tuple[int, int], list[float]],
    seconds: float,
) -> str:
    methods = Counter(call.method for call in telegram.calls)
    gaps = [later - earlier for times in edits.values() for earlier, later in itertools.pairwise(times)]
    closest = f"those of one message {min(gaps):.2f} s apart at least" if gaps else "none of them twice"
    calls = ", ".join(f"{method} {count}" for method, count in methods.most_common())
    return (
        f"\n{len(guests)} chats, {sum(len(guest.colors) for guest in guests)} photos in {seconds:.1f} s: "
        f"{sum(len(guest.chat.albums) for guest in guests)} albums delivered, {len(penalties)} times 429, "
        f"{sum(map(len, edits.values()))} edits of {len(edits)} messages, "
        f"{closest}\ncalls: {calls}"
    )
