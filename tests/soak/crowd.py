"""People who send photos, each photo in a colour of its own, and the count of what came back for it."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from itertools import product
from random import Random
from typing import Any, Final

from PIL import Image

from bots.locales import Locale
from tests.fakes.telegram import Message, Person, TelegramServer

Color = tuple[int, int, int]

# So far apart that neither JPEG nor the mean colour of a photo takes one for another.
LEVELS: Final = range(16, 256, 32)
COLORS: Final = [(red, green, blue) for red, green, blue in product(LEVELS, repeat=3)]
NEAR: Final = 8
LARGEST_ALBUM: Final = 10
# Siblings of an album reach a bot so many seconds apart.
GAPS: Final = (0.01, 0.2)
# What is sent twice is so many seconds late at most.
LINGER: Final = 2.0
LISTED: Final = 20
# What a refusal answers is a photo that has no number.
REFUSED: Final = range(1)


@dataclass(eq=False)
class Photo:
    """One photo. `message_id` is 0 until it is sent; the numbers count what the chat shows for it."""

    color: Color
    message_id: int = 0
    cartoons: int = 0
    failures: int = 0
    refusals: int = 0

    @property
    def answered(self) -> bool:
        return bool(self.cartoons or self.failures or self.refusals)


@dataclass(eq=False)
class Customer:
    """A person and what they send: photos one by one, and albums."""

    person: Person
    items: list[list[Photo]]
    hand: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def photos(self) -> list[Photo]:
        """In the order sent; those that are not sent yet come first."""
        return sorted((photo for item in self.items for photo in item), key=lambda photo: photo.message_id)

    def album_after(self, photo: Photo) -> list[Photo]:
        """The photos of the same album that come after this one."""
        item = next(item for item in self.items if photo in item)
        return item[item.index(photo) + 1 :]


class Crowd:
    """All people of one run. Raises ValueError for more photos a person than there are colours."""

    def __init__(self, telegram: TelegramServer, people: int, photos: int, seed: int) -> None:
        self._telegram = telegram
        self._random = Random(seed)
        self._sentences = Sentences()
        self._colors: dict[Message, Color | None] = {}
        shares = [photos // people + (number < photos % people) for number in range(people)]
        if max(shares) > len(COLORS):
            raise ValueError(f"at most {len(COLORS)} photos a person can be told apart")
        self.customers = [self._customer(number, share) for number, share in enumerate(shares)]
        self.items = [(customer, item) for customer in self.customers for item in customer.items]
        self._random.shuffle(self.items)
        # Of the last count:
        self.duplicates: Counter[str] = Counter()
        self.astray = 0
        self.unmatched = 0

    async def send(self, customer: Customer, item: list[Photo], after: float) -> None:
        """Send a photo, or an album as Telegram delivers it, in `after` seconds or when the last is sent."""
        await asyncio.sleep(after)
        async with customer.hand:
            group_id = self._telegram.new_group_id() if len(item) > 1 else None
            for photo in item:
                sent = await self._telegram.send_photo(
                    customer.person, jpeg_of(photo.color), media_group_id=group_id
                )
                photo.message_id = sent.message_id
                if photo is not item[-1]:
                    await asyncio.sleep(self._random.uniform(*GAPS))

    async def answered(self, quiet: float) -> None:
        """Wait until each photo is answered, or until no chat has seen anything new for `quiet` seconds."""
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < quiet:
            self.count()
            if all(photo.answered for photo in self._photos()):
                await asyncio.sleep(LINGER)
                return
            if (now := self._messages()) != seen:
                seen, since = now, time.monotonic()
            await asyncio.sleep(0.5)

    def count(self) -> None:
        """Count from what all chats show now."""
        self.duplicates.clear()
        self.astray = self.unmatched = 0
        for customer in self.customers:
            photos = customer.photos
            for photo in photos:
                photo.cartoons = photo.failures = photo.refusals = 0
            messages = self._telegram.chat(customer.person.id).messages
            for message in messages:
                if message.file is not None:
                    self._count_cartoon(photos, message)
            # Refusals last: what they stand for depends on what was answered otherwise.
            for refused in (False, True):
                for message in messages:
                    self._count_sentences(customer, photos, message, refused)

    def report(self) -> dict[str, Any]:
        """The figures of the last count, for JSON."""
        photos = list(self._photos())
        return {
            "people": len(self.customers),
            "photos": len(photos),
            "answered": sum(photo.answered for photo in photos),
            "drawn": sum(photo.cartoons > 0 for photo in photos),
            "failed_told": sum(photo.failures > 0 and not photo.cartoons for photo in photos),
            "refused_told": sum(
                photo.refusals > 0 and not photo.cartoons and not photo.failures for photo in photos
            ),
            "lost": sum(not photo.answered for photo in photos),
            "duplicates": sum(photo.cartoons > 1 for photo in photos),
            "duplicates_by_kind": dict(self.duplicates),
            "told_though_drawn": sum(
                photo.cartoons > 0 and bool(photo.failures or photo.refusals) for photo in photos
            ),
            "astray": self.astray,
            "unmatched_sentences": self.unmatched,
            "sentences": dict(self._said().most_common(LISTED)),
            "lost_photos": [*self._lost()][:LISTED],
        }

    def _customer(self, number: int, share: int) -> Customer:
        first = number * share
        photos = [Photo(COLORS[place % len(COLORS)]) for place in range(first, first + share)]
        items: list[list[Photo]] = []
        while photos:
            size = self._random.choice((1, self._random.randint(2, LARGEST_ALBUM)))
            items.append(photos[:size])
            del photos[:size]
        return Customer(Person(10_000 + number, f"Person {number}"), items)

    def _photos(self) -> Iterator[Photo]:
        return (photo for customer in self.customers for item in customer.items for photo in item)

    def _messages(self) -> int:
        return sum(len(self._telegram.chat(customer.person.id).history) for customer in self.customers)

    def _count_cartoon(self, photos: list[Photo], message: Message) -> None:
        if message not in self._colors:
            self._colors[message] = color_of(message.data)
        photo = next((photo for photo in photos if photo.color == self._colors[message]), None)
        if photo is None:
            self.astray += 1
            return
        photo.cartoons += 1
        if photo.cartoons > 1:
            self.duplicates["in an album" if message.media_group_id else "by itself"] += 1

    def _count_sentences(self, customer: Customer, photos: list[Photo], message: Message, refused: bool) -> None:
        """A sentence answers the first photo of a job, whose photos were sent one after another.

        A refusal is said once an album: for the photo that it answers and those after it without another answer.
        """
        first = message.reply_to.message_id if message.reply_to else None
        later = [photo for photo in photos if first is not None and photo.message_id >= first]
        for numbers in self._sentences.failures(message.text or ""):
            if (numbers == REFUSED) != refused:
                continue
            if not later or later[0].message_id != first or numbers.stop > len(later) + 1:
                self.unmatched += 1
            elif refused:
                later[0].refusals += 1
                for photo in customer.album_after(later[0]):
                    photo.refusals += not photo.answered
            else:
                for number in numbers:
                    later[number - 1].failures += 1

    def _said(self) -> Counter[str]:
        """How often each sentence was said, numbers aside."""
        return Counter(
            re.sub(r"\d+", "#", line)
            for customer in self.customers
            for message in self._telegram.chat(customer.person.id).messages
            for line in (message.text or "").splitlines()
        )

    def _lost(self) -> Iterator[str]:
        for customer in self.customers:
            for item in customer.items:
                for place, photo in enumerate(item, start=1):
                    if not photo.answered:
                        where = f"{place} of {len(item)}, message {photo.message_id}"
                        yield f"chat {customer.person.id}: {where}, {photo.color}"


class Sentences:
    """Finds the sentences that say why there is no cartoon, in English."""

    def __init__(self) -> None:
        locale = Locale("en")
        values = {"number": "NUMBER", "first": "FIRST", "last": "LAST", "name": locale.say("photo-name")}
        texts = [
            locale.say(sentence, reason="REASON", **values)
            for sentence in ("photo-failed-only", "photo-failed-line", "photos-failed-line")
        ]
        self._patterns = [
            re.compile(re.sub("NUMBER|FIRST|LAST", r"(\\d+)", re.escape(text)).replace("REASON", ".+"))
            for text in texts
        ]
        self._refusal = locale.say("storage-unwritable")

    def failures(self, text: str) -> Iterator[range]:
        """For each sentence the numbers of the photos in the job, or REFUSED."""
        for line in text.splitlines():
            found = [match for pattern in self._patterns if (match := pattern.fullmatch(line))]
            if line == self._refusal:
                yield REFUSED
            elif found:
                numbers = [int(number) for number in found[0].groups()] or [1]
                yield range(numbers[0], numbers[-1] + 1)


@cache
def jpeg_of(color: Color) -> bytes:
    data = BytesIO()
    Image.new("RGB", (100, 80), color).save(data, "JPEG", quality=90)
    return data.getvalue()


def color_of(data: bytes) -> Color | None:
    """The colour of a flat picture, as it was before JPEG; None when it is none of ours."""
    with Image.open(BytesIO(data)) as picture:
        picture.draft("RGB", (64, 64))
        small = picture.convert("RGB")
    seen = small.getpixel((small.width // 2, small.height // 2))
    assert isinstance(seen, tuple)
    nearest = [min(LEVELS, key=lambda level: abs(level - value)) for value in seen]
    if any(abs(level - value) > NEAR for level, value in zip(nearest, seen, strict=True)):
        return None
    red, green, blue = nearest
    return red, green, blue
