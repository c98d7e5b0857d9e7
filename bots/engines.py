"""Where photos are drawn, as set up: on a device of this machine, or by workers elsewhere."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from core.config import Settings
from core.engine import Engine, LocalEngine, device_label, pick_device
from core.errors import OutOfMemory, UserError
from core.look import Look
from core.sheet import SheetEngine
from core.studio import Rules
from core.styles.registry import BUILT_IN, Build, Styles
from core.weights import WeightsFolder

if TYPE_CHECKING:
    from core.cluster import ClusterEngine

log = logging.getLogger(__name__)

BLANK: Final = np.full((512, 512, 3), 255, np.uint8)
# In seconds; longer than a photo that is sent again and again takes to be given up.
CLUSTER_DEADLINE: Final = 600.0


class Engines:
    """Builds engines. `build_local` makes one for this machine from DEVICE and what builds a style.

    `styles` are those that can be drawn there, wherever that is.
    """

    def __init__(
        self, settings: Settings, weights: WeightsFolder, build_local: Callable[[str, Build], Engine] | None = None
    ) -> None:
        self._settings = settings
        self._here = Styles(weights, settings.precision)
        self._build_local = build_local or partial(LocalEngine, memory_gb=settings.device_memory_gb)
        self._cluster: ClusterEngine | None = None
        self.styles = Styles(weights, settings.precision, self._drawn_elsewhere)

    @property
    def rules(self) -> Rules:
        """How the studio works with them."""
        settings = self._settings
        if not settings.inference_url:
            return Rules(limits=settings.limits, batch_size=settings.batch_size, attempts=settings.attempts)
        # Each photo by itself: workers make the batches. Deadlines are the engine's, which tries again for long.
        return Rules(
            limits=settings.limits,
            batch_size=1,
            attempts=settings.attempts,
            lanes=settings.inference_parallel,
            least_deadline=CLUSTER_DEADLINE + settings.inference_seconds,
            first_deadline=CLUSTER_DEADLINE + settings.inference_seconds,
        )

    def build(self) -> Engine:
        """An engine that draws sheets, too. Raises ConfigError: no such device, or a token that workers refuse."""
        engine = self._built_cluster() if self._settings.inference_url else self._built_here()
        return SheetEngine(engine, lambda: self.styles.installed)

    def label(self) -> str:
        """For people; looking at a device may take a moment."""
        if urls := self._settings.inference_url:
            return f"Ray Serve ({len(urls)})"
        return device_label(pick_device(self._settings.device))

    def _built_here(self) -> Engine:
        engine = self._build_local(self._settings.device, self._here.build)
        if pick_device(self._settings.device).type != "cpu":
            # So that nobody's photo waits for a GPU's kernels and weights.
            try:
                engine.stylize([BLANK], [Look(self._here.default)])
            except (UserError, OutOfMemory) as error:
                log.warning("nothing was drawn to warm up: %s", error)
        return engine

    def _built_cluster(self) -> Engine:
        # Who draws here needs no HTTP client for it.
        from core.cluster import ClusterEngine

        settings = self._settings
        token = settings.inference_token
        local = partial(self._build_local, settings.device, self._here.build)
        self._cluster = ClusterEngine(
            settings.inference_url,
            token.get_secret_value() if token else None,
            settings.inference_seconds,
            fallback=local if settings.inference_fallback else None,
            falls_back_for=self._here.has,
        )
        return self._cluster

    def _drawn_elsewhere(self) -> Sequence[str]:
        """The styles that workers draw; none where this machine draws, too, and they have not been reached yet."""
        if not self._settings.inference_url:
            return ()
        named = self._cluster.styles if self._cluster else ()
        return named or (() if self._settings.inference_fallback else BUILT_IN)
