"""What the documents and .env.example promise is what the program has."""

import ast
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer.main
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bots.cli import cli
from core.config import Settings
from docs import make_settings

ROOT = Path(__file__).resolve().parents[1]
ROWS = {name.upper(): field for name, field in Settings.model_fields.items()}
ROOMS = ("bots", "core", "storage", "tests", "docs", "deploy")
PAGES = sorted([*ROOT.glob("*.md"), *(page for room in ROOMS for page in (ROOT / room).rglob("*.md"))])
TROUBLESHOOTING = ROOT / "docs" / "troubleshooting.md"
# What stands for whatever differs each time.
GAP = "…"


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    """All of a page in Markdown, what is inside of lines after each line."""
    blocks = MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
    return tuple(token for block in blocks for token in (block, *(block.children or ())))


def links(page: Path) -> Iterator[str]:
    """Where it links to, pictures included."""
    for token in tokens(page):
        target = token.attrs.get("href") or token.attrs.get("src")
        if target is not None:
            yield unquote(str(target))


def headings(page: Path) -> Iterator[Token]:
    each = iter(tokens(page))
    for token in each:
        if token.type == "heading_open":
            yield next(each)


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to its headings."""
    seen: Counter[str] = Counter()
    names: set[str] = set()
    for heading in headings(page):
        text = "".join(part.content for part in heading.children or ())
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        names.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return names


def code(page: Path) -> Iterator[str]:
    """What is shown as code, line by line."""
    for token in tokens(page):
        if token.type in ("code_inline", "code_block", "fence"):
            yield from (line.strip() for line in token.content.splitlines())


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("name", ROWS)
def test_each_setting_is_explained_in_the_example_and_has_a_description(name: str):
    assert re.search(rf"^{name}=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    assert ROWS[name].description


def test_the_example_holds_the_defaults_and_nothing_unknown():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert set(shown) == set(ROWS)
    example = Settings(_env_file=ROOT / ".env.example")  # type: ignore[call-arg]
    assert example == Settings(_env_file=None)  # type: ignore[call-arg]


def test_the_table_of_settings_is_fresh():
    page = make_settings.PAGE.read_text(encoding="utf-8")
    assert page == make_settings.renewed(page), "run `make settings`"
    assert re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE) == list(ROWS)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path):
    lost: list[str] = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_exists(page: Path):
    named = {line for line in code(page) if re.fullmatch(rf"({'|'.join(ROOMS)})/[\w./-]+", line)}
    assert {name for name in named if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_of_the_program_exists(page: Path):
    for line in code(page):
        if found := re.match(r"(?:\S*/bin/)?cartoonbot +(?=[a-z-])(.*)", line):
            words = shlex.split(found[1])
            # A click group or command; typer has a click of its own.
            command: Any = typer.main.get_command(cli)
            for word in words:
                if not hasattr(command, "commands") or word.startswith("-"):
                    break
                assert word in command.commands, line
                command = command.commands[word]
            options = {"--help", *(option for parameter in command.params for option in parameter.opts)}
            assert {word for word in words if word.startswith("--")} <= options, line


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_target_of_make_and_every_module_to_run_exists(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in code(page):
        if line.startswith("make "):
            assert {word for word in line.split()[1:] if word.replace("-", "").isalpha()} <= targets, line
        for module in re.findall(r"python -m (tests[\w.]*)", line):
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), line


def test_both_readmes_say_the_same():
    english, chinese = ROOT / "README.md", ROOT / "README.zh-CN.md"
    assert levels(english) == levels(chinese)
    assert list(blocks_of_code(english)) == list(blocks_of_code(chinese))
    assert documents(english) == documents(chinese)


def levels(page: Path) -> list[str]:
    return [each.tag for each in tokens(page) if each.type == "heading_open"]


def blocks_of_code(page: Path) -> Iterator[str]:
    return (each.content for each in tokens(page) if each.type in ("code_block", "fence"))


def documents(page: Path) -> set[str]:
    """What it links to, but for its own headings, the other language, and pictures of the program in use."""
    return {link for link in links(page) if not link.startswith(("#", "README", "docs/screenshots"))}


def test_troubleshooting_quotes_what_the_program_says():
    parts = [part for each in headings(TROUBLESHOOTING) for part in each.children or ()]
    quotes = [part.content for part in parts if part.type == "code_inline"]
    assert len(quotes) > 40
    said = "\n".join(sentences())
    assert [quote for quote in quotes if quote not in said] == []


def sentences() -> Iterator[str]:
    """Every text in the program and in its English sentences, with a gap for each value."""
    for file in (file for room in ("bots", "core", "storage") for file in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%[a-z]", GAP, node.value)
    yield re.sub(r"\{[^{}]*\}", GAP, (ROOT / "bots" / "locales" / "en.ftl").read_text(encoding="utf-8"))
