"""What a replica draws with: an engine, and the one thread that calls it. It needs no ray."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from core.config import Settings
from core.device_thread import DeviceThread
from core.engine import Engine, LocalEngine, device_label
from core.errors import EngineStuck
from core.look import Look
from core.photo import Array
from core.styles.registry import Styles
from core.weights import WeightsFolder

log = logging.getLogger(__name__)

# In seconds. A style's first batch may load it, and compile.
BATCH_DEADLINE: Final = 600.0
# Below health_check_timeout_s of serve.yaml, so that the log says what is wrong.
HEALTH_DEADLINE: Final = 50.0
TINY: Final = 32


class Worker:
    """Draws batches. `styles` names those that can be drawn now; `device` is for people."""

    def __init__(self, engine: Engine, styles: Callable[[], Sequence[str]], device: str) -> None:
        self._engine = engine
        self._styles = styles
        self._label = device
        # The event loop must go on while the device draws.
        self._device = DeviceThread()

    def about(self) -> dict[str, Any]:
        """What /healthz tells."""
        return {"styles": [*self._styles()], "device": self._label}

    async def prepare(self, photo: Array) -> None:
        """What can be done for a photo beside the batch on the device."""
        await asyncio.to_thread(self._engine.prepare, photo)

    async def draw(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array | Exception]:
        """What became of each photo. When they fail together, each is drawn alone."""
        try:
            return [*await self._drawn(BATCH_DEADLINE, photos, looks)]
        except Exception as error:
            if len(photos) == 1 or isinstance(error, EngineStuck):
                return [error] * len(photos)
            log.warning("a batch of %d failed (%r); trying again one by one", len(photos), error)
            alone = [await self.draw([photo], [look]) for photo, look in zip(photos, looks, strict=True)]
            return [outcome for outcomes in alone for outcome in outcomes]

    async def check(self) -> None:
        """Draw a tiny photo, after the batch on the device and before all that wait.

        Raises whatever the engine raises, and EngineStuck when it does not answer.
        """
        photo = np.full((TINY, TINY, 3), 128, np.uint8)
        await self._drawn(HEALTH_DEADLINE, [photo], [Look(size=TINY)])

    async def _drawn(self, deadline: float, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        drawn = await self._device.call(deadline, self._engine.stylize, photos, looks)
        if len(drawn) != len(photos):
            raise RuntimeError(f"the engine drew {len(drawn)} of {len(photos)} photos")
        return drawn


def local_worker(settings: Settings) -> Worker:
    """Core's engine, with the weights in WEIGHTS_DIR, on DEVICE. Raises ConfigError when there is none such."""
    styles = Styles(WeightsFolder(settings.weights_dir), settings.precision)
    engine = LocalEngine(settings.device, styles.build, settings.device_memory_gb)
    return Worker(engine, lambda: styles.installed, device_label(engine.device))
