"""What the README and .env.example promise is what the program has."""

import re
from pathlib import Path

import pytest

from core.config import Settings

ROOT = Path(__file__).resolve().parents[1]
ROWS = {name.upper(): field for name, field in Settings.model_fields.items()}


@pytest.mark.parametrize("name", ROWS)
def test_each_setting_is_explained_in_the_readme_and_the_example(name: str):
    assert f"| `{name}` |" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^{name}=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert ROWS[name].description


def test_the_example_holds_the_defaults_and_nothing_unknown():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert set(shown) == set(ROWS)
    example = Settings(_env_file=ROOT / ".env.example")  # type: ignore[call-arg]
    assert example == Settings(_env_file=None)  # type: ignore[call-arg]
