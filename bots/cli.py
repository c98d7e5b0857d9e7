"""The command line: run (the default), convert, styles, bench, doctor, backup, restore."""

import asyncio
import json
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bots import terminal
from bots.locales import Locale
from bots.logs import log_to_terminal
from bots.styles import styles as styles_cli
from core.config import Settings
from core.errors import CartoonbotError, ConfigError, UserError
from core.look import (
    MIN_SIZE,
    Look,
    SheetKind,
    parse_faces,
    parse_format,
    parse_size,
    parse_strength,
    parse_style,
)
from core.photo import Limits, decode
from core.releases import RELEASES
from core.styles.registry import STYLE_NAMES, Styles
from core.weights import WeightsFolder

if TYPE_CHECKING:
    from bots.app import App
    from bots.bench_pipeline import Setting

log = logging.getLogger(__name__)

NO_PHOTOS = "There are no photos there. Name photos, or folders that hold some."
DEFAULT = Look()
COMPARE_HELP = (
    "Draw in alternation with this changed, too: style, strength, size, format, faces, batch-size, device or "
    "precision. Several times to change several."
)
STYLE_HELP = f"Any of {', '.join(STYLE_NAMES)}; by default anime where it is installed, else ink."
cli = typer.Typer(
    help="Redraw photos as cartoons: in a chat, in a local web page, or right here.",
    invoke_without_command=True,
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
cli.add_typer(styles_cli, name="styles")


def main() -> None:
    """The console script."""
    # OpenMP reads it when torch is loaded. Threads that spin while they wait make drawing several times slower
    # as soon as anything else wants the cores.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # PyTorch's profiler, which bench uses, else tells every start and end on the terminal.
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")
    cli()


@cli.callback()
def default(context: typer.Context) -> None:
    """Without a command: run."""
    if context.invoked_subcommand is None:
        run()


@cli.command()
def run() -> None:
    """Start the bots whose tokens are set, and the local web app."""
    settings = terminal.settings()
    log_to_terminal(settings)
    try:
        asyncio.run(_serve(settings))
    except ConfigError as error:
        terminal.complain(str(error))
        raise typer.Exit(1) from error
    except Exception as error:
        # Not left to Python, whose traceback would be no log line and could show a token.
        log.exception("Cartoonbot has to stop: something broke")
        raise typer.Exit(1) from error


@cli.command()
def convert(
    paths: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder for the cartoons; made if missing.")] = Path("cartoons"),
    style: Annotated[str | None, typer.Option(help=STYLE_HELP)] = None,
    strength: Annotated[str, typer.Option(help="0.1 to 1.0.")] = str(DEFAULT.strength),
    size: Annotated[str, typer.Option(help="Longest side in pixels, 512 to 2048.")] = str(DEFAULT.size),
    file_format: Annotated[str, typer.Option("--format", help="jpg, png or webp.")] = DEFAULT.format,
    faces: Annotated[
        str, typer.Option(help="Faces that get special care: all, or main (only the largest).")
    ] = DEFAULT.faces,
    archive: Annotated[Path | None, typer.Option("--zip", help="Also put all cartoons into this ZIP.")] = None,
    compare: Annotated[bool, typer.Option(help="Also write photo and cartoon side by side.")] = False,
    compare_sheet: Annotated[
        SheetKind | None,
        typer.Option(
            help="Also write each photo with its cartoon, in several strengths, or in all styles, on one sheet."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a report as JSON.")] = False,
) -> None:
    """Redraw photos from files and folders. Exit code 0: all done; 1: some failed; 2: wrong usage."""
    from bots.convert import Conversion, gather
    from core.engine import LocalEngine
    from core.sheet import SheetEngine

    locale = Locale("en")
    settings = terminal.settings()
    styles = Styles(WeightsFolder(settings.weights_dir))
    look = _look(locale, styles, style, strength, size, file_format, faces)
    photos = gather(paths, out)
    if not photos:
        raise terminal.usage(NO_PHOTOS)
    try:
        engine = SheetEngine(LocalEngine(settings.device, styles.build), lambda: styles.installed)
    except ConfigError as error:
        raise terminal.usage(str(error)) from error
    conversion = Conversion(engine, look, out, settings.limits, locale, pairs=compare, sheet=compare_sheet)
    try:
        report = _watched(conversion.run(photos), len(photos))
        if archive is not None:
            conversion.zip_to(archive)
    except OSError as error:
        terminal.complain(f"The cartoons could not be written: {error}")
        raise typer.Exit(1) from error
    failed = [row for row in report if row["error"]]
    if as_json:
        summary = {"photos": report, "done": len(report) - len(failed), "failed": len(failed)}
        sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=2) + "\n")
    else:
        Console().print(f"{len(report) - len(failed)} of {len(report)} photos redrawn into {out}", highlight=False)
    for row in failed:
        terminal.complain(f"{row['photo']}: {row['error']}")
    if failed:
        raise typer.Exit(1)


@cli.command()
def bench(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Photos, or folders of photos; none: those of Cartoonbot.", exists=True),
    ] = None,
    style: Annotated[str | None, typer.Option(help=STYLE_HELP)] = None,
    strength: Annotated[str, typer.Option(help="0.1 to 1.0.")] = str(DEFAULT.strength),
    size: Annotated[str, typer.Option(help="Longest side in pixels, 512 to 2048.")] = str(DEFAULT.size),
    file_format: Annotated[str, typer.Option("--format", help="jpg, png or webp.")] = DEFAULT.format,
    photos: Annotated[int, typer.Option(help="Photos in a round: those there are, in turn.", min=1)] = 20,
    rounds: Annotated[int, typer.Option(help="How often they are drawn, after a warm-up.", min=1)] = 3,
    changes: Annotated[
        list[str] | None, typer.Option("--compare", metavar="NAME=VALUE", help=COMPARE_HELP)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Measure how fast this machine draws photos, or which of two settings draws them faster."""
    from bots.bench import report_on
    from bots.bench_photos import enlarged_samples
    from bots.bench_pipeline import Setting, Work
    from bots.bench_table import table
    from bots.convert import gather
    from core.engine import LocalEngine

    locale = Locale("en")
    settings = terminal.settings()
    weights = WeightsFolder(settings.weights_dir)
    styles = Styles(weights)
    options = {
        "style": style or styles.default,
        "strength": strength,
        "size": size,
        "format": file_format,
        "faces": DEFAULT.faces,
        "batch-size": str(settings.batch_size),
        "device": settings.device,
        "precision": settings.precision,
    }
    measured = [_bench_setting(locale, styles, options)]
    if changes:
        measured.append(_bench_setting(locale, styles, options | _changed(changes, options)))

    def build_engine(setting: Setting) -> LocalEngine:
        return LocalEngine(setting.device, Styles(weights, setting.precision).build, settings.device_memory_gb)

    with tempfile.TemporaryDirectory() as folder:
        longest = max(setting.look.size for setting in measured)
        files = gather(paths) if paths else enlarged_samples(Path(folder), longest)
        if not files:
            raise terminal.usage(NO_PHOTOS)
        source = "yours, stored as JPEG" if paths else f"Cartoonbot's samples, stored at {longest} px"
        work = Work(files[:photos], photos, source, settings.limits)
        _check(work.files, settings.limits, locale)
        try:
            report = report_on(measured, build_engine, work, rounds)
        except ConfigError as error:
            raise terminal.usage(str(error)) from error
        except CartoonbotError as error:
            terminal.complain(locale.error(error) if isinstance(error, UserError) else str(error))
            raise typer.Exit(1) from error
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        Console(highlight=False).print(table(report))


@cli.command()
def doctor() -> None:
    """Look at this installation and say what to mend, with the command that mends it."""
    from bots.doctor import examine

    findings = examine(terminal.settings())
    console = Console(highlight=False)
    for finding in findings:
        mark = "[green]ok[/green]   " if finding.fine else "[red]mend[/red] "
        console.print(f"{mark} {escape(finding.what)}", soft_wrap=True)
        if finding.remedy:
            console.print(f"       -> {finding.remedy}", soft_wrap=True, markup=False)
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


@cli.command()
def backup(file: Annotated[Path, typer.Argument(help="The tar to write, such as cartoonbot.tar.")]) -> None:
    """Copy the data folder into one file; the program may go on meanwhile."""
    from bots.backup import back_up

    folder = terminal.settings().data_dir
    try:
        size = back_up(folder, file)
    except ConfigError as error:
        terminal.complain(str(error))
        raise typer.Exit(1) from error
    Console(highlight=False).print(
        f"{folder} is backed up in {file} ({size / 1e6:.1f} MB). People's photos and words are in it: keep it "
        "where only you can read it. Your .env and the weights are not in it.",
        soft_wrap=True,
        markup=False,
    )


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What cartoonbot backup wrote.", exists=True, dir_okay=False)],
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Also where the data folder is not empty; what is there is kept beside."),
    ] = False,
) -> None:
    """Bring a backup into the data folder, which no program may be using."""
    from bots import backup

    folder = terminal.settings().data_dir
    try:
        replaced = backup.restore(file, folder, replace=replace)
    except ConfigError as error:
        terminal.complain(str(error))
        raise typer.Exit(1) from error
    words = (
        f"{file} is restored into {folder}. Start Cartoonbot: it goes on where it was when the backup was made. "
        "Cartoons that it has sent since then may come a second time."
    )
    if replaced is not None:
        words += f" What was there before is in {replaced}: remove it when all is well."
    Console(highlight=False).print(words, soft_wrap=True, markup=False)


async def _serve(settings: Settings) -> None:
    from bots.app import App

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def asked_to_stop() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()
        end_within(settings.shutdown_seconds)

    def end_within(seconds: float) -> None:
        # Whatever hangs must not keep the program from ending; what is unfinished is on disk.
        deadline = threading.Timer(seconds, os._exit, [1])
        deadline.daemon = True
        deadline.start()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked_to_stop)
    app = App(settings)
    telling = asyncio.create_task(_tell_where(app, settings))
    try:
        await app.run(stop)
    finally:
        telling.cancel()
        end_within(settings.shutdown_seconds)


async def _tell_where(app: "App", settings: Settings) -> None:
    """Say what is running, once it is."""
    await app.started.wait()
    console = Console(highlight=False)
    if settings.inference_url:
        workers = ", ".join(settings.inference_url)
        console.print(f"Photos are drawn by workers at {workers}.", soft_wrap=True, markup=False)
    if app.web is None:
        console.print("Cartoonbot is running. Ctrl-C stops it.")
        return
    await app.web.ready.wait()
    if len(app.front_ends) == 1:
        console.print(
            "No bot token is set, so here is the web app alone (see .env.example for Telegram and Discord).",
            soft_wrap=True,
        )
    ready = f"Cartoonbot is ready: open [bold]{app.web.url}[/bold] in your browser. Ctrl-C stops it."
    console.print(ready, soft_wrap=True)


def _watched(rows: Iterable[dict[str, Any]], total: int) -> list[dict[str, Any]]:
    """All rows, with a progress bar where somebody watches."""
    columns = (TextColumn("Redrawing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=terminal.errors, disable=not terminal.errors.is_terminal) as progress:
        return list(progress.track(rows, total=total))


def _look(
    locale: Locale,
    styles: Styles,
    style: str | None,
    strength: str,
    size: str,
    file_format: str = DEFAULT.format,
    faces: str = DEFAULT.faces,
) -> Look:
    """The look that the options ask for; wrong usage ends the command."""
    try:
        name = (style or styles.default).strip().lower()
        if name not in RELEASES:
            name = parse_style(name, styles.installed)
        elif not styles.has(name):
            raise styles.missing(name)
        return Look(
            name,
            parse_strength(strength),
            parse_size(size),
            parse_format(file_format),
            parse_faces(faces),
        )
    except UserError as error:
        raise terminal.usage(locale.error(error)) from error


def _check(photos: Iterable[Path], limits: Limits, locale: Locale) -> None:
    """A photo that cannot be read ends the command: figures over the others would not be those asked for."""
    for photo in photos:
        try:
            decode(photo, limits, MIN_SIZE)
        except UserError as error:
            raise terminal.usage(f"{photo}: {locale.error(error)}") from error


def _changed(changes: Iterable[str], options: Collection[str]) -> dict[str, str]:
    """Words such as "size=2048" by their names; wrong usage ends the command."""
    changed: dict[str, str] = {}
    for change in changes:
        name, _, value = change.partition("=")
        if name not in options or not value:
            raise terminal.usage(
                f"--compare {change}: write NAME=VALUE, such as size=2048. NAME is any of {', '.join(options)}."
            )
        changed[name] = value
    return changed


def _bench_setting(locale: Locale, styles: Styles, options: Mapping[str, str]) -> "Setting":
    """What the options ask for; wrong usage ends the command."""
    from bots.bench_pipeline import Setting

    look = _look(locale, styles, *(options[name] for name in ("style", "strength", "size", "format", "faces")))
    rows = {name.replace("-", "_"): options[name] for name in ("batch-size", "device", "precision")}
    try:
        settings = Settings(**rows)  # pyright: ignore[reportArgumentType]
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-")
        raise terminal.usage(f"--compare {name}={first['input']}: {first['msg']}.") from error
    return Setting(look, settings.device, settings.batch_size, settings.precision)
