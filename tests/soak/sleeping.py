"""A worker that sleeps like a GPU, for tests.soak.cluster. It runs beside Ray, where no chat library is."""

import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from core.config import Settings
from core.look import Look
from core.photo import Array, fitted
from core.styles.registry import BUILT_IN
from deploy.ray.worker import Worker

# For a batch, however many photos are in it.
BATCH_SECONDS: Final = 0.4


class SleepingEngine:
    """Takes its time over each batch without any of the processor's, then paints each photo in one flat colour."""

    def prepare(self, photo: Array) -> None:
        pass

    def stylize(self, photos: Sequence[Array], looks: Sequence[Look]) -> list[Array]:
        time.sleep(BATCH_SECONDS)
        return [_flat(photo, look) for photo, look in zip(photos, looks, strict=True)]

    def close(self) -> None:
        pass


def sleeping_worker(settings: Settings) -> Worker:
    return Worker(SleepingEngine(), lambda: BUILT_IN, "sleeping")


def _flat(photo: Array, look: Look) -> Array:
    height, width = fitted(photo.shape[0], photo.shape[1], look.size)
    return np.full((height, width, 3), photo.reshape(-1, 3).mean(axis=0), np.uint8)
