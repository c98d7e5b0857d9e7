"""What Prometheus may ask: how long photos waited and took, what became of them, what the program holds."""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

DONE: Final = "done"
REASONS: Final = ("out-of-memory", "failed", "stuck")
# In seconds: a photo alone on a GPU takes the first, the last one of a full queue the last.
PHOTO_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
BATCH_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
LAG_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
BATCH_PHOTOS: Final = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counts for one program run, in a registry of its own.

    `waiting` (photos in the queue), `spool_bytes` and `device_bytes` are read at every exposition, so they must
    be quick. `drawn` and `failed` are the photos settled so far.
    """

    def __init__(
        self, waiting: Callable[[], int], spool_bytes: Callable[[], int], device_bytes: Callable[[], int]
    ) -> None:
        self.drawn = 0
        self.failed = 0
        self._registry = CollectorRegistry()
        self._gauge("cartoonbot_waiting_photos", "Photos in the queue", waiting)
        self._gauge("cartoonbot_spool_bytes", "Bytes of photos in flight", spool_bytes)
        self._gauge("cartoonbot_device_memory_bytes", "Memory used on the device; 0 on a CPU", device_bytes)
        self._settled = self._counter("cartoonbot_photos_settled", "Photos done or failed, by outcome", "outcome")
        self._settled.labels(DONE)
        self._delivered = self._counter("cartoonbot_photos_delivered", "Cartoons sent to their chats")
        self._waited = self._histogram(
            "cartoonbot_photo_waited_seconds", "From the queue to the device", PHOTO_SECONDS
        )
        self._served = self._histogram(
            "cartoonbot_photo_served_seconds", "From the device to the written result; drawn photos", PHOTO_SECONDS
        )
        self._batch_photos = self._histogram(
            "cartoonbot_batch_photos", "Photos in a micro-batch", BATCH_PHOTOS, "style"
        )
        self._batch_seconds = self._histogram(
            "cartoonbot_batch_seconds", "The device's time for a micro-batch", BATCH_SECONDS, "style"
        )
        self._failures = self._counter(
            "cartoonbot_batch_failures", "Micro-batches that were not drawn, by reason", "reason"
        )
        for reason in REASONS:
            self._failures.labels(reason)
        self._lag = self._histogram(
            "cartoonbot_event_loop_lag_seconds", "How late the event loop comes back from a sleep", LAG_SECONDS
        )

    def batch_drawn(self, style: str, photos: int, seconds: float) -> None:
        self._batch_photos.labels(style).observe(photos)
        self._batch_seconds.labels(style).observe(seconds)

    def batch_failed(self, reason: str) -> None:
        self._failures.labels(reason).inc()

    def photo_settled(self, failure: str | None, waited: float, served: float) -> None:
        """`failure` is a UserError's code, None for a photo that was drawn; times in seconds.

        What failed says nothing of how long drawing takes, so only its waiting is observed.
        """
        self._settled.labels(failure or DONE).inc()
        self._waited.observe(waited)
        if failure is None:
            self.drawn += 1
            self._served.observe(served)
        else:
            self.failed += 1

    def delivered(self, photos: int) -> None:
        self._delivered.inc(photos)

    def loop_lagged(self, seconds: float) -> None:
        self._lag.observe(seconds)

    def exposition(self) -> bytes:
        """The counts in Prometheus' text format."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, tells: str, read: Callable[[], int]) -> None:
        Gauge(name, tells, registry=self._registry).set_function(read)

    def _counter(self, name: str, tells: str, *labels: str) -> Counter:
        return Counter(name, tells, labels, registry=self._registry)

    def _histogram(self, name: str, tells: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, tells, labels, buckets=buckets, registry=self._registry)
