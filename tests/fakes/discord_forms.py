"""A form (modal) of the stand-in Discord, filled in by a person."""

from collections.abc import Callable
from typing import Any

from tests.fakes.discord_objects import Component, Json, walk


class Form:
    """`values` are what was filled in, by the labels of the fields; `keep` puts a file on the CDN."""

    def __init__(self, modal: Json, keep: Callable[[Any], Any]) -> None:
        self.values: Json = {}
        self._modal = modal
        self._keep = keep

    def filled(self, values: dict[str, Any]) -> Json:
        """As an interaction carries it. Raises AssertionError for what the client of Discord does not let send."""
        names = [part["custom_id"] for part in walk(self._modal["components"]) if "custom_id" in part]
        assert values.keys() <= {*names}, f"no such fields: {values.keys() - {*names}}; only {names}"
        components = [self._container(each, values) for each in self._modal["components"]]
        return {"custom_id": self._modal["custom_id"], "components": components}

    def _container(self, part: Json, values: dict[str, Any]) -> Json:
        shell = {"type": part["type"], "id": part["id"]}
        match part["type"]:
            case Component.LABEL:
                return shell | {"component": self._field(part["component"], part["label"], values)}
            case Component.ACTION_ROW:
                fields = [self._field(each, each["label"], values) for each in part["components"]]
                return shell | {"components": fields}
            case _:
                return shell

    def _field(self, part: Json, label: str, values: dict[str, Any]) -> Json:
        name = part["custom_id"]
        filled: Json = {"type": part["type"], "id": part["id"], "custom_id": name}
        match part["type"]:
            case Component.TEXT_INPUT:
                text: str = values.get(name, part.get("value") or "")
                _check_count(label, part, len(text), "length", 0, 4000)
                self.values[label] = text
                return filled | {"value": text}
            case Component.STRING_SELECT:
                options = [chosen(part, each) for each in _listed(values.get(name, _defaults(part)))]
                _check_count(label, part, len(options), "values", 1, 1)
                self.values[label] = [option["label"] for option in options]
                return filled | {"values": [option["value"] for option in options]}
            case Component.FILE_UPLOAD:
                files = [self._keep(each) for each in values.get(name, [])]
                _check_count(label, part, len(files), "values", 1, 1)
                self.values[label] = files
                return filled | {"values": [str(file.id) for file in files]}
            case kind:
                raise AssertionError(f"the stand-in fills in no fields of type {kind}")


def chosen(select: Json, choice: str) -> Json:
    """The option of a select with this label or value."""
    found = next((each for each in select["options"] if choice in (each["label"], each["value"])), None)
    assert found, f"{choice!r} is not offered; only {[each['label'] for each in select['options']]}"
    return found


def _listed(choice: str | list[str]) -> list[str]:
    return [choice] if isinstance(choice, str) else choice


def _defaults(select: Json) -> list[str]:
    return [option["value"] for option in select["options"] if option.get("default")]


def _check_count(label: str, part: Json, number: int, what: str, least: int, most: int) -> None:
    """Too few, too many, or nothing where something is required."""
    if number == 0 and not part.get("required", True):
        return
    least = max(part.get(f"min_{what}", least) or 0, 1)
    most = part.get(f"max_{what}", most) or most
    assert least <= number <= most, f"the field {label!r} takes {least} to {most}, not {number}"
