"""Chats of the web app: each person has one, and a desk for each of the tabs that draw."""

from typing import Final

from core.jobs import Chat, Owner

PLATFORM: Final = "web"
DESKS: Final = ("single", "batch", "api")


def owner_of(user: str) -> Owner:
    """A browser, as a person."""
    return Owner(PLATFORM, user)


def chat_of(user: str) -> Chat:
    """Where answers to what is said in the chat go."""
    return Chat(PLATFORM, user)


def desk_of(user: str, desk: str) -> Chat:
    """Where the cartoons of a tab go."""
    return Chat(PLATFORM, f"{user}.{desk}")


def user_of(chat: Chat) -> str:
    """Whose it is."""
    return chat.chat.partition(".")[0]


def is_desk(chat: Chat) -> bool:
    """Whether nothing is said there: what becomes of a job is seen on its tab."""
    return "." in chat.chat
