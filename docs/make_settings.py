"""Write the table of all settings into docs/settings.md, from core/config.py. Run by `make settings`."""

from pathlib import Path
from typing import Any, Final

from core.config import Settings

PAGE: Final = Path(__file__).resolve().parent / "settings.md"
BEGIN: Final = "<!-- Written by `make settings` from core/config.py; change it there. -->\n"
END: Final = "<!-- The end of what `make settings` writes. -->\n"


def main() -> None:
    """Write the table; what people wrote around it stays."""
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def renewed(page: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after


def table() -> str:
    """One row a setting, in Markdown."""
    rows = ["| setting | default | allowed | what it does |", "|---|---|---|---|"]
    fields = Settings.model_json_schema()["properties"]
    for name, field in Settings.model_fields.items():
        cells = (_code(name.upper()), _default(field.default), _allowed(fields[name]), field.description or "")
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _default(value: Any) -> str:
    """As one would write it into .env, several with commas between; nothing for what is unset."""
    if isinstance(value, frozenset | tuple):
        return ", ".join(map(_code, sorted(value)))
    if isinstance(value, bool):
        return _code(str(int(value)))
    return _code("" if value is None else str(value))


def _allowed(schema: dict[str, Any]) -> str:
    """The words or the range of numbers that are taken; nothing where that is not so simple."""
    kind = next((each for each in schema.get("anyOf", ()) if each["type"] != "null"), schema)
    if kind["type"] == "boolean":
        return "`0`, `1`"
    bounds = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "up to {}"}
    if "enum" in kind:
        return ", ".join(map(_code, kind["enum"]))
    return " ".join(words.format(kind[bound]) for bound, words in bounds.items() if bound in kind)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    main()
