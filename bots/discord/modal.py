"""The window of /batch: two fields for files, for up to 20 photos.

What was chosen with the command travels in the window's id, so that nothing of it is kept here: a window that was
opened before a restart works after it.
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

import discord

from bots.discord.wire import Interaction, Picture
from bots.locales import Locale

BATCH: Final = "batch:"
FIELDS: Final = ("photos", "more")
FILES_A_FIELD: Final = 10
ID_CHARACTERS: Final = 100


def modal_of(locale: Locale, caption: str) -> discord.ui.Modal:
    """The window; `caption` tells the look that was asked for."""
    modal = discord.ui.Modal(title=locale.say("batch-title"), custom_id=f"{BATCH}{caption}"[:ID_CHARACTERS])
    for place, field in enumerate(FIELDS):
        files = discord.ui.FileUpload(
            custom_id=field, required=place == 0, min_values=int(place == 0), max_values=FILES_A_FIELD
        )
        modal.add_item(
            discord.ui.Label(
                text=locale.say(f"batch-{field}"), description=locale.say(f"batch-{field}-hint"), component=files
            )
        )
    # Nobody waits for it: see bots.discord.interactions.
    modal.stop()
    return modal


def is_batch(interaction: Interaction) -> bool:
    """Whether it brings the photos of such a window."""
    return interaction.type is discord.InteractionType.modal_submit and _data(interaction).get(
        "custom_id", ""
    ).startswith(BATCH)


def asked_in(interaction: Interaction) -> str:
    """The caption that the window was opened with."""
    return str(_data(interaction)["custom_id"]).removeprefix(BATCH)


def uploaded_in(interaction: Interaction) -> Sequence[Picture]:
    """The files, in the order of the fields."""
    data = _data(interaction)
    resolved: Mapping[str, Any] = data.get("resolved", {}).get("attachments", {})
    return [Picture.read(resolved[number]) for number in _uploads(data) if number in resolved]


def _uploads(data: Mapping[str, Any]) -> Generator[str]:
    for label in data.get("components", ()):
        yield from label.get("component", {}).get("values", ())


def _data(interaction: Interaction) -> Mapping[str, Any]:
    return interaction.data or {}  # pyright: ignore[reportReturnType]
