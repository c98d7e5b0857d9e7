"""Styles that somebody asks for and that are not installed: said to be missing, or downloaded."""

import asyncio
import logging

from core.errors import LookError, StyleArriving, WeightsUnavailable
from core.styles.registry import Styles
from core.weights import WeightsFolder

log = logging.getLogger(__name__)


class Pulls:
    """What becomes of requests for missing styles. With `automatic`, each starts or watches a download."""

    def __init__(self, styles: Styles, weights: WeightsFolder, *, automatic: bool) -> None:
        self._styles = styles
        self._weights = weights
        self._automatic = automatic
        self._percent: dict[str, int] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    def asked(self, style: str) -> LookError:
        """What to tell somebody who asks for a style that is not installed."""
        if not self._automatic:
            return self._styles.missing(style)
        task = self._tasks.get(style)
        if task is None:
            log.info("somebody asked for %s: downloading it", style)
            self._percent[style] = 0
            self._tasks[style] = asyncio.create_task(asyncio.to_thread(self._pull, style), name=f"pull {style}")
        elif task.done():
            # It failed, or the file is gone again. Say so once; whoever asks next begins anew.
            del self._tasks[style]
            return self._styles.missing(style)
        choices = ", ".join(self._styles.installed)
        return StyleArriving(style=style, percent=self._percent[style], choices=choices)

    async def close(self) -> None:
        """Stop what is under way; what has arrived is kept for the next time."""
        self._stopping = True
        await asyncio.gather(*self._tasks.values())

    def _pull(self, style: str) -> None:
        try:
            self._weights.pull(style, lambda here, total: self._heard(style, here, total))
        except WeightsUnavailable as error:
            log.error("%s could not be downloaded: %s", style, error)
        except _StoppedError:
            log.info("stopped the download of %s", style)
        else:
            log.info("%s is installed", style)

    def _heard(self, style: str, here: int, total: int) -> None:
        if self._stopping:
            raise _StoppedError
        self._percent[style] = round(100 * here / total) if total else 0


class _StoppedError(Exception):
    """The program ends."""
