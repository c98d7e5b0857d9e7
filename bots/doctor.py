"""`cartoonbot doctor`: what is installed, and for everything amiss the one command that mends it."""

import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from core.config import Settings
from core.errors import ConfigError, FacesUnavailable
from core.releases import RELEASES
from core.styles.registry import BUILT_IN
from core.weights import WeightsFolder

PACKAGES: Final = (
    "torch",
    "numpy",
    "pillow",
    "pillow-heif",
    "opencv-python-headless",
    "aiosqlite",
    "python-telegram-bot",
    "discord.py",
    "gradio",
    "modelscope",
    "filelock",
)
# Twenty photos in flight at their largest, and a database.
SPACE_BYTES: Final = 2_000_000_000
# Workers that are there answer at once.
WORKER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `remedy` is a command or what to do."""

    what: str
    fine: bool = True
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Every finding, in the order a person would look. Tokens are told as set or not, never shown."""
    return [
        _python(),
        *(_package(name) for name in PACKAGES),
        _device(settings.device),
        *(_workers(url, settings) for url in settings.inference_url),
        *_styles(WeightsFolder(settings.weights_dir)),
        _faces(),
        _telegram(settings),
        _discord(settings),
        _data_folder(settings.data_dir),
    ]


def _python() -> Finding:
    what = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {os.cpu_count()} CPU cores"
    return Finding(what, sys.version_info >= (3, 11), "")


def _package(name: str) -> Finding:
    try:
        return Finding(f"{name} {version(name)}")
    except PackageNotFoundError:
        return Finding(f"{name} is not installed", False, "make clean setup")


def _device(name: str) -> Finding:
    try:
        import torch

        from core.engine import device_label, pick_device

        label = device_label(pick_device(name))
    except ImportError as error:
        return Finding(f"Device: unknown, because {error.name} is not installed", False, "make clean setup")
    except ConfigError as error:
        return Finding(str(error), False, "set DEVICE=auto in .env")
    return Finding(f"Device: {label}, {torch.get_num_threads()} threads")


def _workers(url: str, settings: Settings) -> Finding:
    import httpx

    token = settings.inference_token
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    try:
        answer = httpx.get(f"{url}/healthz", headers=headers, timeout=WORKER_SECONDS)
        if answer.status_code in (401, 403):
            remedy = "set INFERENCE_TOKEN in .env to the INFERENCE_TOKEN of the workers"
            return Finding(f"Workers at {url} refuse the token", False, remedy)
        answer.raise_for_status()
        said = answer.json()
        return Finding(f"Workers at {url}: {said['device']}; they draw {', '.join(said['styles'])}")
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        what = f"Workers at {url} do not answer ({str(error) or type(error).__name__})"
        return Finding(what, False, "see that Ray Serve runs there (deploy/ray/README.md)")


def _faces() -> Finding:
    try:
        from core.faces import FaceFinder
    except ImportError as error:
        return Finding(f"Faces: unknown, because {error.name} is not installed", False, "make clean setup")
    try:
        FaceFinder.installed()
    except FacesUnavailable as error:
        return Finding(error.what, False, error.remedy)
    return Finding("Faces: the weights of the face finder are present and whole")


def _styles(weights: WeightsFolder) -> list[Finding]:
    findings = [Finding(f"Styles: {', '.join(BUILT_IN)} (built in, no weights to download)")]
    for name in RELEASES:
        damaged = weights.verify(name)
        if damaged:
            what = f"Style {name}: missing or damaged: {', '.join(damaged)}"
            findings.append(Finding(what, False, f"cartoonbot styles pull {name} --again"))
        elif weights.installed(name):
            findings.append(Finding(f"Style {name}: its weights are present and whole"))
    if len(findings) == 1:
        findings.append(Finding("Styles of DCT-Net: none yet", remedy="to add one: cartoonbot styles pull anime"))
    return findings


def _telegram(settings: Settings) -> Finding:
    if settings.telegram_bot_token is None:
        return Finding(
            "Telegram: no token",
            remedy="to add Telegram, ask @BotFather for a token and put TELEGRAM_BOT_TOKEN=... into .env",
        )
    return Finding(f"Telegram: token present, Bot API at {settings.telegram_api_url}")


def _discord(settings: Settings) -> Finding:
    if settings.discord_bot_token is None:
        return Finding(
            "Discord: no token",
            remedy="to add Discord, make an application there and put DISCORD_BOT_TOKEN=... of its bot into .env",
        )
    return Finding(f"Discord: token present, API at {settings.discord_api_url}")


def _data_folder(folder: Path) -> Finding:
    shown = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"cartoonbot")
    except OSError as error:
        return Finding(
            f"Data folder {shown} cannot be written ({error.strerror})",
            False,
            f"sudo mkdir -p {shown} && sudo chown $USER {shown}",
        )
    free = shutil.disk_usage(folder).free
    if free < SPACE_BYTES:
        return Finding(
            f"Data folder {shown} has only {free / 1e9:.1f} GB free",
            False,
            "free some space, or set DATA_DIR in .env to a folder on a larger disk",
        )
    return Finding(f"Data folder {shown} is writable, {free / 1e9:.0f} GB free")
