"""What the stand-in Discord tells the bot of itself and of its gateway."""

from typing import Any

from tests.fakes.discord_calls import Call, Refused
from tests.fakes.discord_messages import Handler
from tests.fakes.discord_world import World


class Profile:
    """The routes of the gateway, the bot's user and its application."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.routes: dict[tuple[str, str], Handler] = {
            ("GET", "/gateway"): self._gateway,
            ("GET", "/gateway/bot"): self._bot_gateway,
            ("GET", "/users/@me"): self._me,
            ("GET", "/users/{user_id}"): self._user,
            ("GET", "/applications/@me"): self._application,
            ("GET", "/oauth2/applications/@me"): self._application,
        }

    async def _gateway(self, call: Call) -> tuple[int, Any]:
        return 200, {"url": self._world.gateway.url}

    async def _bot_gateway(self, call: Call) -> tuple[int, Any]:
        gateway = self._world.gateway
        return 200, {
            "url": gateway.url,
            "shards": gateway.shards,
            "session_start_limit": gateway.start_limit(),
        }

    async def _me(self, call: Call) -> tuple[int, Any]:
        self._world.gateway.start_anew()
        return 200, self._world.me.wire() | {"verified": True, "mfa_enabled": False, "flags": 0, "email": None}

    async def _user(self, call: Call) -> tuple[int, Any]:
        user = self._world.users.get(call.id("user_id"))
        if user is None:
            raise Refused(10013)
        return 200, user.wire()

    async def _application(self, call: Call) -> tuple[int, Any]:
        world = self._world
        return 200, {
            "id": str(world.application_id),
            "name": world.me.name,
            "icon": None,
            "description": "",
            "summary": "",
            "bot_public": True,
            "bot_require_code_grant": False,
            "owner": world.owner.wire(),
            "verify_key": "0" * 64,
            "team": None,
            "flags": 0,
        }
