"""What the program says in a chat, as plain data: words, buttons, a picture."""

from dataclasses import dataclass
from pathlib import Path

Rows = tuple[tuple["Button", ...], ...]


@dataclass(frozen=True, slots=True)
class Button:
    """`action` is what pressing it asks for, as bots.actions writes it, at most 64 bytes.

    `is_choice`: one of the values a setting may have; a platform may offer them as a list.
    """

    label: str
    action: str
    is_choice: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A message. `picture` is a JPEG that is shown with the words; `quiet`: it is not worth a sound."""

    text: str
    buttons: Rows = ()
    picture: Path | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Pressed:
    """What comes of a button: `toast` is for who pressed it alone, at most 200 characters.

    `text` and `buttons` are what its message shows from now on, None: as it is. `gone` are messages to delete.
    `is_refused`: it is somebody else's; `is_error`: nothing comes of it, and `toast` says why. `is_drawing`:
    a job has begun that tells of itself.
    """

    toast: str = ""
    text: str | None = None
    buttons: Rows | None = None
    gone: tuple[str, ...] = ()
    is_refused: bool = False
    is_error: bool = False
    is_drawing: bool = False
