"""What is in deploy/, read as the programs that it is for read it."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def read_yaml(name: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's, each with its words, in order."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line]
    return [(name, words) for name, _, words in (line.partition(" ") for line in lines)]


def image_environment() -> dict[str, str]:
    """What the image sets itself."""
    (words,) = (words for name, words in instructions()[::-1][:20] if name == "ENV" and "DATA_DIR" in words)
    return dict(re.findall(r"(\w+)=(\S+)", words))


def healthcheck() -> list[str]:
    """The command, as words."""
    (words,) = (words for name, words in instructions() if name == "HEALTHCHECK")
    return json.loads(words[words.index("CMD") + len("CMD") :])
