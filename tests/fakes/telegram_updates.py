"""The updates that wait for the bot, and the two ways they reach it: long polling and a webhook."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.fakes.telegram_calls import Call, Refused
from tests.fakes.telegram_chats import Json
from tests.fakes.telegram_schema import Upload

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
ANSWER_SECONDS = 60.0


@dataclass(eq=False)
class Webhook:
    """What setWebhook asked for, and the last thing that went wrong with it."""

    url: str
    secret_token: str | None
    allowed_updates: list[str]
    max_connections: int
    ip_address: str | None
    certificate: Upload | None
    last_error: tuple[int, str] | None = None


class Updates:
    """Waiting updates, oldest first. Each is given to the bot until it is confirmed.

    `changed` is told of every update that comes or goes, and of every failure to push one.
    """

    def __init__(self, changed: asyncio.Condition) -> None:
        self.webhook: Webhook | None = None
        self.methods: dict[str, Callable[[Call], Awaitable[Any]]] = {
            "getUpdates": self._get_updates,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._get_webhook_info,
        }
        self._waiting: list[Json] = []
        self._changed = changed
        self._numbers = count(1000)
        self._poll: Call | None = None
        self._pushing: asyncio.Task[None] | None = None

    async def add(self, **update: Json) -> None:
        self._waiting.append({"update_id": next(self._numbers), **update})
        await self._tell()

    async def close(self) -> None:
        """Push nothing more."""
        if self._pushing is not None:
            self._pushing.cancel()
            with suppress(asyncio.CancelledError):
                await self._pushing
            self._pushing = None

    async def _get_updates(self, call: Call) -> list[Json]:
        """Long polling. An offset confirms all updates before it; a newer poll ends an older one with 409."""
        if self.webhook is not None:
            raise Refused(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        offset = call.fields.get("offset", 0)
        allowed = call.fields.get("allowed_updates", [])
        self._waiting = (
            self._waiting[offset:] if offset < 0 else [u for u in self._waiting if u["update_id"] >= offset]
        )
        self._poll = call
        async with self._changed:
            self._changed.notify_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(call.fields.get("timeout", 0)):
                    await self._changed.wait_for(lambda: pending(self._waiting, allowed) or self._ended(call))
        if self.webhook is not None:
            raise Refused(409, "Conflict: terminated by setWebhook request")
        if self._poll is not call:
            raise Refused(409, "Conflict: terminated by other getUpdates request")
        return pending(self._waiting, allowed)[: call.fields.get("limit", 100)]

    async def _set_webhook(self, call: Call) -> bool:
        url = call.fields["url"]
        if not url:
            return await self._delete_webhook(call)
        if not _may_be_posted_to(url):
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        before = self.webhook.allowed_updates if self.webhook else []
        await self._delete_webhook(call)
        self.webhook = Webhook(
            url,
            call.fields.get("secret_token"),
            call.fields.get("allowed_updates", before),
            call.fields.get("max_connections", 40),
            call.fields.get("ip_address"),
            call.files.get("certificate"),
        )
        self._pushing = asyncio.create_task(self._push(self.webhook))
        await self._tell()
        return True

    async def _delete_webhook(self, call: Call) -> bool:
        await self.close()
        self.webhook = None
        if call.fields.get("drop_pending_updates"):
            self._waiting.clear()
        return True

    async def _get_webhook_info(self, call: Call) -> Json:
        webhook, waiting = self.webhook, len(self._waiting)
        if webhook is None:
            return {"url": "", "has_custom_certificate": False, "pending_update_count": waiting}
        date, message = webhook.last_error or (None, None)
        info = {
            "url": webhook.url,
            "has_custom_certificate": webhook.certificate is not None,
            "pending_update_count": waiting,
            "ip_address": webhook.ip_address,
            "last_error_date": date,
            "last_error_message": message,
            "max_connections": webhook.max_connections,
            "allowed_updates": webhook.allowed_updates or None,
        }
        return {name: value for name, value in info.items() if value is not None}

    async def _push(self, webhook: Webhook) -> None:
        """Post the updates in order, one at a time, each until it is taken."""
        secret = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret_token} if webhook.secret_token else {}
        timeout = aiohttp.ClientTimeout(ANSWER_SECONDS)
        async with aiohttp.ClientSession(headers=secret, timeout=timeout) as session:
            while True:
                async with self._changed:
                    await self._changed.wait_for(lambda: self._waiting)
                update = self._waiting[0]
                if pending([update], webhook.allowed_updates):
                    await self._post_until_taken(session, webhook, update)
                del self._waiting[0]
                await self._tell()

    async def _post_until_taken(self, session: aiohttp.ClientSession, webhook: Webhook, update: Json) -> None:
        pause = FIRST_PAUSE
        while (problem := await _post(session, webhook.url, update)) is not None:
            webhook.last_error = int(time.time()), problem
            await self._tell()
            await asyncio.sleep(pause)  # Telegram's own patience, not a way to synchronise
            pause = min(2 * pause, LONGEST_PAUSE)

    def _ended(self, poll: Call) -> bool:
        """Whether something newer took this poll's place."""
        return self.webhook is not None or self._poll is not poll

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _post(session: aiohttp.ClientSession, url: str, update: Json) -> str | None:
    """What went wrong, or None."""
    try:
        async with session.post(url, json=update) as answer:
            if answer.status // 100 == 2:
                return None
            return f"Wrong response from the webhook: {answer.status} {answer.reason}"
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"Connection failed: {error}"


def _may_be_posted_to(url: str) -> bool:
    """Telegram takes only HTTPS; a stand-in needs plain HTTP on loopback."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost"))


def pending(updates: Iterable[Json], allowed: Sequence[str]) -> list[Json]:
    """Those updates whose kind the bot asked for; an empty list asks for all."""
    return [update for update in updates if not allowed or not update.keys().isdisjoint(allowed)]
