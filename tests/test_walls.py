"""The walls between the rooms: who may import whom, and what importing needs and does."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("bots", "core", "storage")
CHAT_LIBRARIES = {"telegram", "discord", "gradio"}
# What only the front-end machine has; GPU hosts draw without it.
FRONT_LIBRARIES = CHAT_LIBRARIES | {
    "aiosqlite",
    "asyncio_throttle",
    "fluent",
    "rich",
    "typer",
    "uvicorn",
    "fastapi",
}
# The settings and the counts are for the program that serves; drawing does not need them.
NOT_FOR_DRAWING = {"core.config", "core.metrics"}


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def modules(*rooms: str) -> list[str]:
    """Every module that is for importing; `__main__` is for running."""
    names: list[str] = []
    for file in (file for room in rooms for file in files(room) if file.name != "__main__.py"):
        parts = file.relative_to(ROOT).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def imported(file: Path) -> Iterator[str]:
    """The dotted names that a file imports, at its top or inside."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports from where it is; write the whole name"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def broken(folder: str, forbidden: set[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files(folder)
        for name in imported(file)
        if name.split(".")[0] in forbidden
    ]


def users_of(library: str) -> set[Path]:
    return {
        file.relative_to(ROOT)
        for room in ROOMS
        for file in files(room)
        if any(name.split(".")[0] == library for name in imported(file))
    }


def run_python(code: str, *arguments: str, environment: dict[str, str], folder: Path = ROOT) -> str:
    """What a fresh Python prints; its traceback is the test's."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_core_knows_neither_chats_nor_storage():
    assert broken("core", FRONT_LIBRARIES | {"bots", "storage", "tests"}) == []


def test_storage_knows_core_alone():
    assert broken("storage", CHAT_LIBRARIES | {"bots", "tests"}) == []


def test_storage_takes_only_plain_types_from_core():
    taken = {name for file in files("storage") for name in imported(file) if name.startswith("core.")}
    assert {".".join(name.split(".")[:2]) for name in taken} <= {"core.errors", "core.jobs", "core.look"}


def test_the_program_knows_nothing_of_its_tests():
    assert broken("bots", {"tests"}) == []


@pytest.mark.parametrize(
    ("library", "folder"), [("telegram", "bots/telegram"), ("gradio", "bots/web"), ("aiosqlite", "storage")]
)
def test_each_library_stays_in_its_room(library: str, folder: str):
    users = users_of(library)
    assert users
    assert all(user.is_relative_to(folder) for user in users)


def test_only_the_composition_root_knows_the_front_ends():
    rooms = ("bots.telegram", "bots.web")
    knowing = {
        str(file.relative_to(ROOT))
        for file in files("bots")
        for name in imported(file)
        if name.startswith(rooms) and not file.is_relative_to(ROOT / "bots" / name.split(".")[1])
    }
    assert knowing == {"bots/app.py"}


def test_the_walls_would_be_seen_to_break(tmp_path: Path):
    file = tmp_path / "broken.py"
    file.write_text("import os.path\n\ndef late():\n    from bots.outbox import Outbox\n")
    assert list(imported(file)) == ["os.path", "bots.outbox", "bots.outbox.Outbox"]


# Only what torch, numpy, OpenCV and Pillow themselves need may be found, as on a GPU host.
BARE_HOST = """
import importlib, re, sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()

there, asked = set(), ["torch", "numpy", "opencv-python-headless", "pillow"]
while asked:
    package = asked.pop()
    if package in there:
        continue
    there.add(package)
    try:
        rows = requires(package) or []
    except PackageNotFoundError:
        continue
    asked += [plain(re.match(r"[\\w.-]+", row)[0]) for row in rows if "extra ==" not in row]

class Absent:
    names = {
        name
        for name, packages in packages_distributions().items()
        if not any(plain(package) in there | {"cartoonbot"} for package in packages)
    }

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
for library in ("pydantic", "aiosqlite", "telegram", "pillow_heif", "prometheus_client"):
    assert library in Absent.names, library
for module in sys.argv[1:]:
    importlib.import_module(module)
print(len(sys.argv) - 1)
"""


def test_core_needs_nothing_but_torch_numpy_opencv_and_pillow():
    names = [name for name in modules("core") if name not in NOT_FOR_DRAWING]
    assert {"core.studio", "core.engine", "core.styles.ink"} <= set(names)
    assert run_python(BARE_HOST, *names, environment={"PATH": ""}) == f"{len(names)}\n"


ALL_MODULES = """
import importlib, sys, threading
for module in sys.argv[1:]:
    importlib.import_module(module)
print(threading.active_count())
"""


def test_importing_every_module_needs_no_environment_and_starts_nothing(tmp_path: Path):
    names = modules(*ROOMS)
    assert {"bots.app", "bots.cli", "bots.web.page", "core.config", "storage.jobs"} <= set(names)
    # From a folder of its own: a .env or a data folder of this checkout must not matter.
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{ALL_MODULES}"
    environment = {"PATH": os.environ["PATH"]}
    assert run_python(code, *names, environment=environment, folder=tmp_path) == "1\n"
    assert list(tmp_path.iterdir()) == []
