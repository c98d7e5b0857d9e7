"""What all commands say in the same way, and how they end when they were asked wrongly."""

from typing import Final

import typer
from rich.console import Console

from core.config import Settings, load_settings
from core.errors import ConfigError

USAGE: Final = 2
errors: Final = Console(stderr=True)


def settings() -> Settings:
    """Settings from the environment and .env; wrong ones end the command."""
    try:
        return load_settings()
    except ConfigError as error:
        raise usage(str(error)) from error


def usage(sentence: str) -> typer.Exit:
    """To be raised where a command was asked wrongly; says the sentence."""
    complain(sentence)
    return typer.Exit(USAGE)


def complain(sentence: str) -> None:
    """Say on stderr what went wrong."""
    errors.print(sentence, style="red", highlight=False, markup=False, soft_wrap=True)
