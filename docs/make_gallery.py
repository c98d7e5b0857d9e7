"""Draw the gallery: every sample photo in every style, into docs/gallery; and the pictures that chats show, into
bots/samples. Run by `make gallery`."""

from itertools import product
from pathlib import Path
from typing import Final

from bots.samples import SITTER, as_jpeg, drawn_portrait, packaged, portrait, samples, welcome
from core.engine import LocalEngine
from core.look import Look
from core.photo import Array, Limits, decode, resized, side_by_side
from core.sheet import sheet
from core.styles.registry import BUILT_IN

FOLDER: Final = Path(__file__).resolve().parent / "gallery"
STRENGTHS: Final = (0.3, 0.7, 1.0)
RECOMMENDED: Final = 0.7
PICTURE_SIZE: Final = 640
SHEET_COLUMNS: Final = 4
SHEET_WIDTH: Final = 1600
INTRODUCTION: Final = f"""# Gallery

Cartoonbot's styles on its sample photos, made by `make gallery`. Each first picture shows the photo and the styles
at strength {RECOMMENDED}. Who made the photos, and their licences: [bots/samples](../../bots/samples/README.md).
"""


def main() -> None:
    """Write all pictures and the page that shows them; what an earlier run left goes."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.jpg"):
        old.unlink()
    # Always on the CPU: graphics cards round in their own ways, and the gallery shall be the same everywhere.
    engine = LocalEngine("cpu")
    pages = [INTRODUCTION]
    for sample in samples():
        draw(engine, sample)
        pages.append(page(sample.stem))
    (FOLDER / "README.md").write_text("\n".join(pages), encoding="utf-8")
    draw_for_chats(engine)


def draw(engine: LocalEngine, sample: Path) -> None:
    """The pictures of one photo: itself, each style at each strength, and the sheet of the styles."""
    photo = decode(sample, Limits(), Look(size=PICTURE_SIZE).working_size)
    first = resized(photo, PICTURE_SIZE)
    save(first, f"{sample.stem}-photo")
    tiles = [first]
    for style, strength in product(BUILT_IN, STRENGTHS):
        drawn = engine.stylize([photo], [Look(style=style, strength=strength, size=PICTURE_SIZE)])[0]
        save(drawn, f"{sample.stem}-{style}-{strength}")
        if strength == RECOMMENDED:
            tiles.append(drawn)
    save(resized(sheet(tiles, ["photo", *BUILT_IN], SHEET_COLUMNS), SHEET_WIDTH), sample.stem)


def draw_for_chats(engine: LocalEngine) -> None:
    """The portrait in each built-in style, and the picture that comes with the greeting."""
    photo = decode(SITTER, Limits(), Look(size=PICTURE_SIZE).working_size)
    packaged("photo").write_bytes(as_jpeg(portrait(photo)))
    for style in BUILT_IN:
        packaged(style).write_bytes(as_jpeg(drawn_portrait(engine, style)))
    cartoon = engine.stylize([photo], [Look(style=BUILT_IN[0], strength=RECOMMENDED, size=PICTURE_SIZE)])[0]
    welcome().write_bytes(as_jpeg(side_by_side(photo, cartoon)))


def page(name: str) -> str:
    """The section of one photo in Markdown: its sheet, then styles down and strengths across."""
    rows = [
        f"## {name.replace('_', ' ').title()}\n\n![{name} in all styles]({name}.jpg)\n",
        "| | " + " | ".join(map(str, STRENGTHS)) + " |",
        "|---" * (len(STRENGTHS) + 1) + "|",
        f"| photo | ![{name}]({name}-photo.jpg) |" + " |" * (len(STRENGTHS) - 1),
    ]
    for style in BUILT_IN:
        cells = [f"![{name}, {style} {strength}]({name}-{style}-{strength}.jpg)" for strength in STRENGTHS]
        rows.append(f"| {style} | " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def save(picture: Array, name: str) -> None:
    (FOLDER / f"{name}.jpg").write_bytes(as_jpeg(picture))


if __name__ == "__main__":
    main()
