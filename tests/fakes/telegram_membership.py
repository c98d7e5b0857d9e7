"""Who belongs to the chats of the stand-in Telegram, and what happens when that changes."""

import time
from dataclasses import replace

from tests.fakes.telegram_chats import ANONYMOUS_ADMIN, Chat, Json, Person
from tests.fakes.telegram_people import SUPERGROUPS, People

OWNER = Person(900, "Olga")
RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


class Membership(People):
    """People who shut the bot out, and groups that become supergroups."""

    async def block(self, person: Person) -> None:
        """From now on calls into this private chat are refused."""
        await self._change_status(self.chat(person.id), person, "kicked", "blocks the bot")

    async def unblock(self, person: Person) -> None:
        await self._change_status(self.chat(person.id), person, "member", "unblocks the bot")

    async def kick(self, chat: Chat, by: Person = OWNER) -> None:
        """Remove the bot: it hears nothing more from the group, and calls into it are refused."""
        await self._change_status(chat, by, "kicked", "removes the bot")

    async def migrate(self, chat: Chat, by: Person = OWNER) -> Chat:
        """Turn a basic group into a supergroup, which is a new chat; calls into the old one are refused."""
        new = replace(chat, id=SUPERGROUPS + chat.id, type="supergroup", admins={*chat.admins}, history=[])
        self.chats[new.id] = new
        self._story.did(by, chat, "upgrades the group to a supergroup")
        last = self.new_message(chat, by, other={"migrate_to_chat_id": new.id})
        first = self.new_message(new, ANONYMOUS_ADMIN, other={"migrate_from_chat_id": chat.id})
        chat.migrated_to = new.id
        await self.updates.add(message=last.wire())
        await self.updates.add(message=first.wire())
        return new

    def member(self, chat: Chat, user_id: int) -> Json | None:
        """A ChatMember as on the wire, or None when nobody knows the person. Who has not written yet has left."""
        accounts = {message.sender.id: message.sender for each in self.chats.values() for message in each.history}
        accounts[self.me.id] = self.me
        named = user_id in {chat.id, chat.creator, *chat.admins}
        if user_id not in accounts and not named:
            return None
        here = named or user_id == self.me.id or any(user_id == message.sender.id for message in chat.history)
        return member_wire(accounts.get(user_id, Person(user_id)), self._status(chat, user_id) if here else "left")

    def _status(self, chat: Chat, user_id: int) -> str:
        if user_id == self.me.id and chat.bot_status == "kicked":
            return "kicked"
        if user_id == chat.creator:
            return "creator"
        return "administrator" if user_id in chat.admins else "member"

    async def _change_status(self, chat: Chat, by: Person, status: str, what: str) -> None:
        old = self._status(chat, self.me.id)
        chat.bot_status = status
        self._story.did(by, chat, what)
        await self.updates.add(
            my_chat_member={
                "chat": chat.wire(),
                "from": by.wire(),
                "date": int(time.time()),
                "old_chat_member": member_wire(self.me, old),
                "new_chat_member": member_wire(self.me, self._status(chat, self.me.id)),
            }
        )


def member_wire(person: Person, status: str) -> Json:
    facts: dict[str, Json] = {
        "creator": {"is_anonymous": False},
        "administrator": {"is_anonymous": False, "can_be_edited": False, **dict.fromkeys(RIGHTS, True)},
        "kicked": {"until_date": 0},
    }
    return {"user": person.wire(), "status": status, **facts.get(status, {})}
