"""Where the program's log goes and how its lines look: for people, or one JSON object a line; never a secret."""

import json
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from pydantic import SecretStr

from core.config import Settings

OURS: Final = ("bots", "core", "storage")
# What a line may be about, given as `extra`.
IDS: Final = ("job", "photo")


def log_to_terminal(settings: Settings) -> None:
    """Send all logging of this process to stderr, Python's warnings too."""
    secrets = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    kind = JsonLines if settings.log_format == "json" else TextLines
    handler = logging.StreamHandler()
    handler.setFormatter(kind(secrets))
    # Libraries debug by printing what they are given: messages, and the names of people's pictures.
    level = logging.getLevelNamesMapping()[settings.log_level]
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler], force=True)
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    # It tells every request.
    logging.getLogger("httpx").setLevel(max(level, logging.WARNING))
    # It raises what it logs, too; and logs whole updates, with people's words.
    logging.getLogger("telegram").setLevel(logging.CRITICAL)
    # It tells each step of a connection; what it raises is logged where it is caught.
    logging.getLogger("discord").setLevel(max(level, logging.WARNING))
    logging.getLogger("discord.client").setLevel(logging.CRITICAL)
    logging.captureWarnings(True)


class TextLines(logging.Formatter):
    """2026-07-01 12:00:00,000 WARNING core.studio: what happened job=4f1a photo=7"""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._secrets = _Secrets(secrets)

    def format(self, record: logging.LogRecord) -> str:
        return self._secrets.hidden_in(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        ids = "".join(f" {name}={value}" for name, value in _ids(record).items())
        return super().formatMessage(record) + ids


class JsonLines(logging.Formatter):
    """Objects of time (ISO 8601, UTC), level, logger, message, and where there are any job, photo, exception."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__()
        self._secrets = _Secrets(secrets)

    def format(self, record: logging.LogRecord) -> str:
        row: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_ids(record),
        }
        if record.exc_info:
            row["exception"] = self.formatException(record.exc_info)
        # Before they become JSON, where quotes and backslashes look different.
        hidden = {k: self._secrets.hidden_in(v) if isinstance(v, str) else v for k, v in row.items()}
        return json.dumps(hidden)


class _Secrets:
    """Found as they are and as addresses hold them, percent-encoded."""

    def __init__(self, secrets: Sequence[str]) -> None:
        forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""))}
        # The longest first: one may begin another.
        words = [re.escape(form) for form in sorted(forms, key=len, reverse=True)]
        self._pattern = re.compile("|".join(words), re.IGNORECASE) if words else None

    def hidden_in(self, text: str) -> str:
        return self._pattern.sub("[secret]", text) if self._pattern else text


def _ids(record: logging.LogRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in IDS if hasattr(record, name)}
