"""Every error this program raises on purpose.

    CartoonbotError
     ├─ UserError                a person can mend it; a chat may show it
     │   ├─ LookError            a setting out of its range
     │   │   ├─ StrengthOutOfRange, SizeOutOfRange, UnknownStyle, UnknownFormat, UnknownFaces,
     │   │   │  UnknownDelivery
     │   │   ├─ StyleMissing, StyleArriving, StyleNotDownloaded, StyleDamaged   its weights are not here
     │   ├─ PhotoError           one photo cannot be used; the others go on
     │   │   ├─ NotAPhoto, PhotoEmpty, PhotoTruncated, PhotoTooHeavy, PhotoTooLarge, HeicUnsupported
     │   │   ├─ PhotoUnavailable, PhotoFailed, ResultRefused
     │   │   ├─ NoPhoto, BatchTooLarge   none was given, or too many at once
     │   ├─ UnknownLanguage      there are no sentences in it
     │   ├─ QueueFull, OwnerQueueFull, QuotaReached   too much is asked for now
     │   ├─ NotInvited, Blocked  who asks may not use this bot
     │   └─ StorageUnwritable    the data folder is full or cannot be written
     ├─ OutOfMemory              a batch does not fit on the device
     ├─ EngineStuck              the device does not answer
     ├─ DrawingFailed            a worker elsewhere could not draw a photo
     ├─ EngineAway               the workers elsewhere that draw cannot be reached
     ├─ ChatGone                 nobody is there to answer: blocked, kicked, deleted
     ├─ Refused                  a chat platform does not take a message
     │   └─ TooLarge             of this weight
     ├─ ConfigError              the program cannot start as it is set up
     ├─ FacesUnavailable         the face detector's weights are missing or damaged
     ├─ WeightsUnavailable       a style's weights cannot be fetched or installed
     ├─ GraphUnreadable, GraphUnsupported   a TensorFlow graph is damaged, or holds what we cannot run
     └─ Closed                   used after close()

The chat's sentence for a UserError is the message `code` in bots/locales, filled with `values`;
`str(error)` is plain English for logs and scripts.
"""

import re

Value = str | int | float


class CartoonbotError(Exception):
    """The root of the tree."""


class UserError(CartoonbotError):
    """Something a person can mend. `values` fill the sentence."""

    code = "user-error"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def __init__(self, **values: Value) -> None:
        super().__init__(self.code)
        self.values = values

    def __str__(self) -> str:
        first_line = (self.__doc__ or self.code).split("\n")[0]
        facts = ", ".join(f"{name} {value}" for name, value in self.values.items())
        return f"{first_line} ({facts})" if facts else first_line


class LookError(UserError):
    """A setting is not one of those on offer."""


class StrengthOutOfRange(LookError):
    """Strength must be a number within its range."""


class SizeOutOfRange(LookError):
    """Size must be a whole number of pixels within its range."""


class UnknownStyle(LookError):
    """There is no style of that name."""


class StyleMissing(LookError):
    """The weights of this style are not installed; cartoonbot styles pull brings them."""


class StyleArriving(LookError):
    """The weights of this style are being downloaded."""


class StyleNotDownloaded(LookError):
    """The weights of this style could not be downloaded."""


class StyleDamaged(LookError):
    """The weights of this style cannot be used; cartoonbot styles pull --again mends them."""


class UnknownFormat(LookError):
    """There is no file format of that name on offer."""


class UnknownFaces(LookError):
    """Faces must be one of the words on offer."""


class UnknownDelivery(LookError):
    """Results cannot be sent in that way."""


class UnknownLanguage(UserError):
    """There are no sentences in that language."""


class PhotoError(UserError):
    """One photo cannot be used."""


class NotAPhoto(PhotoError):
    """The file is not a picture of a kind we read."""


class PhotoEmpty(PhotoError):
    """The file has no bytes."""


class PhotoTruncated(PhotoError):
    """The picture is damaged or cut short."""


class PhotoTooHeavy(PhotoError):
    """The file has more bytes than allowed."""


class PhotoTooLarge(PhotoError):
    """The picture has more pixels than allowed."""


class HeicUnsupported(PhotoError):
    """HEIC pictures need the package pillow-heif, which is not installed here."""


class PhotoUnavailable(PhotoError):
    """The photo could not be fetched from the chat."""


class PhotoFailed(PhotoError):
    """Drawing this photo failed on our side."""


class NoPhoto(PhotoError):
    """Nothing was given to draw."""


class BatchTooLarge(PhotoError):
    """More photos at once than allowed."""


class ResultRefused(PhotoError):
    """The chat platform does not take the finished picture."""


class QueueFull(UserError):
    """Too many photos are waiting."""


class OwnerQueueFull(UserError):
    """Too many photos of one person are waiting."""


class QuotaReached(UserError):
    """One person's photos of today are used up."""


class NotInvited(UserError):
    """Only those whom an administrator let in may use this bot."""


class Blocked(UserError):
    """An administrator has shut this person out."""


class StorageUnwritable(UserError):
    """The data folder is full or cannot be written."""


class OutOfMemory(CartoonbotError):
    """A batch does not fit on the device."""


class EngineStuck(CartoonbotError):
    """The device does not answer."""


class DrawingFailed(CartoonbotError):
    """A worker elsewhere could not draw a photo; another try may help."""


class EngineAway(CartoonbotError):
    """The workers elsewhere that draw cannot be reached; the message says what to do."""


class ChatGone(CartoonbotError):
    """Nobody is there to answer: the bot was blocked or removed, or the chat is gone."""


class Refused(CartoonbotError):
    """The chat platform does not take this message, now or later."""


class TooLarge(Refused):
    """The chat platform takes no message of this weight."""


class ConfigError(CartoonbotError):
    """The program cannot start as it is set up; the message says what to change."""


class FacesUnavailable(CartoonbotError):
    """The face detector's weights are missing or damaged; `remedy` is the command that mends it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} To mend it, run: {remedy}")
        self.what = what
        self.remedy = remedy


class WeightsUnavailable(CartoonbotError):
    """A style's weights cannot be fetched or installed; the message says why and what to do."""


class GraphUnreadable(CartoonbotError):
    """A file is not a whole TensorFlow graph."""


class GraphUnsupported(CartoonbotError):
    """A TensorFlow graph holds what cannot be mapped to PyTorch."""


class Closed(CartoonbotError):
    """Used after close()."""
