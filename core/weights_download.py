"""Downloads from ModelScope, by its own client in a process of its own.

A process, because the client can be held to few attempts and to folders of ours only by its environment, before it
is imported; because it draws progress bars and sets up logging as it likes; and because this way a download can be
stopped at any moment.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from core.errors import WeightsUnavailable
from core.releases import RELEASES, Release, needed

# Left to itself, the client tries a server that is down for most of a minute. What the person has set comes first.
ATTEMPTS: Final = {"MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS": "3", "MODELSCOPE_DOWNLOAD_MAX_RETRIES": "2"}
INSTEAD: Final = "name a folder that has the files, with --from DIR."
AGAIN: Final = f"try again (what was downloaded is kept), or {INSTEAD}"
TICK: Final = 0.5  # seconds
# As in core.tfgraph.reader, which this process does not load.
MAX_FILE_BYTES: Final = 1 << 28

Progress = Callable[[int, int], None]


def download(release: Release, folder: Path, patience: float, progress: Progress) -> dict[str, str]:
    """Download what is needed of a release into `folder`: each needed file and its spelling there.

    `progress` hears the bytes here and the bytes in all, in this thread; what it raises stops the download. So do
    `patience` seconds without a byte. The next call goes on where this one ended. Raises WeightsUnavailable.
    """
    folder.mkdir(exist_ok=True)
    environment = {
        **ATTEMPTS,
        **os.environ,
        # Where it looks for a login to send along, and keeps the number by which its servers know who asks.
        "MODELSCOPE_HOME": str(folder / ".home"),
        "MODELSCOPE_CACHE": str(folder / ".cache"),
        # One half of it wants a number here, the other a name; nobody sees the log.
        "MODELSCOPE_LOG_LEVEL": "40",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "core.weights_download", release.style, str(folder), str(patience)],
        cwd=Path(__file__).resolve().parents[1],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        # Ctrl-C is for us; the download ends when we say so.
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                match json.loads(line):
                    case {"here": here, "total": total}:
                        progress(here, total)
                    case {"names": names}:
                        return names
                    case {"failed": sentence}:
                        raise WeightsUnavailable(sentence)
                    case _:
                        pass
        finally:
            process.kill()
    raise WeightsUnavailable(f"The download of {release.style} ended before its time: {AGAIN}")


class _Downloader:
    """What that process does: says what happens, one line of JSON each, and ends."""

    def __init__(self, release: Release, folder: Path, patience: float) -> None:
        self._release = release
        self._folder = folder
        self._patience = patience
        # Ours alone: what libraries print must not get between.
        self._out, sys.stdout = sys.stdout, sys.stderr
        self._heard = threading.Event()
        self._speaking = threading.RLock()
        self._here: dict[str, int] = {}
        self._total = 0

    def run(self) -> None:
        try:
            names = self._download()
        except WeightsUnavailable as error:
            self._say(failed=str(error))
        except Exception as error:
            # It raises errors of its own, of requests and of Python, alone or one for each file.
            causes = list(getattr(error, "failed_files", {}).values()) or [error]
            self._say(failed=self._sentence(causes[0]))
        else:
            self._say(names=names)

    def count(self, name: str, size: int) -> None:
        """More bytes of a file are here; fewer when it is begun again."""
        self._heard.set()
        # Files arrive in threads of their own: what is summed first must be said first.
        with self._speaking:
            self._here[name] = self._here.get(name, 0) + size
            self._say(here=sum(self._here.values()), total=self._total)

    def restart(self, name: str) -> None:
        """The client begins to count a file; what it goes on from it counts first."""
        self._here[name] = 0

    def _download(self) -> dict[str, str]:
        # Its logger would load all of torch, only to ask for a rank among workers.
        sys.modules["torch"] = None  # pyright: ignore[reportArgumentType]
        from modelscope.hub.api import HubApi
        from modelscope.hub.callback import ProgressCallback
        from modelscope.hub.snapshot_download import snapshot_download

        downloader = self

        class Count(ProgressCallback):
            def __init__(self, filename: str, file_size: int) -> None:
                super().__init__(filename, file_size)
                downloader.restart(filename)

            def update(self, size: int) -> None:
                downloader.count(self.filename, size)

        threading.Thread(target=self._watch, daemon=True).start()
        model = self._release.model_id
        listed: dict[str, int] = {row["Path"]: row["Size"] for row in HubApi().get_model_files(model)}
        names = needed(listed, f"{model} on ModelScope")
        if any(listed[spelled] > MAX_FILE_BYTES for spelled in names.values()):
            raise WeightsUnavailable(f"What ModelScope lists as {model} is too large to be this style: {INSTEAD}")
        self._total = sum(listed[spelled] for spelled in names.values())
        for spelled in names.values():
            whole = self._folder / spelled
            self.count(spelled, whole.stat().st_size if whole.exists() else 0)
        # By whole names, since its patterns reach into other folders. It verifies sizes and checksums.
        wanted = list(names.values())
        snapshot_download(model, local_dir=str(self._folder), allow_patterns=wanted, progress_callbacks=[Count])
        return names

    def _watch(self) -> None:
        """End the process when nothing arrives any more. Until then tell the count, so that it can be stopped."""
        silent = 0.0
        try:
            while silent < self._patience:
                silent = 0.0 if self._heard.wait(TICK) else silent + TICK
                self._heard.clear()
                with self._speaking:
                    if self._total:
                        self._say(here=sum(self._here.values()), total=self._total)
            silence = f"ModelScope has sent nothing for {self._patience:.0f} s"
            self._say(failed=f"{silence}: check the connection and {AGAIN}")
        finally:
            os._exit(1)  # also when nobody listens any more

    def _sentence(self, error: BaseException) -> str:
        if isinstance(error, ImportError):
            return (
                f"Downloads need the package {error.name}, which is not installed: make clean setup, or {INSTEAD}"
            )
        from modelscope.hub.errors import FileIntegrityError, NotExistError, ServerError
        from requests import RequestException

        style, page = self._release.style, self._release.page
        match error:
            case NotExistError():
                return f"ModelScope does not have {style} any more, or not all of it: look at {page}, or {INSTEAD}"
            case FileIntegrityError():
                return f"What arrives of {style} is not what ModelScope lists: wait a while and {AGAIN}"
            case ServerError():
                return f"ModelScope is out of order just now: wait a while and {AGAIN}"
            case RequestException() | ConnectionError():
                return f"ModelScope cannot be reached: check the connection and {AGAIN}"
            case _:
                cause = " ".join(str(error).split())  # it may be a page of many lines
                return f"The download of {style} failed ({cause:.200}): {AGAIN}"

    def _say(self, **news: Any) -> None:
        with self._speaking:
            self._out.write(json.dumps(news) + "\n")
            self._out.flush()


if __name__ == "__main__":
    _Downloader(RELEASES[sys.argv[1]], Path(sys.argv[2]), float(sys.argv[3])).run()
