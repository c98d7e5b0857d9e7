"""`cartoonbot styles`: which styles there are, and the weights of those that need some."""

import json
import sys
from pathlib import Path
from typing import Annotated, Final, TypedDict

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from bots import terminal
from bots.samples import draw_sample
from core.errors import WeightsUnavailable
from core.releases import LICENCE, RELEASES
from core.styles.registry import BUILT_IN
from core.weights import Installed, WeightsFolder

FAILED: Final = 1
INTERRUPTED: Final = 130  # what shells expect after Ctrl-C
OUR_LICENCE: Final = "MIT"
HOW_TO_ADD: Final = "To add one: cartoonbot styles pull NAME (from a folder of yours: --from DIR)."
# Names of models are long; a file or a pipe has room for them.
WIDE: Final = 120

styles = typer.Typer(invoke_without_command=True, add_completion=False)


class Row(TypedDict):
    """One style of the list. None: no weights to count in bytes, or a licence that only their giver knows."""

    style: str
    built_in: bool
    installed: bool
    bytes: int | None
    licence: str | None
    source: str


@styles.callback()
def show(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the styles; with pull, install the weights of one."""
    if context.invoked_subcommand is not None:
        return
    rows = list_styles(WeightsFolder(terminal.settings().weights_dir))
    if as_json:
        sys.stdout.write(json.dumps({"styles": rows}, indent=2) + "\n")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
    console.print(table(rows))
    console.print(HOW_TO_ADD, soft_wrap=True)


@styles.command()
def pull(
    names: Annotated[list[str], typer.Argument(help=f"Any of: {', '.join(RELEASES)}.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="A folder with the style's files, instead of ModelScope.", exists=True, file_okay=False
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Also where it is installed already.")] = False,
) -> None:
    """Install the weights of styles. Exit code 0: all installed; 1: some could not be; 2: wrong usage."""
    names = list(dict.fromkeys(names))
    _check(names, source)
    folder = WeightsFolder(terminal.settings().weights_dir)
    console = Console(highlight=False)
    failed = False
    for name in names:
        there = None if again else folder.installed(name)
        try:
            installed = there or _bring(folder, name, source)
            draw_sample(folder, name)
        except WeightsUnavailable as error:
            terminal.complain(str(error))
            failed = True
        except KeyboardInterrupt:
            terminal.complain("Stopped. What was downloaded is kept: the same command goes on from there.")
            raise typer.Exit(INTERRUPTED) from None
        else:
            use = "To install it anew, add --again." if there else f"Use it with /style {name}, or --style {name}."
            use += " A bot that is running takes the new files at its next start." if again else ""
            word = "already installed" if there else "installed"
            console.print(f"{name} is {word} ({_megabytes(installed.bytes)}). {use}", soft_wrap=True)
    if failed:
        raise typer.Exit(FAILED)


def list_styles(folder: WeightsFolder) -> list[Row]:
    """Every style: those built in first, then those with weights."""
    rows = [
        Row(style=name, built_in=True, installed=True, bytes=None, licence=OUR_LICENCE, source="Cartoonbot")
        for name in BUILT_IN
    ]
    return rows + [_row(name, folder.installed(name)) for name in RELEASES]


def table(rows: list[Row]) -> Table:
    """The list as people read it."""
    shown = Table("style", "installed", "licence", box=None, pad_edge=False)
    shown.add_column("source", overflow="fold")
    for row in rows:
        size = f"yes, {_megabytes(row['bytes'])}" if row["bytes"] is not None else "no"
        state = "built in" if row["built_in"] else size
        shown.add_row(row["style"], state, row["licence"] or "not known", escape(row["source"]))
    return shown


def _row(name: str, installed: Installed | None) -> Row:
    published = RELEASES[name].model_id
    source = installed.source if installed else published
    return Row(
        style=name,
        built_in=False,
        installed=installed is not None,
        bytes=installed.bytes if installed else None,
        licence=LICENCE if source == published else None,
        source=source,
    )


def _check(names: list[str], source: Path | None) -> None:
    """Wrong usage ends the command."""
    for name in names:
        if name in BUILT_IN:
            raise terminal.usage(f"{name} is built in: there is nothing to download.")
        if name not in RELEASES:
            raise terminal.usage(f'There is no style "{name}" to install. Please use: {", ".join(RELEASES)}.')
    if source is not None and len(names) > 1:
        raise terminal.usage("A folder holds the files of one style: with --from, name just that one.")


def _bring(folder: WeightsFolder, name: str, source: Path | None) -> Installed:
    """Install one style, with a progress bar where somebody watches a download."""
    if source is not None:
        return folder.install(name, source)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=terminal.errors, disable=not terminal.errors.is_terminal
    ) as progress:
        task = progress.add_task(name, total=None)
        return folder.pull(name, lambda here, total: progress.update(task, completed=here, total=total))


def _megabytes(size: int) -> str:
    return f"{max(1, round(size / 1e6))} MB"
