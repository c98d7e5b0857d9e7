"""Styles that somebody asks for and that are not installed: said to be missing, or downloaded."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from bots.samples import draw_sample
from core.errors import LookError, StyleArriving, StyleNotDownloaded, WeightsUnavailable
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
        self._tasks: dict[str, asyncio.Future[None]] = {}
        # One after another, and not where the rest of the program has its threads.
        self._thread = ThreadPoolExecutor(1, "pull")
        self._stopping = False

    def asked(self, style: str) -> LookError:
        """What to tell somebody who asks for a style that is not installed."""
        if not self._automatic:
            return self._styles.missing(style)
        choices = ", ".join(self._styles.installed)
        task = self._tasks.get(style)
        if task is not None and task.done():
            # It failed, or the files are gone again. That is said once; whoever asks next begins anew.
            del self._tasks[style]
            return StyleNotDownloaded(style=style, choices=choices)
        if task is None:
            log.info("somebody asked for %s: downloading it", style)
            self._percent[style] = 0
            self._tasks[style] = asyncio.get_running_loop().run_in_executor(self._thread, self._pull, style)
        return StyleArriving(style=style, percent=self._percent[style], choices=choices)

    async def ended(self) -> None:
        """Wait for the downloads that are under way."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def close(self) -> None:
        """Stop what is under way; what has arrived is kept for the next time. May be called twice."""
        self._stopping = True
        self._thread.shutdown(wait=False, cancel_futures=True)
        await self.ended()

    def _pull(self, style: str) -> None:
        try:
            self._weights.pull(style, lambda here, total: self._heard(style, here, total))
        except Exception as error:
            if self._stopping:
                log.info("stopped the download of %s", style)
            elif isinstance(error, WeightsUnavailable):
                log.error("%s could not be downloaded: %s", style, error)
            else:
                log.exception("%s could not be downloaded", style)
        else:
            log.info("%s is installed", style)
            if not self._stopping:
                draw_sample(self._weights, style)

    def _heard(self, style: str, here: int, total: int) -> None:
        if self._stopping:
            raise InterruptedError("the program ends")
        self._percent[style] = round(100 * here / total) if total else 0
