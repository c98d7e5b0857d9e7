"""The weights of the DCT-Net styles: what is published, what is installed, and how it gets here.

A style has a folder of its own inside the weights folder:

    anime/manifest.json      where the files came from, their sizes and checksums, and which folder holds them
    anime/files-1f0c2a9b/    cartoon_bg.pb, cartoon_h.pb, alpha.jpg: never changed once the manifest names it;
                             and sample.jpg once it is drawn: what the style looks like with these weights
    anime/.download/         what an interrupted download left, for the next one to go on from

Renaming a new manifest over the old one is what installs. So a reader finds the old files or the new ones, never
some of each, and a crash leaves at most a folder that no manifest names; the next install removes it. The files
that a new manifest replaces stay until the install after it: somebody may be about to read them.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import GraphUnreadable, GraphUnsupported, PhotoError, WeightsUnavailable
from core.releases import HEADS, MASK, RELEASES, SPELLINGS, WHOLE_PICTURE, needed
from core.weights_download import Progress, download

MANIFEST: Final = "manifest.json"
_TRIAL_SIDE: Final = 32
_REPORT: Final = "Please report it to whoever makes Cartoonbot."


@dataclass(frozen=True, slots=True)
class Installed:
    """One style's weights, whole. `source`: the model on ModelScope, or the folder they came from."""

    style: str
    whole_picture: Path
    heads: Path
    mask: Path
    bytes: int
    source: str

    @property
    def sample(self) -> Path:
        """Where a picture that shows the style is kept, once somebody has drawn it; it goes with the weights."""
        return self.mask.with_name("sample.jpg")


@dataclass(frozen=True, slots=True)
class _Manifest:
    """`files`: size in bytes and SHA-256 of each file in `folder`."""

    source: str
    folder: Path
    files: dict[str, tuple[int, str]]


class WeightsFolder:
    """The folder where weights are installed. Threads and processes may share it.

    `patience`: seconds without a byte after which a download has failed.
    """

    def __init__(self, folder: Path, patience: float = 10.0) -> None:
        self._folder = folder.absolute()
        self._patience = patience

    def installed(self, style: str) -> Installed | None:
        """The style's weights if all are there in their sizes, else None; for what is no style, None."""
        try:
            manifest = self._manifest(style)
            sizes = {name: (manifest.folder / name).stat().st_size for name in manifest.files}
        except (OSError, ValueError):
            return None
        if any(sizes[name] != size for name, (size, _) in manifest.files.items()):
            return None
        folder = manifest.folder
        total = sum(sizes.values())
        return Installed(style, folder / WHOLE_PICTURE, folder / HEADS, folder / MASK, total, manifest.source)

    def verify(self, style: str) -> list[str]:
        """The names of files that are missing or not as they were installed. For a style never installed: none."""
        try:
            manifest = self._manifest(style)
        except FileNotFoundError:
            return []
        except (OSError, ValueError):
            return [MANIFEST]
        return [name for name, fact in manifest.files.items() if not _is(manifest.folder / name, fact)]

    def install(self, style: str, source: Path) -> Installed:
        """Copy the weights of one of RELEASES from a folder, in place of those there are.

        Raises WeightsUnavailable.
        """
        try:
            names = needed((each.name for each in source.iterdir()), f"the folder {source}")
        except OSError as error:
            raise WeightsUnavailable(f"The folder {source} cannot be read: {error.strerror}.") from error
        files = {name: source / spelled for name, spelled in names.items()}
        _check(files, f"What is in {source} cannot be used", f"Get the whole folder again from {_page(style)}.")
        with self._alone(style) as home:
            return self._put(style, home, files, str(source.resolve()))

    def pull(self, style: str, progress: Progress) -> Installed:
        """Download the weights of one of RELEASES from ModelScope, in place of those there are.

        `progress` hears the bytes here and the bytes in all, in this thread; what it raises stops the download.
        Raises WeightsUnavailable. The next call goes on where this one ended.
        """
        before = self.installed(style)
        with self._alone(style) as home:
            arrived = self.installed(style)
            if arrived is not None and before is None:
                return arrived  # another process brought them while this one waited
            release, downloads = RELEASES[style], home / ".download"
            names = download(release, downloads, self._patience, progress)
            files = {name: downloads / spelled for name, spelled in names.items()}
            try:
                _check(files, f"What ModelScope has as {release.model_id} cannot be used here", _REPORT)
                return self._put(style, home, files, release.model_id)
            finally:
                shutil.rmtree(downloads, ignore_errors=True)

    def _manifest(self, style: str) -> _Manifest:
        """Raises OSError or ValueError where there is none, or none that we wrote."""
        if style not in RELEASES:
            raise FileNotFoundError(style)  # what a stranger types must not become a path
        home = self._folder / style
        content = json.loads((home / MANIFEST).read_text(encoding="utf-8"))
        try:
            facts = content["files"]
            files = {name: (facts[name]["bytes"], facts[name]["sha256"]) for name in SPELLINGS}
            return _Manifest(content["source"], home / content["folder"], files)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{home / MANIFEST} has another form") from error

    @contextmanager
    def _alone(self, style: str) -> Generator[Path]:
        """The style's folder, for one writer at a time."""
        from filelock import FileLock, Timeout

        home = self._folder / RELEASES[style].style
        try:
            home.mkdir(parents=True, exist_ok=True)
            with FileLock(home / ".lock", timeout=self._patience):
                yield home
        except Timeout as error:
            raise WeightsUnavailable(
                f"Another program is installing {style} just now: try again in a minute."
            ) from error
        except OSError as error:
            raise WeightsUnavailable(
                f"The weights folder {self._folder} cannot be written ({error.strerror or error}): "
                "mend that, free some space, or set WEIGHTS_DIR to another folder."
            ) from error

    def _put(self, style: str, home: Path, files: Mapping[str, Path], source: str) -> Installed:
        """Copy the files beside those installed, and only then let the manifest name them."""
        replaced = self.installed(style)
        folder = home / f"files-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        facts: dict[str, dict[str, int | str]] = {}
        for name, path in files.items():
            copy = folder / name
            shutil.copyfile(path, copy)
            _flush(copy)
            facts[name] = {"bytes": copy.stat().st_size, "sha256": _checksum(copy)}
        manifest = {"source": source, "folder": folder.name, "files": facts}
        new = home / f"{MANIFEST}.new"
        new.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        _flush(new)
        new.replace(home / MANIFEST)
        installed = self.installed(style)
        assert installed is not None  # nobody else writes here
        # What was staged and never installed, and what was replaced long ago.
        kept = {each.mask.parent for each in (installed, replaced) if each}
        for folder in home.glob("files-*"):
            if folder not in kept:
                shutil.rmtree(folder)
        return installed


def _page(style: str) -> str:
    return RELEASES[style].page


def _check(files: Mapping[str, Path], what: str, advice: str) -> None:
    """Raises WeightsUnavailable unless the mask is a picture and both graphs draw one."""
    from core.photo import Limits, decode

    try:
        decode(files[MASK], Limits(), 512)
    except (PhotoError, OSError) as error:
        raise WeightsUnavailable(
            f"{what}: {files[MASK].name} is not a picture that can be read. {advice}"
        ) from error
    for path in (files[WHOLE_PICTURE], files[HEADS]):
        try:
            fault = _fault(path)
        except (GraphUnreadable, GraphUnsupported, OSError) as error:
            fault = str(error).rstrip(".")
        if fault:
            raise WeightsUnavailable(f"{what}: {fault}. {advice}")


def _fault(path: Path) -> str | None:
    """What is wrong with a graph, tried on a small picture. Raises what load_graph raises."""
    import torch

    from core.tfgraph import load_graph

    network = load_graph(path)
    try:
        drawn = network(torch.full((1, _TRIAL_SIDE, _TRIAL_SIDE, 3), 127.0))
    except Exception as error:  # whatever PyTorch says to shapes that do not fit
        return f"{path.name} cannot draw a picture ({' '.join(str(error).split()):.200})"
    if drawn.dtype != torch.uint8 or drawn.shape != (1, _TRIAL_SIDE, _TRIAL_SIDE, 3):
        return f"{path.name} makes something else of a picture than a picture"
    return None


def _is(path: Path, fact: tuple[int, str]) -> bool:
    """Whether a file has this size in bytes and this SHA-256."""
    try:
        return (path.stat().st_size, _checksum(path)) == fact
    except OSError:
        return False


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Have the disk hold a file before anything names it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
