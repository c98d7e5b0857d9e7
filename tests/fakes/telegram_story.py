"""What people see happen in the chats of the stand-in Telegram, written for reading."""

from collections.abc import Iterable, Iterator

from tests.fakes.telegram_chats import CHAT_ACTIONS, Chat, File, Json, Message, Person
from tests.fakes.telegram_files import picture_size

BOT = "bot"
NEXT_LINE = "\n    "


class Story:
    """One entry for each event, in order: `(Friends) Anna -> [reply to 1004] /cartoon`."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def said(self, *messages: Message) -> None:
        """A message, or all of an album."""
        first = messages[0]
        answered = f" -> [reply to {first.reply_to.message_id}]" if first.reply_to and not first.from_bot else ":"
        self._tell(first.chat, first.thread_id, f"{_author(first)}{answered} {_shown(*messages)}")

    def edited(self, message: Message) -> None:
        """It looks like this now."""
        self._tell(message.chat, message.thread_id, f"{_author(message)} edits: {_shown(message)}")

    def deleted(self, message: Message) -> None:
        """The bot deleted it."""
        whose = "" if message.from_bot else f" what {_author(message)} sent"
        content = " ".join(_content(message, quoted=True))
        self._tell(message.chat, message.thread_id, f"{BOT} deletes{whose}: {content}")

    def pressed(self, person: Person, message: Message, label: str) -> None:
        self._tell(message.chat, message.thread_id, f"{person.first_name} presses [{label}]")

    def answered(self, person: Person, message: Message, text: str, alert: bool) -> None:
        """The answer to a button, which only that person sees."""
        kind = "alert" if alert else "toast"
        self._tell(message.chat, message.thread_id, f"{BOT} {kind} to {person.first_name}: {text}")

    def acting(self, chat: Chat, thread_id: int | None, action: str) -> None:
        """A chat action. It is shown for 5 s, so one that is only renewed is no news."""
        self._tell(chat, thread_id, f"{BOT} is {CHAT_ACTIONS[action]}", repeated=False)

    def did(self, person: Person, chat: Chat, what: str) -> None:
        self._tell(chat, None, f"{person.first_name} {what}")

    def _tell(self, chat: Chat, thread_id: int | None, event: str, repeated: bool = True) -> None:
        topic = f", topic {thread_id}" if thread_id else ""
        where = "" if chat.type == "private" else f"({chat.title}{topic}) "
        entry = where + event.replace("\n", NEXT_LINE)
        if repeated or self.entries[-1:] != [entry]:
            self.entries.append(entry)


def _author(message: Message) -> str:
    return BOT if message.from_bot else message.sender.first_name


def _shown(*messages: Message) -> str:
    """Content and keyboard: one row of buttons beside the content, several below it."""
    rows = list(_rows(messages[0].reply_markup))
    content = " ".join(_content(*messages))
    return "   ".join([content, *rows]) if len(rows) < 2 else "\n".join([content, *rows])


def _rows(reply_markup: Json | None) -> Iterator[str]:
    for row in (reply_markup or {}).get("inline_keyboard", []):
        yield " ".join(f"[{button['text']}]" for button in row)


def _content(*messages: Message, quoted: bool = False) -> Iterator[str]:
    first = messages[0]
    if first.forwarded_from is not None:
        yield f"[forwarded from {first.forwarded_from.first_name}]"
    if len(messages) > 1:
        kind = "photos" if first.photo else "documents"
        yield f"[album of {len(messages)} {kind} {_files(message.file for message in messages)}]"
    elif first.file is not None:
        kind = "photo" if first.photo else "document"
        yield f"[{'album ' if first.media_group_id else ''}{kind} {_files([first.file])}]"
    elif first.other:
        yield f"[{next(iter(first.other)).replace('_', ' ')}]"
    if first.text is not None:
        yield f'"{first.text}"' if quoted else first.text
    yield from (f'"{message.caption}"' for message in messages if message.caption)


def _files(files: Iterable[File | None]) -> str:
    """Names and sizes in pixels, each once."""
    return ", ".join(dict.fromkeys(_file(file) for file in files if file is not None))


def _file(file: File) -> str:
    width, height = (file.width, file.height) if file.width else picture_size(file.data) or (0, 0)
    name = [file.name] if file.name else []
    return " ".join([*name, f"{width}x{height}"] if width else name)
