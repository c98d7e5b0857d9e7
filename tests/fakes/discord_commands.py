"""The commands the bot has registered with the stand-in Discord, and what people can be offered of them."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.fakes.discord_calls import Call, Refused
from tests.fakes.discord_chats import Channel
from tests.fakes.discord_messages import Handler
from tests.fakes.discord_objects import PERMISSIONS, Json, Snowflakes, User

SLASH, MESSAGE_MENU = 1, 3
SUBCOMMAND, SUBCOMMAND_GROUP = 1, 2
STRING, INTEGER, BOOLEAN, USER, NUMBER, ATTACHMENT = 3, 4, 5, 6, 10, 11
IN_GUILD, IN_DIRECT_MESSAGES = 0, 1
INSTALLED = {"guild": 0, "user": 1}
PYTHON_TYPES: dict[int, tuple[type, ...]] = {
    STRING: (str,),
    INTEGER: (int,),
    BOOLEAN: (bool,),
    USER: (User,),
    NUMBER: (int, float),
    ATTACHMENT: (tuple,),
}
COMMANDS = "/applications/{application_id}/commands"


class Commands:
    """The routes of global commands. `registered` are all, as Discord answers them."""

    def __init__(self, ids: Snowflakes, application_id: int) -> None:
        self.registered: list[Json] = []
        self._ids = ids
        self._application_id = application_id
        self.routes: dict[tuple[str, str], Handler] = {
            ("GET", COMMANDS): self._list,
            ("PUT", COMMANDS): self._replace,
            ("POST", COMMANDS): self._add,
            ("DELETE", f"{COMMANDS}/{{command_id}}"): self._delete,
        }

    def find(self, name: str, kind: int, person: User, channel: Channel, installed: str) -> Json:
        """A command by its name. Raises AssertionError when people are not offered it there."""
        command = next((each for each in self.registered if (each["name"], each["type"]) == (name, kind)), None)
        names = [each["name"] for each in self.registered if each["type"] == kind]
        assert command, f"there is no command {name!r}; registered are {names}"
        place = IN_GUILD if channel.guild else IN_DIRECT_MESSAGES
        contexts = command["contexts"]
        assert contexts is None or place in contexts, f"{name!r} is not offered in context {place}"
        kinds = command["integration_types"]
        assert INSTALLED[installed] in kinds, f"{name!r} is not offered to who installed it for a {installed}"
        if channel.guild and (needed := command["default_member_permissions"]):
            held = sum(PERMISSIONS[each] for each in channel.guild.permissions_of(person))
            assert held & int(needed) == int(needed), f"{person.name} lacks the permissions for {name!r}"
        return command

    async def _list(self, call: Call) -> tuple[int, Any]:
        if call.query.get("with_localizations") in ("true", "1"):
            return 200, self.registered
        return 200, [
            {key: value for key, value in each.items() if not key.endswith("_localizations")}
            for each in self.registered
        ]

    async def _replace(self, call: Call) -> tuple[int, Any]:
        before = {_key(each): each for each in self.registered}
        self.registered = [self._stored(each, before.get(_key(each))) for each in call.payload]
        return 200, self.registered

    async def _add(self, call: Call) -> tuple[int, Any]:
        old = next((each for each in self.registered if _key(each) == _key(call.payload)), None)
        stored = self._stored(call.payload, old)
        self.registered = [each for each in self.registered if each is not old] + [stored]
        return (200 if old else 201), stored

    async def _delete(self, call: Call) -> tuple[int, Any]:
        left = [each for each in self.registered if each["id"] != call.parameters["command_id"]]
        if len(left) == len(self.registered):
            raise Refused(10063)
        self.registered = left
        return 204, None

    def _stored(self, asked: Json, before: Json | None) -> Json:
        """What is registered again keeps its id, and its version where it is the same."""
        command: Json = {
            "type": SLASH,
            "description": "",
            "options": [],
            "contexts": None,
            "integration_types": [INSTALLED["guild"]],
            "default_member_permissions": None,
            "nsfw": False,
            "name_localizations": None,
            "description_localizations": None,
            **asked,
            "application_id": str(self._application_id),
            "id": before["id"] if before else str(next(self._ids)),
        }
        same = before is not None and command == {key: before[key] for key in before if key != "version"}
        return command | {"version": before["version"] if before and same else str(next(self._ids))}


def leaf(command: Json, names: Sequence[str]) -> list[Json]:
    """The options of a subcommand, or of the command itself when no names follow."""
    options: list[Json] = command["options"]
    for name in names:
        inner = next((each for each in options if each["name"] == name and each["type"] <= SUBCOMMAND_GROUP), None)
        assert inner, f"/{command['name']} has no subcommand {name!r}"
        options = inner.get("options", [])
    assert not any(each["type"] <= SUBCOMMAND_GROUP for each in options), f"/{command['name']} needs a subcommand"
    return options


def check_values(options: Sequence[Json], values: Json) -> None:
    """Raises AssertionError for what the client of Discord does not let people send."""
    offered = {each["name"]: each for each in options}
    assert values.keys() <= offered.keys(), f"no such options: {values.keys() - offered.keys()}; only {[*offered]}"
    missing = [name for name, each in offered.items() if each.get("required") and name not in values]
    assert not missing, f"these options are required: {missing}"
    for name, value in values.items():
        problems = [*_value_problems(offered[name], value)]
        assert not problems, f"option {name}: {problems[0]}"


def nested(names: Sequence[str], options: list[Json]) -> list[Json]:
    """Values within their subcommands, as interactions carry them."""
    kinds = [SUBCOMMAND_GROUP, SUBCOMMAND][-len(names) :] if names else []
    for name, kind in reversed([*zip(names, kinds, strict=True)]):
        options = [{"name": name, "type": kind, "options": options}]
    return options


def _value_problems(option: Json, value: Any) -> Iterator[str]:
    kind = option["type"]
    if kind not in PYTHON_TYPES:
        yield f"the stand-in knows no options of type {kind}"
    elif not isinstance(value, PYTHON_TYPES[kind]) or isinstance(value, bool) != (kind == BOOLEAN):
        yield f"{value!r} is not of type {kind}"
    elif (choices := option.get("choices")) and value not in [each["value"] for each in choices]:
        yield f"{value!r} is not offered; only {[each['value'] for each in choices]}"
    elif kind in (INTEGER, NUMBER):
        low, high = option.get("min_value"), option.get("max_value")
        if (low is not None and value < low) or (high is not None and value > high):
            yield f"{value!r} is not within {low} and {high}"


def _key(command: Json) -> tuple[str, int]:
    return command["name"], command.get("type", SLASH)
