"""Single Bot API calls that send: a message, a file, an album. `where` is an address of bots.telegram.wire."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from telegram import Bot, InputFile, InputMediaDocument, InputMediaPhoto, Message

from bots.delivery import Kind, Parcel, Result
from bots.replies import Reply
from bots.telegram.wire import keyboard

# A slow line, in bytes a second, and what a request takes besides its bytes, in seconds.
SLOW_LINE, OVERHEAD = 50_000, 30.0
# Where bytes could pass for a sticker, the file must stay the file it is.
AS_IT_IS: Final = ".webp"


async def send_reply(bot: Bot, where: dict[str, Any], reply: Reply, uploaded: dict[Path, str]) -> Message:
    """A message with its picture and buttons. `uploaded` are pictures that Telegram has, by their file_id."""
    buttons = keyboard(reply.buttons)
    if reply.picture is None:
        return await bot.send_message(
            text=reply.text, reply_markup=buttons, disable_notification=reply.quiet or None, **where
        )
    picture = uploaded.get(reply.picture) or await asyncio.to_thread(reply.picture.read_bytes)
    sent = await bot.send_photo(photo=picture, caption=reply.text, reply_markup=buttons, **where)
    uploaded[reply.picture] = sent.photo[-1].file_id
    return sent


async def send_parcel(bot: Bot, where: dict[str, Any], parcel: Parcel, caption: Reply) -> Sequence[Message]:
    """Cartoons as one file, with buttons, or as an album, which takes none."""
    patience = OVERHEAD + sum(result.weight for result in parcel.results) / SLOW_LINE
    if parcel.single:
        return [await _send_file(bot, where, parcel, caption, patience)]
    kind = InputMediaPhoto if parcel.kind is Kind.PHOTO else InputMediaDocument
    with ExitStack() as files:
        media = [
            kind(_attached(files, result), caption=caption.text or None if place == 0 else None)
            for place, result in enumerate(parcel.results)
        ]
        return await bot.send_media_group(media=media, write_timeout=patience, **where)


async def _send_file(bot: Bot, where: dict[str, Any], parcel: Parcel, caption: Reply, patience: float) -> Message:
    result = parcel.results[0]
    name = parcel.name or result.name
    words: dict[str, Any] = {
        "caption": caption.text or None,
        "reply_markup": keyboard(caption.buttons),
        "write_timeout": patience,
    }
    with (parcel.archive or result.path).open("rb") as file:
        picture = InputFile(file, filename=name, read_file_handle=False)
        if parcel.kind is Kind.PHOTO:
            return await bot.send_photo(photo=picture, **words, **where)
        as_it_is = name.endswith(AS_IT_IS) or None
        return await bot.send_document(document=picture, disable_content_type_detection=as_it_is, **words, **where)


def _attached(files: ExitStack, result: Result) -> InputFile:
    file = files.enter_context(result.path.open("rb"))
    return InputFile(file, filename=result.name, attach=True, read_file_handle=False)
