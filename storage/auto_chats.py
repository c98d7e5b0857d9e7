"""The groups in which every photo is drawn, not only those that are asked for."""

from storage.database import Database


class AutoChats:
    """By platform and chat."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def has(self, platform: str, chat: str) -> bool:
        """Whether every photo of this chat is drawn."""
        rows = await self._database.select(
            "SELECT 1 FROM auto_chats WHERE platform = ? AND chat = ?", (platform, chat)
        )
        return bool(rows)

    async def set(self, platform: str, chat: str, on: bool) -> None:
        """Draw every photo of this chat from now on, or only those that are asked for."""
        query = (
            "INSERT OR IGNORE INTO auto_chats (platform, chat) VALUES (?, ?)"
            if on
            else "DELETE FROM auto_chats WHERE platform = ? AND chat = ?"
        )
        async with self._database.transaction() as connection:
            await connection.execute(query, (platform, chat))

    async def move(self, platform: str, chat: str, new_chat: str) -> None:
        """The chat has another name now."""
        async with self._database.transaction() as connection:
            await connection.execute(
                "UPDATE OR REPLACE auto_chats SET chat = ? WHERE platform = ? AND chat = ?",
                (new_chat, platform, chat),
            )
