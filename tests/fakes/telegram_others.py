"""What people send that is neither text nor photo nor file, as it looks on the wire."""

from tests.fakes.telegram_chats import Chat, Json, Person
from tests.fakes.telegram_files import Files


def other_content(kind: str, person: Person, chat: Chat, files: Files) -> Json:
    """The fields of a message of that kind. Raises ValueError for a kind that is unknown."""
    match kind:
        case "sticker":
            return {"sticker": _sticker(files)}
        case "video":
            film = files.keep("videos/file", b"a video", mime_type="video/mp4", width=1280, height=720)
            return {"video": film.wire() | {"duration": 7}}
        case "voice":
            note = files.keep("voice/file", b"a voice note", mime_type="audio/ogg")
            return {"voice": note.wire() | {"duration": 3}}
        case "animation":
            # Telegram shows an animation as a file, too, for bots that do not know animations.
            loop = files.keep("animations/file", b"a loop", name="cat.mp4", mime_type="video/mp4")
            shape = {"width": 320, "height": 240, "duration": 2}
            return {"animation": loop.wire() | shape, "document": loop.wire()}
        case "contact":
            return {"contact": {"phone_number": "+10005550100", "first_name": "Carla"}}
        case "pinned_message" if chat.history:
            return {"pinned_message": chat.history[-1].wire()}
        case "new_chat_members":
            return {"new_chat_members": [person.wire()]}
        case _:
            raise ValueError(f"nobody can send {kind!r} here")


def _sticker(files: Files) -> Json:
    picture = files.keep("stickers/file", b"a sticker", width=512, height=512)
    return picture.wire() | {"type": "regular", "is_animated": False, "is_video": False, "emoji": "\N{CAT FACE}"}
