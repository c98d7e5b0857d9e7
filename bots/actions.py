"""What buttons ask for, as the few bytes that a platform keeps with a button: "redo:4f1c...:0.5".

Words between colons: what to do, then a job's id or a person's number, then a value. They come back from people's
devices, so nothing in them is taken for true: whose job it is, is looked up.
"""

from dataclasses import dataclass
from typing import Final

# What Telegram keeps of a button; Discord keeps 100.
MOST_BYTES: Final = 64
# What to do with a job; its owner alone may.
CANCEL, REDO, RESTYLE, STYLES, BACK, SHEET, FILES, DELETE = (
    "cancel",
    "redo",
    "restyle",
    "styles",
    "back",
    "sheet",
    "files",
    "delete",
)
# Of the settings panel, with the number of the person whose it is.
PAGE, SET = "page", "set"


@dataclass(frozen=True, slots=True)
class Action:
    """`subject` is a job's id, or a person's number; `value` what is chosen."""

    verb: str
    subject: str
    value: str = ""

    def __str__(self) -> str:
        """As kept with a button. Raises ValueError for one that is too long."""
        text = ":".join([self.verb, self.subject, self.value] if self.value else [self.verb, self.subject])
        if len(text.encode()) > MOST_BYTES:
            raise ValueError(f"{text} has more than {MOST_BYTES} bytes")
        return text

    @classmethod
    def read(cls, text: str) -> "Action":
        """The action a button came with; whatever it says, it is not trusted."""
        verb, _, rest = text.partition(":")
        subject, _, value = rest.partition(":")
        return cls(verb, subject, value)
