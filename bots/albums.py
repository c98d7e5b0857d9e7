"""Photos that arrive one by one -> one job. Pure logic on a clock that the caller reads.

An album reaches a bot as separate messages, some of them seconds late, and 20 photos reach it as two albums.
So all photos of one person in one chat gather until it has been quiet for a while, and a late sibling still
finds its job afterwards.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from core.jobs import MAX_PHOTOS

# Siblings were seen up to 11 s late; a minute is far beyond and costs a few hundred bytes.
LATE_SECONDS: Final = 60.0
# Chats split more than ten photos into several albums, so after a full one the next is likely on its way.
FULL_GROUP: Final = 10


@dataclass(eq=False)
class Album:
    """The photos of one job. `closes_at` is on the caller's clock, in seconds."""

    key: Hashable
    photos: int = 0
    closes_at: float = 0.0
    is_open: bool = True
    group_sizes: dict[str, int] = field(default_factory=dict[str, int])


class Albums:
    """All albums that are open or may still see a late sibling. `window` is in seconds."""

    def __init__(self, window: float, lone_window: float) -> None:
        self._window = window
        self._lone_window = lone_window
        self._open: dict[Hashable, Album] = {}
        self._by_group: dict[tuple[Hashable, str], Album] = {}

    def note(self, key: Hashable, group: str | None, now: float, *, complete: bool = False) -> tuple[Album, bool]:
        """Count one more photo; its album, and whether that was opened (or opened again) by it.

        `key` says who and where; `complete` that no more photos follow. The opener waits for `closes_at`
        and then calls `close`.
        """
        self._forget_old(now)
        album = self._sibling(key, group) or self._open_one(key)
        opened = album is None
        if album is None:
            album = self._open[key] = Album(key)
        elif not album.is_open:
            album.is_open = opened = True
        album.photos += 1
        if complete or album.photos == MAX_PHOTOS:
            album.closes_at = now
        else:
            album.closes_at = max(album.closes_at, now + self._patience(album, group))
        if group is not None:
            self._by_group[key, group] = album
        return album, opened

    def close(self, album: Album) -> None:
        """No more photos, but late siblings."""
        album.is_open = False
        if self._open.get(album.key) is album:
            del self._open[album.key]

    def _sibling(self, key: Hashable, group: str | None) -> Album | None:
        album = self._by_group.get((key, group)) if group is not None else None
        return album if album is not None and album.photos < MAX_PHOTOS else None

    def _open_one(self, key: Hashable) -> Album | None:
        album = self._open.get(key)
        return album if album is not None and album.photos < MAX_PHOTOS else None

    def _patience(self, album: Album, group: str | None) -> float:
        if group is None:
            return self._lone_window
        size = album.group_sizes[group] = album.group_sizes.get(group, 0) + 1
        return self._window * (2 if size == FULL_GROUP else 1)

    def _forget_old(self, now: float) -> None:
        old = [
            place
            for place, album in self._by_group.items()
            if not album.is_open and now - album.closes_at > LATE_SECONDS
        ]
        for place in old:
            del self._by_group[place]
